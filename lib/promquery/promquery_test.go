package promquery

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func vector(values ...string) string {
	var series []string
	for _, v := range values {
		series = append(series, fmt.Sprintf(`{"metric":{},"value":[1795400000.1,%q]}`, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		status     int
		body       string
		want       string
	}{
		{"a vector of one", "application/json", 200, vector("0.02"), "0.02"},
		{"a scalar", "application/json; charset=utf-8", 200, `{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}`, "3"},
		{"no number", "application/json", 200, vector("NaN"), "NaN"},
		{"nothing", "application/json", 200, vector(), "it knows nothing of that"},
		{"several", "application/json", 200, vector("1", "2"), "it answered with 2 series: have the query make one of them, with avg()"},
		{"a matrix", "application/json", 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, `it answered with a "matrix": the query must give one number`},
		{"an error", "application/json", 400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, `it answered 400: "parse error"`},
		{"an error of success", "application/json", 200, `{"status":"error","error":"busy"}`, `it answered 200: "busy"`},
		{"a page", "text/html; charset=utf-8", 200, "<html>", "it answered text/html and no JSON: is the URL that of a Prometheus?"},
		{"a page that says no", "text/html", 502, "<html>", "it answered 502 Bad Gateway"},
		{"empty", "application/json", 200, "", "its answer is no JSON of Prometheus: unexpected end of JSON input"},
		{"half", "application/json", 200, vector("1")[:60], "its answer is no JSON of Prometheus: unexpected end of JSON input"},
		{"a number of none", "application/json", 200, strings.Replace(vector("x"), `"x"`, "7", 1), "its answer holds no number"},
		{"words", "application/json", 200, vector("many"), `its answer "many" is no number`},
		{"a redirect", "text/html", 302, "", "it answered 302 Found"},
		{"a flood", "application/json", 200, strings.Repeat(" ", largest+1), "its answer is larger than 1048576 bytes"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/prom/api/v1/query" || r.FormValue("query") != "up" {
				t.Errorf("%s", r.URL)
			}
			w.Header().Set("Content-Type", tt.kind)
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		}))
		v, err := Server{URL: server.URL + "/prom/"}.Number(t.Context(), "up")
		got := fmt.Sprint(v)
		if err != nil {
			got = strings.TrimPrefix(err.Error(), fmt.Sprintf("asking Prometheus %q: ", server.URL+"/prom/"))
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		server.Close()
	}
}

// What a server sends is bounded before it is read: a header, and what a few bytes of gzip
// unfold to.
func TestBombs(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.Copy(z, io.LimitReader(spaces{}, 64*largest)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string
	}{
		{"a header of 1 MB", func(w http.ResponseWriter) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) }, "server response headers exceeded 65536 bytes; aborted"},
		{"20,000 headers", func(w http.ResponseWriter) {
			for i := range 20_000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), "x")
			}
		}, "server response headers exceeded 65536 bytes; aborted"},
		{"a gzip bomb", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes()) // the client hangs up
		}, "its answer is larger than 1048576 bytes"},
		{"gzip that is none", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, vector("1"))
		}, "gzip: invalid header"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			tt.answer(w)
		}))
		if _, err := (Server{URL: server.URL}).Number(t.Context(), "up"); err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		server.Close()
	}
}

// spaces is a document of spaces without an end.
type spaces struct{}

// Read never fails.
func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestASilentServerIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := (Server{URL: server.URL}).Number(ctx, "up"); err == nil || !strings.HasSuffix(err.Error(), ": it did not answer in time") {
		t.Error(err)
	}
}

func TestHeaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("# of the fleet\nAuthorization: Bearer s3cret\r\n\nX-Scope-OrgID: fleet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization") + ", " + r.Header.Get("X-Scope-Orgid")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, vector("1"))
	}))
	defer server.Close()
	if _, err := (Server{URL: server.URL, Headers: file}).Number(t.Context(), "up"); err != nil || got != "Bearer s3cret, fleet" {
		t.Errorf("%q, %v", got, err)
	}
	for text, want := range map[string]string{
		"s3cret\n":               `line 1 is no header: write it as "Name: value"`,
		"# one\n\nA s3cret: b\n": `line 3 is no header: write it as "Name: value"`,
		"A:\n":                   `line 1 is no header: write it as "Name: value"`,
		"":                       "", // no headers
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Server{URL: server.URL, Headers: file}.Number(t.Context(), "up")
		if got := fmt.Sprint(err); want != "" && !strings.HasSuffix(got, want) || want == "" && err != nil || strings.Contains(got, "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A server that repeats what it was sent does not bring it into a log.
func TestHeadersAreNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("X-Key: s3\nAuthorization: Bearer s3cret\nX-Key: Token S3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, kind, body, want string }{
		{"an error", "application/json", `{"status":"error","error":"who is Bearer s3cret?"}`, `it answered 403: "who is ***?"`},
		{"a token alone", "application/json", `{"status":"error","error":"s3cret is over"}`, `it answered 403: "*** is over"`},
		{"where the line ends", "application/json", `{"status":"error","error":"` + strings.Repeat("-", 117) + `s3cret"}`, strings.Repeat("-", 117) + `***"`},
		{"a type", "S3cret/x", "", "it answered ***/x and no JSON: is the URL that of a Prometheus?"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.kind)
			if tt.body != "" {
				w.WriteHeader(http.StatusForbidden)
			}
			fmt.Fprint(w, tt.body)
		}))
		_, err := Server{URL: server.URL, Headers: file}.Number(t.Context(), "up")
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) || strings.Contains(strings.ToLower(err.Error()), "s3") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		server.Close()
	}
	if err := os.Chmod(file, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := (Server{URL: "http://127.0.0.1:1", Headers: file}).Number(t.Context(), "up"); err == nil || !strings.Contains(err.Error(), "others may open it (mode 0604): run chmod o-rwx") {
		t.Errorf("others may read it: %v", err)
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"127.0.0.1:9090":              "that is no URL: write http://127.0.0.1:9090",
		"ftp://x":                     "that is no URL: write http://127.0.0.1:9090",
		"http://u:s3cret@127.0.0.1:1": `asking Prometheus "http://u:xxxxx@127.0.0.1:1": dial tcp 127.0.0.1:1: connect: connection refused`,
	} {
		_, err := Server{URL: url}.Number(t.Context(), "up")
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(vector("0.02"))
	f.Add(`{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}`)
	f.Fuzz(func(_ *testing.T, body string) { _, _ = parse(200, []byte(body), strings.ToUpper) })
}
