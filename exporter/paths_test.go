package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/history"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// TestRemembered: a host that is pinged all the time is not pinged for its path.
func TestRemembered(t *testing.T) {
	const ms = time.Millisecond
	r := remembered{pinger: nil} // asked, it would panic
	to := netip.MustParseAddr("192.0.2.1")
	r.Add("fra-1", to, time.Now(), []time.Duration{80 * ms, 70 * ms})
	got, err := r.RoundTrips(t.Context(), metric.Target{Name: "fra-1"}, 5, ms)
	if err != nil || len(got) != 1 || got[0] != 70*ms {
		t.Errorf("%v, %v", got, err)
	}
	if least, over := r.past(metric.Target{Name: "fra-1", Addrs: []netip.Addr{to}}); least != 80*ms || over != 7*24*time.Hour {
		t.Errorf("of a week it knows %v, %v", least, over)
	}
	paris, rome := fleet.Vantage{City: "Paris"}, fleet.Vantage{City: "Rome"}
	same := []fleet.Host{{Identity: fleet.Identity{Name: "fra-1"}}}
	r.keep(&fleet.Fleet{Vantage: paris, Hosts: same})
	if r.LeastOf("fra-1", time.Now()) == 0 {
		t.Error("a host that is there still is forgotten")
	}
	r.keep(&fleet.Fleet{Vantage: rome, Hosts: same})
	if r.LeastOf("fra-1", time.Now()) != 0 {
		t.Error("what was measured from elsewhere is known")
	}
	r.Add("fra-1", to, time.Now(), []time.Duration{80 * ms, 70 * ms})
	r.keep(&fleet.Fleet{Vantage: rome, Hosts: []fleet.Host{{Identity: fleet.Identity{Name: "par-1"}}}})
	if got := r.Of("fra-1", time.Now()); len(got) > 0 {
		t.Errorf("of a host that is gone it keeps %v", got)
	}
}

// TestPathRoutes asks for the pages about paths, of a monitor that runs no check.
func TestPathRoutes(t *testing.T) {
	m := stopped(t, `
vantage: {name: monitor-1, city: Paris}
defaults: {checks: {packet_loss: {}, path: {}}}
hosts:
  - {name: nyc-1, address: 127.0.0.2, city: New York, country: US}
  - {name: mil.svg, address: 127.0.0.3, city: Milan, country: IT}
  - {name: cage, address: 127.0.0.4, checks: {packet_loss: false}}
`, nil)
	now := time.Now()
	m.board.Post(outcome("nyc-1", 0.077))
	m.board.Post(outcome("mil.svg", 0.001))
	m.past.Pings("nyc-1", now.Add(-10*time.Minute), history.NewPings(60, 3, []time.Duration{77 * time.Millisecond, 79 * time.Millisecond}))
	m.past.flush(t.Context(), now)
	operator, public := m.operator(), m.public()
	for _, tt := range []struct {
		path string
		code int
		want []string
	}{
		{"/paths", 200, []string{"monitor-1 – nyc-1</td><td>77.0 ms</td><td>5837 km (3627 mi)</td><td>94.2</td>", "mil.svg (127.0.0.3) is said to be 640 km from monitor-1", "Some hosts have neither"}},
		{"/paths.csv?sort=name", 200, []string{"monitor-1,mil.svg,1.000,397,794.82,657.42\nmonitor-1,nyc-1,77.000,3627,94.21,77.92\n"}},
		{"/smoke/nyc-1", 200, []string{`<img src="./nyc-1.svg?range=30h"`, "3 of 60 packets lost (5 %)"}},
		{"/smoke/nyc-1.svg", 200, []string{"<svg", `class="line l1"`, "3 hours to"}},
		{"/smoke/nyc-1.svg?range=10d", 200, []string{"10 days to"}},
		{"/smoke/nyc-1.csv?range=30h", 200, []string{",600,60,3,0.077"}},
		{"/smoke/nyc-1.svg?range=4h", 400, []string{"range is 3h, 30h, 10d or 400d"}},
		{"/smoke/mil.svg", 200, []string{"<!DOCTYPE html>", `<img src="./mil.svg.svg?range=3h"`}},
		{"/smoke/mil.svg.svg", 200, []string{"<svg", "Nothing was measured"}},
		{"/smoke/cage", 200, []string{"This host has no check packet_loss"}},
		{"/smoke/nobody", 404, []string{"no such host in the inventory"}},
		{"/smoke/nobody.svg", 404, []string{"no such host"}},
		{"/smoke/", 404, []string{"no such host"}},
	} {
		w := httptest.NewRecorder()
		operator.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
		for _, want := range tt.want {
			if w.Code != tt.code || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, want %d and %s:\n%s", tt.path, w.Code, tt.code, want, w.Body.String())
			}
		}
		w = httptest.NewRecorder()
		if public.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil)); w.Code != 404 {
			t.Errorf("%s is public: %d", tt.path, w.Code)
		}
	}
}

// outcome is that of a path with that least round trip in seconds.
func outcome(host string, rtt float64) check.Outcome {
	return check.Outcome{Check: "path", Host: host, At: time.Now(), Verdict: verdict.Verdict{
		Findings: []verdict.Finding{{Sample: metric.Sample{Name: "rtt_min", Unit: metric.Seconds, Value: rtt}}},
	}}
}

// TestPathsOfAllVantages: what other monitors measured comes from the engine that
// knows it, and where it does not answer the page says so.
func TestPathsOfAllVantages(t *testing.T) {
	answers := true
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, result := r.FormValue("query"), ""
		switch {
		case !answers:
			http.Error(w, "no", http.StatusBadGateway)
			return
		case query == "milepost_vantage_latitude_degrees":
			result = `{"metric":{"vantage":"nyc-1"},"value":[1,"40.7128"]}`
		case query == "milepost_vantage_longitude_degrees":
			result = `{"metric":{"vantage":"nyc-1"},"value":[1,"-74.006"]}`
		case strings.Contains(query, "path_rtt_min_seconds"):
			result = `{"metric":{"vantage":"nyc-1","host":"bal-1"},"value":[1,"0.1746"]},{"metric":{"vantage":"nyc-1","host":"gone"},"value":[1,"0.1"]}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, result)
	}))
	defer engine.Close()
	m := stopped(t, fmt.Sprintf(`
vantage: {name: par-1, city: Paris}
status: {prometheus: {url: %q}}
defaults: {checks: {packet_loss: {}, path: {}}}
hosts:
  - {name: par-1, address: 127.0.0.1, city: Paris}
  - {name: nyc-1, address: 127.0.0.2, city: New York, country: US}
  - {name: bal-1, address: 127.0.0.3, city: Baltimore, country: US}
`, engine.URL), nil)
	m.board.Post(outcome("nyc-1", 0.077))
	m.board.Post(outcome("bal-1", 0.0977))
	page := func() string {
		w := httptest.NewRecorder()
		m.operator().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/paths", nil))
		return w.Body.String()
	}
	got := page()
	for _, want := range []string{"nyc-1 – bal-1: detour through par-1", `title="nyc-1 to bal-1: 174.6 ms, 273 km`, `id="matrix"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in the page:\n%s", want, got)
		}
	}
	answers = false
	if got = page(); !strings.Contains(got, "Only the paths from here are shown.") || !strings.Contains(got, "par-1 – nyc-1") {
		t.Errorf("it does not say what is missing:\n%s", got)
	}
}
