package statusbar

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func names(v view) []string {
	var all []string
	for _, r := range append(v.Attention, v.Well...) {
		all = append(all, r.Name)
	}
	return all
}

func TestWorstFirst(t *testing.T) {
	now := time.Now()
	host := func(name string, s hoststate.Status, outcomes ...check.Outcome) Component {
		return Component{Host: Host{ID: name, Name: name}, Standing: hoststate.Standing{Status: s}, Outcomes: outcomes}
	}
	well, warns, critical, dark := outcome("clock_offset", verdict.OK, "", ""), outcome("clock_offset", verdict.Warning, "", ""),
		outcome("clock_offset", verdict.Critical, "", ""), outcome("clock_offset", verdict.Unknown, "", "")
	c := content{generatedAt: now, dataAt: now, interval: interval, monitor: sees, hosts: []Component{
		host("zagreb", hoststate.Up, well), host("athens", hoststate.Up, warns), host("cairo", hoststate.Up, critical),
		host("berlin", hoststate.Up, well), host("madrid", hoststate.Up, dark),
		host("oslo", hoststate.Maintenance), host("tokyo", hoststate.Unknown), host("paris", hoststate.Degraded),
		host("lima", hoststate.Down, critical), host("delhi", hoststate.Down, critical),
	}}
	public := []string{"delhi", "lima", "paris", "tokyo", "oslo", "athens", "berlin", "cairo", "madrid", "zagreb"}
	if diff := cmp.Diff(public, names(publicView(c))); diff != "" {
		t.Errorf("the public page: %s", diff)
	}
	operator := []string{"delhi", "lima", "paris", "tokyo", "oslo", "cairo", "athens", "madrid", "berlin", "zagreb"}
	if diff := cmp.Diff(operator, names(operatorView(c, ""))); diff != "" {
		t.Errorf("the operator's page: %s", diff)
	}
}

// What is wrong with the monitor is told once, and not of each host again; what is a
// host's own stays.
func TestTheMonitorsFaultIsToldOnce(t *testing.T) {
	now := time.Now()
	const why = "this monitor's resolver at 192.0.2.53 is silent: see /etc/resolv.conf"
	doubted := func(v verdict.Verdict) []check.Outcome {
		return []check.Outcome{{Check: "squid_auth", At: now, Verdict: verdict.Doubt(v, why, metric.ReasonMonitorResolver)}}
	}
	unknown := hoststate.Standing{Status: hoststate.Unknown, Reason: metric.ReasonMonitorResolver}
	c := content{
		generatedAt: now, dataAt: now, interval: interval,
		monitor: hoststate.Monitor{Total: 1, Healthy: 1, Reasons: []metric.Reason{metric.ReasonMonitorResolver}},
		hosts: []Component{
			{Host: Host{ID: "a", Name: "a"}, Standing: unknown, Outcomes: doubted(verdict.Verdict{Status: verdict.Critical, Summary: "no answer"})},
			{Host: Host{ID: "b", Name: "b"}, Standing: unknown, Outcomes: doubted(verdict.Verdict{Status: verdict.Critical})},
			{Host: Host{ID: "c", Name: "c"}, Standing: unknown, Outcomes: []check.Outcome{outcome("squid_auth", verdict.Unknown, "monitor", "no permission")}},
		},
	}
	for _, row := range []struct{ page, want string }{
		{"public", "the monitor cannot resolve names | not judged | not judged | not judged"},
		{"operator", why + " | no answer | not judged | no permission"},
	} {
		v := publicView(c)
		if row.page == "operator" {
			v = operatorView(c, "")
		}
		got := strings.Join(v.Doubts, ", ")
		for _, r := range v.Attention {
			got += " | " + r.Text
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.page, got, row.want)
		}
	}
}

// A page that has nothing to show yet is loaded again soon.
func TestTheFirstPageIsLoadedAgainSoon(t *testing.T) {
	for _, row := range []struct {
		measured time.Time
		want     int
	}{{time.Time{}, 2}, {time.Now(), 30}} {
		c := content{generatedAt: time.Now(), dataAt: row.measured, interval: time.Minute, monitor: sees}
		if got := operatorView(c, "").Refresh; got != row.want {
			t.Errorf("measured %v: in %d s, want %d", row.measured, got, row.want)
		}
	}
}

func TestOperatorRow(t *testing.T) {
	fine := outcome("packet_loss", verdict.OK, "", "0/20 lost")
	for _, row := range []struct {
		situation string
		outcomes  []check.Outcome
		want      string
	}{
		{"no outcomes: what status.json says", nil, "squid_auth CRITICAL: refuses connections [] []"},
		{"all well", []check.Outcome{fine}, " : refuses connections [] []"},
		{
			"the worst tells its sentence and its fault",
			[]check.Outcome{fine, outcome("resolver", verdict.Warning, "resolver", "slow"), outcome("squid_auth", verdict.Critical, "auth", "407 for right credentials")},
			"squid_auth CRITICAL: 407 for right credentials [auth] [{resolver WARNING}]",
		},
		{
			"a warning outweighs what was not seen",
			[]check.Outcome{outcome("path", verdict.Unknown, "monitor", "no permission"), outcome("resolver", verdict.Warning, "resolver", "slow")},
			"resolver WARNING: slow [resolver] [{path UNKNOWN}]",
		},
		{
			"a long sentence is cut",
			[]check.Outcome{outcome("path", verdict.Warning, "path", strings.Repeat("é", 300))},
			"path WARNING: " + strings.Repeat("é", longest-1) + "… [path] []",
		},
	} {
		t.Run(row.situation, func(t *testing.T) {
			now := time.Now()
			r := Component{Standing: hoststate.Standing{
				Status: hoststate.Down, Reason: metric.ReasonRefused,
				Checks: []hoststate.Word{{Check: "squid_auth", Status: verdict.Critical}, {Check: "packet_loss", Status: verdict.OK}},
			}}.component().row(now)
			r.tell(hoststate.Standing{}, row.outcomes, longest, nil)
			if got := fmt.Sprintf("%s %s: %s [%s] %v", r.Check, r.Said, r.Text, r.Fault, r.Others); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestLatency(t *testing.T) {
	for ms, want := range map[int64]string{0: "<1 ms", 1: "1 ms", 84: "84 ms"} {
		if got := latency(ms); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
}

func TestTallies(t *testing.T) {
	for _, row := range []struct {
		situation string
		counts    hoststate.Counts
		want      string
	}{
		{"nobody", hoststate.Counts{}, ""},
		{"one", hoststate.Counts{Up: 1}, "1 up"},
		{"the worst first, and none that is not", hoststate.Counts{Up: 999, Down: 1, Unknown: 2}, "1 down, 2 unknown, 999 up"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var got []string
			for _, n := range tallies(row.counts) {
				got = append(got, fmt.Sprintf("%d %s", n.N, n.Word))
			}
			if s := strings.Join(got, ", "); s != row.want {
				t.Errorf("got %q, want %q", s, row.want)
			}
		})
	}
}

func TestAgo(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Hour, "0 s"},
		{59 * time.Second, "59 s"},
		{60 * time.Second, "1 min"},
		{3*time.Hour - 1, "2 h 59 min"},
		{49 * time.Hour, "2 d 1 h"},
	} {
		if got := ago(row.d); got != row.want {
			t.Errorf("%v is %q, want %q", row.d, got, row.want)
		}
	}
}

func TestNoNumberTakesThePageDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		b := New(config(), nil, now)
		nan, more, less, half := math.NaN(), 1.5, -0.1, 0.5
		b.Publish(now, now, []Component{{
			Host: Host{ID: "fra-1"}, Standing: hoststate.Standing{Status: hoststate.Up},
			Uptime: Shares{Day: &nan, Month: &more, Quarter: &less}, Coverage: Shares{Day: &half},
		}}, sees)
		body := text(t, get(b.Public(), "/status.json"))
		if want := `"uptime":{"24h":null,"30d":null,"90d":null},"coverage":{"24h":0.5,"30d":null,"90d":null}`; !strings.Contains(body, want) {
			t.Errorf("got %s, want %s", body, want)
		}
	})
}

func TestEveryReasonHasASentence(t *testing.T) {
	seen := map[string]metric.Reason{}
	for _, r := range []metric.Reason{
		"connect_timeout", "refused", "reset", "tls", "auth_refused", "open_proxy", "acl", "gateway", "origin", "proxy_resolver",
		"wrong_exit", "loss", "slow", "monitor_resolver", "monitor_route", "monitor_clock", "not_measured", "stale",
	} {
		said := sentence(r)
		if other, ok := seen[said]; ok || said == "" {
			t.Errorf("%s says %q, and so does %q", r, said, other)
		}
		seen[said] = r
	}
	if said := sentence("connecting to 192.0.2.7"); said != "" {
		t.Errorf("what is on no list says %q", said)
	}
}

func TestShapesTellStatesApart(t *testing.T) {
	shapes := map[string]bool{}
	for _, s := range hoststate.Statuses() {
		look := spell(s)
		if shapes[look.Shape] || utf8.RuneCountInString(look.Shape) != 1 {
			t.Errorf("%v looks like another: %q", s, look.Shape)
		}
		shapes[look.Shape] = true
		if rule := fmt.Sprintf("--s:%q}", look.Shape); !strings.Contains(styleText, "."+look.Letter+"{") || !strings.Contains(styleText, rule) {
			t.Errorf("the page's style has no %s for %v", rule, s)
		}
		if got := contrast(t, look.Colour); got < 4.5 {
			t.Errorf("white on the colour of %v has a contrast of %.1f", s, got)
		}
	}
}

// contrast is that of white on the colour, as WCAG 2.1 defines it.
func contrast(t *testing.T, colour string) float64 {
	t.Helper()
	var r, g, b int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatal(err)
	}
	linear := func(c int) float64 {
		v := float64(c) / 255
		if v <= 0.03928 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 1.05 / (0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b) + 0.05)
}

// crowd is n hosts, of which the first down are down with a long sentence.
func crowd(n, down int, now time.Time) []Component {
	all := make([]Component, n)
	for i := range all {
		h := &all[i]
		h.Host = Host{ID: fmt.Sprintf("proxy-%04d", i), Name: fmt.Sprintf("Frankfurt am Main %d", i), Group: "eu-central"}
		h.Status, h.Since, h.CheckedAt, h.Latency = hoststate.Up, now.Add(-time.Duration(i)*time.Hour), now, 84*time.Millisecond
		h.Checks = []hoststate.Word{{Check: "squid_auth"}, {Check: "packet_loss"}}
		h.Outcomes = []check.Outcome{outcome("squid_auth", verdict.OK, "", "fetched in 84 ms"), outcome("packet_loss", verdict.OK, "", "0/20 lost")}
		if i < down {
			h.Status, h.Reason, h.Latency = hoststate.Down, metric.ReasonConnectTimeout, 0
			h.Checks[0].Status = verdict.Critical
			h.Outcomes[0] = outcome("squid_auth", verdict.Critical, metric.FaultProxy,
				`connecting to proxy "frankfurt.example.net:3128" (192.0.2.7): no answer within 5s: is squid running, and is the port open?`)
		}
	}
	return all
}

// crowded is what surrounds them: labels, and users.
func crowded() Config {
	c := config()
	c.Operator.Labels = func(id string) map[string]string {
		all := map[string]string{}
		for i := range 10 {
			all[fmt.Sprintf("label-%d", i)] = fmt.Sprintf("value-of-%d-and-%s", i, id[len("proxy-000"):][:1])
		}
		return all
	}
	c.Operator.Usage = func() (all []Usage) {
		for i := range 10 {
			all = append(all, Usage{User: fmt.Sprintf("customer-with-a-long-name-%d", i), Bytes: 1e12, Requests: 1e9})
		}
		return all
	}
	return c
}

// crowdAtWorst is a crowd with long names, which is unstable, and of which those that
// are down have no check that is well.
func crowdAtWorst(n, down int, now time.Time) []Component {
	all := crowd(n, down, now)
	month := 0.9993
	for i := range all {
		h := &all[i]
		h.ID, h.Name = h.ID+".frankfurt.example.net", h.Name+", Rödelheim, hall 2"
		h.Uptime.Month, h.Flapping = &month, true
		if i < down {
			h.Checks[1].Status = verdict.Critical
			h.Outcomes[0].Summary += strings.Repeat(" more of it", 20)
			h.Outcomes[1] = outcome("packet_loss", verdict.Critical, metric.FaultPath, "20/20 lost")
			h.Outcomes = append(h.Outcomes, outcome("clock_offset", verdict.Unknown, "", "no answer"), outcome("path", verdict.Critical, metric.FaultPath, "no way there"))
		}
	}
	return all
}

// The worst is a thousand hosts with long names of which all are unstable, and none of
// the checks of which is well.
func TestAThousandHosts(t *testing.T) {
	for _, row := range []struct {
		situation string
		down      int
	}{
		{"all up", 0},
		{"some down", 20},
		{"a fifth down", 200},
		{"a quarter down", 250},
		{"all down", 1000},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				b := New(crowded(), nil, now)
				b.Publish(now, now, crowdAtWorst(1000, row.down, now), sees)
				for name, page := range map[string]string{"public": text(t, get(b.Public(), "/")), "operator's": text(t, get(b.Operator(), "/"))} {
					if len(page) > 300_000 {
						t.Errorf("the %s page has %d bytes", name, len(page))
					}
					if n := strings.Count(page, ">Frankfurt am Main "); n != 1000 {
						t.Errorf("the %s page has %d hosts", name, n)
					}
					if n := strings.Count(page, "for "); n < wholeRows || n > wholeRows+10 {
						t.Errorf("the %s page tells of %d hosts since when", name, n)
					}
					t.Logf("the %s page has %d bytes", name, len(page))
				}
				packed := get(b.Public(), "/status.json", "Accept-Encoding", "gzip").ContentLength
				if plain := get(b.Public(), "/status.json").ContentLength; plain > 450_000 || packed > 30_000 {
					t.Errorf("status.json has %d bytes, %d compressed", plain, packed)
				}
			})
		})
	}
}

func BenchmarkPublish(b *testing.B) {
	now := time.Now()
	bar := New(config(), nil, now)
	hosts := crowd(1000, 20, now)
	for b.Loop() {
		bar.Publish(now, now, hosts, sees)
		get(bar.Public(), "/status.json") // encodes and compresses it
	}
}

func BenchmarkServe(b *testing.B) {
	now := time.Now()
	bar := New(config(), nil, now)
	bar.Publish(now, now, crowd(1000, 20, now), sees)
	h := bar.Public()
	tag := get(h, "/status.json", "Accept-Encoding", "gzip").Header.Get("ETag")
	for name, header := range map[string][]string{
		"identity": nil,
		"gzip":     {"Accept-Encoding", "gzip"},
		"304":      {"Accept-Encoding", "gzip", "If-None-Match", tag},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				get(h, "/status.json", header...)
			}
		})
	}
}

// What is said of a host is a sentence, and one that never was measured is not called
// one that cannot be.
func TestWholeSentences(t *testing.T) {
	for _, tt := range []struct {
		reason  metric.Reason
		checked time.Time
		want    string
	}{
		{"", time.Time{}, ""},
		{metric.ReasonRefused, time.Unix(1, 0), "It refuses connections."},
		{metric.ReasonNotMeasured, time.Time{}, "It was not measured yet."},
		{metric.ReasonNotMeasured, time.Unix(1, 0), "It could not be measured."},
		{metric.ReasonStale, time.Unix(1, 0), "It was not measured lately."},
		{metric.ReasonMonitorRoute, time.Unix(1, 0), "The monitor has no way to it."},
		{metric.ReasonNoQuorum, time.Unix(1, 0), "Too few vantages see it."},
	} {
		if got := whole(sinceNever(tt.reason, tt.checked)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.reason, got, tt.want)
		}
	}
}
