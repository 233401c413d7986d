package vantage

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/hoststate"
)

// engine answers every query with text.
func engine(t *testing.T, kind, text string) *Client {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
	})
}

func serving(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnswersThatAreNone(t *testing.T) {
	const json = "application/json"
	series := `{"metric":{"__name__":"x"},"value":[1,"1"]},`
	for _, row := range []struct{ situation, kind, text, want string }{
		{"a page of somebody's", "text/html; charset=utf-8", "<html>", `200 OK, and "text/html" instead of JSON: is this the URL that the API is under?`},
		{"an error", json, `{"status":"error","errorType":"execution","error":"query timed out"}`, `it says "error": query timed out`},
		{"warnings: Thanos answers in part", json, `{"status":"success","warnings":["no store matched"],"data":{"resultType":"vector","result":[]}}`, "an answer in part, which is none: no store matched"},
		{"VictoriaMetrics answers in part", json, `{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}`, "an answer in part, which is none"},
		{"it breaks off", json, `{"status":"success","data":{"resultType":"vector","result":[` + series, "its answer breaks off"},
		{"nothing", json, "", "its answer breaks off"},
		{"another type", json, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, `a result of type "matrix" instead of a vector`},
		{"no data", json, `{"status":"success"}`, `a result of type "" instead of a vector`},
		{"no JSON", json, "}{", "its answer is not that of the API"},
		{"a list", json, "[1]", "its answer is not that of the API: [ where { should be"},
		{"a value that is none", json, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}}`, "2 is no value"},
		{"it says escapes", json, `{"status":"error","error":"a\u001b[31mb"}`, "a [31mb"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			_, err := engine(t, row.kind, row.text).Ask(t.Context(), []string{"squid_auth"}, time.Now())
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("got %v, want %s", err, row.want)
			}
		})
	}
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Redirect(w, &http.Request{}, "http://192.0.2.1/", http.StatusFound)
	})
	if _, err := c.Ask(t.Context(), nil, time.Now()); err == nil || !strings.Contains(err.Error(), "302 Found") {
		t.Errorf("a redirect: %v", err)
	}
}

// A million series are refused before they are there.
func TestTooManySeries(t *testing.T) {
	var sent atomic.Int32
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}`)
		for range 1_000_000 {
			if _, err := io.WriteString(w, `,{"metric":{},"value":[1,"1"]}`); err != nil {
				return // it has heard enough
			}
			sent.Add(1)
		}
	})
	if c.series != 500_000 {
		t.Errorf("%d series may come", c.series)
	}
	c.series = 1000
	_, err := c.Ask(t.Context(), nil, time.Now())
	if err == nil || !strings.Contains(err.Error(), "more than 1000 series: is this the engine of one fleet?") || sent.Load() > 900_000 {
		t.Errorf("%v after %d", err, sent.Load())
	}
}

// An answer that never ends is cut off, by its time and by its length.
func TestAnswersThatDoNotEnd(t *testing.T) {
	endless := &limited{r: zeros{}, left: 1 << 20}
	if _, err := decode(io.MultiReader(strings.NewReader(`{"x":"`), endless), 10); err == nil || !strings.Contains(err.Error(), "longer than 256 MB") {
		t.Errorf("endless: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, err := New("http://engine.example.net", "")
		if err != nil {
			t.Fatal(err)
		}
		c.http.Transport = silent{}
		began := time.Now()
		if _, err = c.Ask(t.Context(), nil, began); err == nil || !strings.Contains(err.Error(), "no whole answer within 10s") {
			t.Errorf("silent: %v", err)
		}
		if took := time.Since(began); took != patience {
			t.Errorf("it waited %v", took)
		}
	})
}

type zeros struct{}

// Read reads zeros.
func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

type silent struct{}

// RoundTrip waits.
func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestHeaders(t *testing.T) {
	dir := t.TempDir()
	file := func(text string, mode os.FileMode) string {
		path := filepath.Join(dir, fmt.Sprint(len(text), mode))
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, row := range []struct{ situation, url, file, want string }{
		{"no URL", "prometheus:9090", "", `"prometheus:9090" is no URL of an API: write it as http://prometheus:9090`},
		{"a password in it", "http://a:s3cret@x", "", "the URL carries a login: put an Authorization header into headers_file"},
		{"a file", "file:///etc/passwd", "", "is no URL of an API"},
		{"others may read it", "http://x", file("A: b", 0o644), "others may open it (mode 0644): run chmod o-rwx"},
		{"absent", "http://x", filepath.Join(dir, "none"), "no such file or directory"},
		{"no header", "http://x", file("# tenant\nX-Scope-OrgID\n", 0o600), `line 2 is no header: write it as "Name: value"`},
	} {
		if _, err := New(row.url, row.file); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.situation, err, row.want)
		}
	}
	var tenant, path string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, path = r.Header.Get("X-Scope-OrgID"), r.URL.Path
		w.Header().Set("Content-Type", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+"/x")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer s.Close()
	c, err := New(s.URL+"/prometheus/", file("X-Scope-OrgID: fleet\nAuthorization: Bearer S3cret\n", 0o640))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ask(t.Context(), nil, time.Now())
	if tenant != "fleet" || path != "/prometheus/api/v1/query" || err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || strings.Contains(strings.ToLower(err.Error()), "s3cret") {
		t.Errorf("%q %q %v", tenant, path, err)
	}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A scene is what vantages said: "a/gandi/eu:2" a CRITICAL, "!" in front does not trust
// itself, "@90" behind was seen so many seconds ago, "~90" ran so many seconds ago.
func scene(words string) Answer {
	a := Answer{At: now, places: map[source]place{}, says: map[string]map[source][]said{"fra-1": {}}}
	for word := range strings.FieldsSeq(words) {
		trusted := !strings.HasPrefix(word, "!")
		name, rest, _ := strings.Cut(strings.TrimPrefix(word, "!"), "/")
		provider, says, _ := strings.Cut(rest, ":")
		var status, scraped, ran float64
		_, _ = fmt.Sscanf(says, "%f@%f~%f", &status, &scraped, &ran) // what is left out is 0
		from := source{"m", name}
		a.places[from] = place{vantage: name, provider: provider, region: provider, trusted: trusted, scraped: now}
		w := said{"squid_auth", statusOf(status), now.Add(-time.Duration(scraped) * time.Second), now.Add(-time.Duration(ran) * time.Second)}
		a.says["fra-1"][from] = []said{w}
	}
	return a
}

func TestVotes(t *testing.T) {
	for _, row := range []struct{ situation, words, want string }{
		{"all see it up", "a/x:0 b/y:0 c/z:0", "up up up = up"},
		{"all see it down", "a/x:2 b/y:2 c/z:2", "down down down = down"},
		{"one cannot measure", "a/x:2 b/y:2 c/z:3", "down down unknown = down"},
		{"one does not trust itself", "a/x:2 b/y:2 !c/z:0", "down down unknown = down"},
		{"two do not trust themselves", "a/x:2 !b/y:2 !c/z:2", "down unknown unknown = unknown"},
		{"a sample that is just fresh", "a/x:2@150 b/y:2 c/z:0", "down down up = down"},
		{"a sample that is too old", "a/x:2@151 b/y:2 c/z:0", "unknown down up = degraded"},
		{"a check that hangs in an exporter that is scraped", "a/x:2@0~151 b/y:2 c/z:0", "unknown down up = degraded"},
		{"a sample of the future", "a/x:2@-151 b/y:2 c/z:0", "unknown down up = degraded"},
		{"a check that ran in the future: a vantage whose clock is wrong", "a/x:2@0~-151 b/y:2 c/z:0", "unknown down up = degraded"},
		{"a status that is none", "a/x:7 b/y:2 c/z:2", "unknown down down = down"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			a := scene(row.words)
			votes, _ := a.Votes("fra-1", hoststate.Roles{Down: []string{"squid_auth"}}, now, time.Minute)
			got := ""
			for _, v := range votes {
				got += v.Status.String() + " "
			}
			if got += "= " + hoststate.Count(votes).Status.String(); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

// What a vantage said of itself is believed no longer than what it said of hosts: the
// engine's timestamp() says when it took that, and the time of the answer does not.
func TestAVantageThatIsNotHeardOf(t *testing.T) {
	for late, want := range map[time.Duration]string{150 * time.Second: "up up up, 3 of 3", 151 * time.Second: "unknown up up, 2 of 3", -151 * time.Second: "unknown up up, 2 of 3"} {
		a := scene("a/x:0 b/y:0 c/z:0")
		a.takeTime(sample{labels: map[string]string{"job": "m", "instance": "a"}, value: float64(now.Add(-late).Unix())})
		votes, _ := a.Votes("fra-1", hoststate.Roles{Down: []string{"squid_auth"}}, now, time.Minute)
		m := a.Monitor(now, time.Minute)
		if got := fmt.Sprintf("%v %v %v, %d of %d", votes[0].Status, votes[1].Status, votes[2].Status, m.Healthy, m.Total); got != want {
			t.Errorf("heard of %v ago: %s, want %s", late, got, want)
		}
	}
}

// An engine that says null means that it knows nothing: then nobody votes.
func TestAResultOfNull(t *testing.T) {
	a, err := engine(t, "application/json", `{"status":"success","data":{"resultType":"vector","result":null}}`).Ask(t.Context(), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if votes, _ := a.Votes("fra-1", hoststate.Roles{}, now, time.Minute); len(votes) != 0 || a.Monitor(now, time.Minute).Sight() != hoststate.Blind {
		t.Errorf("%v, %v", votes, a.Monitor(now, time.Minute))
	}
}

// Every question asks for the whole answer, in the words of Thanos and of VictoriaMetrics,
// and for the time of every sample.
func TestQuestions(t *testing.T) {
	var asked []string
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("partial_response") != "false" || r.FormValue("deny_partial_response") != "1" {
			t.Errorf("%s may be answered in part", r.FormValue("query"))
		}
		asked = append(asked, r.FormValue("query"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	})
	if _, err := c.Ask(t.Context(), []string{"squid_auth", "packet_loss"}, now); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`timestamp(milepost_monitor_trusted{test="all"})`, `timestamp(milepost_check_status{check=~"squid_auth|packet_loss"})`,
		`milepost_check_last_run_timestamp_seconds{check=~"squid_auth|packet_loss"}`,
	} {
		if !slices.Contains(asked, want) {
			t.Errorf("%s is not asked: %q", want, asked)
		}
	}
}

func TestMonitorOfManyVantages(t *testing.T) {
	for _, row := range []struct{ words, want string }{
		{"a/x:0 b/y:0 c/z:0", "ok 3 of 3 []"},
		{"a/x:0 b/y:0 !c/z:0", "impaired 2 of 3 []"},
		{"a/x:0 !b/y:0 !c/z:0", "blind 1 of 3 [no_quorum]"},
		{"a/x:0 b/x:0 !c/y:0 !d/z:0", "blind 2 of 4 [no_quorum]"},
		{"", "blind 0 of 0 [no_quorum]"},
	} {
		m := scene(row.words).Monitor(now, time.Minute)
		if got := fmt.Sprintf("%v %d of %d %v", m.Sight(), m.Healthy, m.Total, m.Reasons); got != row.want {
			t.Errorf("%s: %s, want %s", row.words, got, row.want)
		}
	}
}

// Three sites whose Prometheus calls its milepost 127.0.0.1:10120: what one says would be
// taken for what all say.
func TestVantagesThatCannotBeToldApart(t *testing.T) {
	a := scene("127.0.0.1:10120/x:2 b/y:0 c/z:0")
	for _, vantage := range []string{"fra-1", "fra-1", "lon-1", "ams-1"} {
		a.takePlace(sample{labels: map[string]string{"job": "m", "instance": "127.0.0.1:10120", "vantage": vantage}})
	}
	const want = `127.0.0.1:10120 and ams-1 and fra-1 and lon-1 have one job "m" and instance "127.0.0.1:10120": give each an instance of its own where it is scraped`
	if got := a.Folded(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	votes, _ := a.Votes("fra-1", hoststate.Roles{Down: []string{"squid_auth"}}, now, time.Minute)
	if tally := hoststate.Count(votes); tally.Votes != (hoststate.Votes{Up: 2, Unknown: 1}) || tally.Status != hoststate.Up {
		t.Errorf("%+v", tally)
	}
	if got := scene("a/x:0 b/y:0").Folded(); got != "" {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":null}}`, `{"data":[]}`, `{"status":1}`, "[", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if all, err := decode(strings.NewReader(s), 10); err != nil && all != nil {
			t.Error("an answer beside an error")
		}
	})
}
