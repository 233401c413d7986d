package statusbar

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

const interval = time.Minute

var sees = hoststate.Monitor{Total: 1, Healthy: 1}

// config is that of a fleet's page, without a place to keep anything.
func config() Config {
	return Config{
		Page:     Page{ID: "proxies", Name: "Proxies", URL: "https://www.example.net/"},
		Interval: interval,
		Bytes: func() map[string]Bytes {
			return map[string]Bytes{"baltimore": {Total: 9_007_199_254_740_991, Day: 1_234_567}}
		},
	}
}

// hosts are one of each state at now.
func hosts(now time.Time) []Component {
	day, month := 1.0, 0.9993
	words := func(auth, loss verdict.Status) []hoststate.Word {
		return []hoststate.Word{{Check: "squid_auth", Status: auth}, {Check: "packet_loss", Status: loss}}
	}
	before := func(d time.Duration) time.Time { return now.Add(-d) }
	return []Component{
		{
			Host: Host{ID: "baltimore", Name: "Baltimore", Group: "us-east", City: "Baltimore", Country: "US"},
			Standing: hoststate.Standing{
				Status: hoststate.Up, Since: before(50 * time.Hour), CheckedAt: before(time.Second), Latency: 83_600 * time.Microsecond,
				Checks: words(verdict.OK, verdict.OK),
			},
			Uptime: Shares{Day: &day, Month: &month}, Coverage: Shares{Day: &day, Month: &day},
			Outcomes: []check.Outcome{
				outcome("squid_auth", verdict.OK, "", "fetched in 84 ms"),
				outcome("packet_loss", verdict.OK, "", "0/20 lost"),
			},
		},
		{
			Host: Host{ID: "fra-1", Group: "eu", City: "Frankfurt", Country: "DE"},
			Standing: hoststate.Standing{
				Status: hoststate.Degraded, Since: before(7 * time.Minute), CheckedAt: before(2 * time.Second), Reason: metric.ReasonLoss,
				Latency: 20 * time.Millisecond, Checks: words(verdict.OK, verdict.Warning),
			},
			Outcomes: []check.Outcome{
				outcome("squid_auth", verdict.OK, "", "fetched in 20 ms"),
				outcome("packet_loss", verdict.Warning, metric.FaultPath, "3/20 lost (15 %, 95 % CI 5-36 %)"),
				outcome("clock_offset", verdict.Warning, metric.FaultClock, "clock is 9 s ahead"),
			},
		},
		{
			Host: Host{ID: "singapore", Name: "Singapore"},
			Standing: hoststate.Standing{
				Status: hoststate.Down, Since: before(3 * time.Hour), CheckedAt: before(9 * time.Second), Reason: metric.ReasonRefused,
				Checks: words(verdict.Critical, verdict.OK), Votes: &hoststate.Votes{Up: 1, Down: 4, Unknown: 1}, Regions: []string{"eu", "us"},
			},
			Outcomes: []check.Outcome{
				outcome("packet_loss", verdict.OK, "", "0/20 lost"),
				outcome("squid_auth", verdict.Critical, metric.FaultProxy, `connecting to proxy "192.0.2.7:3128": connection refused`),
			},
		},
		{
			Host: Host{ID: "oslo", Name: "Oslo"},
			Standing: hoststate.Standing{
				Status: hoststate.Maintenance, Since: before(30 * time.Minute), CheckedAt: before(3 * time.Second),
				Checks: words(verdict.OK, verdict.OK),
				Work:   &hoststate.Work{From: before(30 * time.Minute), Until: now.Add(90 * time.Minute), Reason: "new <disk>", Beneath: hoststate.Up},
			},
		},
		{
			Host: Host{ID: "tokyo", Name: "Tokyo"},
			Standing: hoststate.Standing{
				Since: before(26 * time.Hour), CheckedAt: before(26 * time.Hour), Reason: metric.ReasonStale, LastKnown: hoststate.Up,
				Checks: words(verdict.Unknown, verdict.Unknown),
			},
		},
		{Host: Host{ID: "lima", Name: "Lima"}, Standing: hoststate.Host{}.At(now)},
	}
}

func outcome(name string, s verdict.Status, fault metric.Fault, summary string) check.Outcome {
	return check.Outcome{Check: name, Verdict: verdict.Verdict{Status: s, Fault: fault, Summary: summary}}
}

// published is a Bar with hosts(now), 42 seconds after the bubble began, whose
// newest round was completed half a second before.
func published(c Config) *Bar {
	time.Sleep(42 * time.Second)
	now := time.Now()
	b := New(c, nil, now)
	b.Publish(now, now.Add(-500*time.Millisecond), hosts(now), sees)
	return b
}

// get asks the handler; header is name, value, name, value, ...
func get(h http.Handler, path string, header ...string) *http.Response {
	return ask(h, http.MethodGet, path, header...)
}

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path = path
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// status is status.json as everybody reads it now.
func status(t *testing.T, b *Bar) document {
	t.Helper()
	r := get(b.Public(), "/status.json")
	if r.StatusCode != http.StatusOK {
		t.Fatalf("status.json is answered with %s", r.Status)
	}
	var d document
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// golden holds got to the file of that name. How a page looks is left out.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if begin, end := strings.Index(got, "<style>"), strings.Index(got, "</style>"); begin >= 0 && end > begin {
		got = got[:begin] + got[end+len("</style>"):]
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another (-update writes it anew):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		for path, name := range map[string]string{
			"/status.json":            "status.json",
			"/fleet.json":             "fleet.json",
			"/api/v2/status.json":     "v2_status.json",
			"/api/v2/components.json": "v2_components.json",
			"/api/v2/summary.json":    "v2_summary.json",
			"/badge/baltimore.json":   "badge.json",
			"/badge/singapore.svg":    "badge.svg",
			"/":                       "public.html",
		} {
			golden(t, name, text(t, get(b.Public(), path)))
		}
		golden(t, "operator.html", text(t, get(b.Operator(), "/")))
		time.Sleep(4 * time.Minute)
		golden(t, "status_lapsed.json", text(t, get(b.Public(), "/status.json")))
		golden(t, "v2_summary_lapsed.json", text(t, get(b.Public(), "/api/v2/summary.json")))
		golden(t, "badge_lapsed.json", text(t, get(b.Public(), "/badge/baltimore.json")))
		golden(t, "public_lapsed.html", text(t, get(b.Public(), "/")))
	})
}

func TestBeforeTheFirstRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(config(), []Host{{ID: "baltimore"}, {ID: "fra-1", Name: "Frankfurt"}}, time.Now())
		b.Publish(time.Now(), time.Time{}, hosts(time.Now()), sees) // no round was completed yet
		time.Sleep(time.Hour)
		d := status(t, b)
		if d.Status != hoststate.Unknown || d.Counts != (hoststate.Counts{Unknown: 2}) || d.Summary != "state of 2 proxies unknown" {
			t.Errorf("the page is %v, %+v, %q", d.Status, d.Counts, d.Summary)
		}
		body := text(t, get(b.Public(), "/status.json"))
		for _, want := range []string{
			`"data_at":null,`, `"valid_until":null,`, `"since":null,"checked_at":null,`, `"reason":"not_measured"`, `"last_known":null`,
			`"checks":{}`, `"name":"baltimore"`, `"uptime":{"24h":null,"30d":null,"90d":null}`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("status.json lacks %s:\n%s", want, body)
			}
		}
		if page := text(t, get(b.Public(), "/")); !strings.Contains(page, "Nothing was measured yet") {
			t.Errorf("the page does not say that nothing was measured:\n%s", page)
		}
	})
}

func TestLease(t *testing.T) {
	for _, row := range []struct {
		situation string
		interval  time.Duration
		valid     time.Duration // after data_at
	}{
		{"a minute between rounds", time.Minute, 180 * time.Second},
		{"ten seconds between rounds", 10 * time.Second, 180 * time.Second},
		{"five minutes between rounds", 5 * time.Minute, 900 * time.Second},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config()
				c.Interval = row.interval
				b := published(c)
				d := status(t, b)
				dataAt, until := time.Time(d.DataAt), time.Time(d.ValidUntil)
				if until.Sub(dataAt) != row.valid {
					t.Errorf("valid for %v, want %v", until.Sub(dataAt), row.valid)
				}
				time.Sleep(time.Until(until))
				if d := status(t, b); d.Status != hoststate.Degraded || d.Counts.Up != 1 {
					t.Errorf("in its last second the page is %v, %+v", d.Status, d.Counts)
				}
				time.Sleep(time.Nanosecond)
				over := status(t, b)
				if over.Status != hoststate.Unknown || over.Counts != (hoststate.Counts{Unknown: 6}) {
					t.Errorf("after its lease the page is %v, %+v", over.Status, over.Counts)
				}
				if over.Seq != d.Seq || over.DataAt != d.DataAt || over.ValidUntil != d.ValidUntil || over.GeneratedAt != d.GeneratedAt {
					t.Errorf("a reader renewed it: %+v became %+v", d, over)
				}
				if was := over.Components[2].LastKnown; was == nil || *was != hoststate.Down {
					t.Errorf("what was down is last known as %v", was)
				}
			})
		})
	}
}

func TestAWedgedEngineCannotRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		dataAt := time.Time(status(t, b).DataAt)
		for range 4 { // it still publishes, but completes no round
			time.Sleep(interval)
			b.Publish(time.Now(), dataAt, hosts(time.Now()), sees)
		}
		if d := status(t, b); d.Status != hoststate.Unknown || !time.Time(d.DataAt).Equal(dataAt) {
			t.Errorf("the page is %v with data of %v", d.Status, d.DataAt)
		}
	})
}

func TestTheOlderOfTwoDoesNotComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		before := time.Now()
		time.Sleep(time.Second)
		b.Publish(time.Now(), time.Now(), nil, sees)
		b.Publish(before, before, hosts(before), sees)
		if d := status(t, b); len(d.Components) != 0 {
			t.Error("an older snapshot took the place of a newer one")
		}
	})
}

func TestSeqGrowsByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		before := status(t, b).Seq
		b.Publish(time.Now(), time.Now(), hosts(time.Now()), sees)
		if after := status(t, b).Seq; after != before+1 {
			t.Errorf("seq went from %d to %d", before, after)
		}
	})
}

func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		c := config()
		c.Page.Name, c.Interval = "Fleet", 2*time.Minute
		b.Reconfigure(c)
		if d := status(t, b); d.IntervalS != 60 {
			t.Errorf("a published snapshot changed its interval to %v", d.IntervalS)
		}
		b.Publish(time.Now(), time.Now(), hosts(time.Now()), sees)
		if d := status(t, b); d.IntervalS != 120 {
			t.Errorf("the next snapshot has interval %v", d.IntervalS)
		}
	})
}

func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		read := func() (until float64, is map[string]string, series int) {
			is = map[string]string{}
			for s := range b.Samples() {
				switch {
				case s.Metric == "status_valid_until_timestamp_seconds":
					until = s.Value
				case s.Value == 1:
					is[s.Labels[1]] = s.Labels[3]
				}
				series++
			}
			return until, is, series
		}
		until, is, series := read()
		if want := float64(time.Time(status(t, b).ValidUntil).Unix()); until != want {
			t.Errorf("valid until %v, want %v", until, want)
		}
		want := map[string]string{
			"baltimore": "up", "fra-1": "degraded", "singapore": "down", "oslo": "maintenance", "tokyo": "unknown", "lima": "unknown",
		}
		if !cmp.Equal(is, want) || series != 1+5*6 {
			t.Errorf("%d series: %s", series, cmp.Diff(want, is))
		}
		time.Sleep(time.Hour)
		if _, is, _ := read(); is["baltimore"] != "unknown" || is["singapore"] != "unknown" {
			t.Errorf("after the lease: %v", is)
		}
		for s := range New(config(), nil, time.Now()).Samples() {
			if s.Value != 0 {
				t.Errorf("before the first round: %s is %v", s.Metric, s.Value)
			}
		}
	})
}
