package statusbar

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/hoststate"
)

// A request for what everybody polls encodes nothing, the first one neither.
func TestStatusIsEncodedBeforeItIsServed(t *testing.T) {
	now := time.Now()
	b := New(config(), nil, now)
	b.Publish(now, now, crowd(1000, 20, now), sees)
	r := httptest.NewRequest(http.MethodGet, "/status.json", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	w.Body = nil
	h := b.Public()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; w.Code != http.StatusOK || made > 20_000 {
		t.Errorf("%d: the first answer made %d bytes of garbage", w.Code, made)
	}
}

func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		r := get(b.Public(), "/status.json")
		for name, want := range map[string]string{
			"Content-Type":                  "application/json; charset=utf-8",
			"Cache-Control":                 "public, max-age=15",
			"Access-Control-Allow-Origin":   "*",
			"Access-Control-Expose-Headers": "Date, Age, ETag",
			"Cross-Origin-Resource-Policy":  "cross-origin",
			"X-Content-Type-Options":        "nosniff",
			"Vary":                          "Accept-Encoding",
			"Content-Encoding":              "",
			"Content-Security-Policy":       "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if tag := r.Header.Get("ETag"); len(tag) != 18 || strings.Trim(tag, `"`) == tag {
			t.Errorf("ETag: %s", tag)
		}
	})
}

func TestMaxAge(t *testing.T) {
	for _, row := range []struct {
		situation       string
		interval, after time.Duration
		want            string
	}{
		{"a quarter of a minute", time.Minute, 0, "public, max-age=15"},
		{"a quarter of ten seconds", 10 * time.Second, 0, "public, max-age=2"},
		{"nothing beyond the lease", time.Minute, 173*time.Second + 500*time.Millisecond, "public, max-age=5"},
		{"after the lease", time.Minute, time.Hour, "public, max-age=15"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config()
				c.Interval = row.interval
				b := published(c)
				time.Sleep(row.after)
				if got := get(b.Public(), "/status.json").Header.Get("Cache-Control"); got != row.want {
					t.Errorf("got %q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestNotModified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		tag := get(b.Public(), "/status.json").Header.Get("ETag")
		packed := get(b.Public(), "/status.json", "Accept-Encoding", "gzip").Header.Get("ETag")
		if tag == packed {
			t.Errorf("both encodings have the tag %s", tag)
		}
		for _, row := range []struct {
			situation string
			header    []string
			want      int
		}{
			{"the same", []string{"If-None-Match", tag}, 304},
			{"made weak on the way", []string{"If-None-Match", "W/" + tag}, 304},
			{"one of several", []string{"If-None-Match", `"x", ` + tag}, 304},
			{"on a second line", []string{"If-None-Match", `"x"`, "If-None-Match", tag}, 304},
			{"any", []string{"If-None-Match", "*"}, 304},
			{"the same, compressed", []string{"If-None-Match", packed, "Accept-Encoding", "gzip"}, 304},
			{"another", []string{"If-None-Match", `"x"`}, 200},
			{"without quotes", []string{"If-None-Match", strings.Trim(tag, `"`)}, 200},
			{"the tag of the other encoding", []string{"If-None-Match", packed}, 200},
			{"a time alone decides nothing", []string{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}, 200},
			{"a part is not given", []string{"Range", "bytes=0-9"}, 200},
			{"a precondition is not heeded: the answer is the truth", []string{"If-Match", `"x"`}, 200},
		} {
			r := get(b.Public(), "/status.json", row.header...)
			body := text(t, r)
			if r.StatusCode != row.want || (body == "") != (row.want == 304) {
				t.Errorf("%s: %s with %d bytes, want %d", row.situation, r.Status, len(body), row.want)
			}
			for _, name := range []string{"ETag", "Cache-Control", "Vary", "Access-Control-Allow-Origin"} {
				if r.Header.Get(name) == "" {
					t.Errorf("%s: a %d has no %s", row.situation, r.StatusCode, name)
				}
			}
			if r.StatusCode == http.StatusNotModified && (r.Header.Get("Content-Type") != "" || r.Header.Get("Content-Encoding") != "") {
				t.Errorf("%s: a 304 describes the body that it does not have: %v", row.situation, r.Header)
			}
		}
		b.Publish(time.Now(), time.Now(), hosts(time.Now()), sees)
		if r := get(b.Public(), "/status.json", "If-None-Match", tag); r.StatusCode != http.StatusOK {
			t.Errorf("a new snapshot is answered with %s", r.Status)
		}
	})
}

func TestGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		plain := text(t, get(b.Public(), "/status.json"))
		for _, row := range []struct {
			accept string
			want   string
		}{
			{"gzip", "gzip"},
			{"gzip, deflate, br, zstd", "gzip"},
			{"br;q=1.0, GZIP;q=0.5", "gzip"},
			{"*", "gzip"},
			{"gzip;q=0, *", ""},
			{"gzip; q=0.000", ""},
			{"gzip;q=nonsense", ""},
			{"identity, *;q=0", ""},
			{"br", ""},
			{"", ""},
		} {
			r := get(b.Public(), "/status.json", "Accept-Encoding", row.accept)
			if got := r.Header.Get("Content-Encoding"); got != row.want {
				t.Errorf("%q gets %q, want %q", row.accept, got, row.want)
				continue
			}
			if r.ContentLength <= 0 {
				t.Errorf("%q: Content-Length: %d", row.accept, r.ContentLength)
			}
			got := io.Reader(r.Body)
			if row.want == "gzip" {
				unpacked, err := gzip.NewReader(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				got = unpacked
			}
			body, err := io.ReadAll(got)
			if err != nil || string(body) != plain {
				t.Errorf("%q gets another body: %v", row.accept, err)
			}
		}
		if r := get(b.Public(), "/badge/baltimore.json", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
			t.Error("a badge of a hundred bytes is compressed")
		}
	})
}

func TestMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		for name, h := range map[string]http.Handler{"public": b.Public(), "operator": b.Operator()} {
			for _, path := range []string{"/", "/status.json", "/badge/fra-1.svg"} {
				whole, head := get(h, path), ask(h, http.MethodHead, path)
				if body := text(t, head); body != "" {
					t.Errorf("%s: HEAD %s has a body", name, path)
				}
				if diff := cmp.Diff(whole.Header, head.Header); diff != "" || head.StatusCode != http.StatusOK {
					t.Errorf("%s: HEAD %s is %s and differs from GET: %s", name, path, head.Status, diff)
				}
				for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
					r := ask(h, method, path)
					if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
						t.Errorf("%s: %s %s is %s, Allow %q", name, method, path, r.Status, r.Header.Get("Allow"))
					}
				}
			}
		}
	})
}

func TestThePageIsAskedForAgainWhenItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		refresh := func() string { return get(b.Public(), "/").Header.Get("Refresh") }
		if got := refresh(); got != "30" {
			t.Errorf("refreshes in %s s", got)
		}
		time.Sleep(170 * time.Second) // 9 s are left of the lease
		if got := refresh(); got != "10" {
			t.Errorf("refreshes in %s s, 9 s before its lease ends", got)
		}
		if d := status(t, b); d.Status == hoststate.Unknown {
			t.Error("the lease is over too early")
		}
	})
}

func TestPagesMayDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		public, operator := get(b.Public(), "/"), get(b.Operator(), "/")
		policy := public.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "script") || strings.Contains(policy, "unsafe") {
			t.Errorf("the public page may: %s", policy)
		}
		if got := operator.Header.Get("Content-Security-Policy"); got != policy+"; frame-ancestors 'none'" {
			t.Errorf("the operator's page may: %s", got)
		}
		if got := operator.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("the operator's page may be kept: %s", got)
		}
		if got := operator.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("the operator's page is read by scripts of %s", got)
		}
		page := text(t, public)
		for _, never := range []string{"<script", " style=", " onload=", "http-equiv=\"Content"} {
			if strings.Contains(page, never) {
				t.Errorf("the page has %s", never)
			}
		}
	})
}

// TestThePolicyIsTheHashOfTheStyle is what a browser does with both.
func TestThePolicyIsTheHashOfTheStyle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		for range 2 { // during the lease and after it: the styles differ
			r := get(b.Public(), "/")
			page := text(t, r)
			_, rest, _ := strings.Cut(page, "<style>")
			style, _, _ := strings.Cut(rest, "</style>")
			if want := hashOf(style); !strings.Contains(r.Header.Get("Content-Security-Policy"), want) {
				t.Errorf("the style's hash is %s, the policy is %s", want, r.Header.Get("Content-Security-Policy"))
			}
			time.Sleep(time.Hour)
		}
	})
}
