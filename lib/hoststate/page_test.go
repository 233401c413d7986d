package hoststate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/metric"
)

// fleet is hosts by number: up, degraded, down, under maintenance, unknown.
func fleet(up, degraded, down, maintenance, unknown int) []Standing {
	var hosts []Standing
	for s, n := range map[Status]int{Up: up, Degraded: degraded, Down: down, Maintenance: maintenance, Unknown: unknown} {
		hosts = append(hosts, slices.Repeat([]Standing{{Status: s}}, n)...)
	}
	return hosts
}

func TestRollUp(t *testing.T) {
	sees := Monitor{Total: 1, Healthy: 1}
	for _, row := range []struct {
		situation string
		hosts     []Standing
		monitor   Monitor
		over      bool
		status    Status
		impact    Impact
		summary   string
	}{
		{"all up", fleet(120, 0, 0, 0, 0), sees, false, Up, None, "120 of 120 proxies working"},
		{"one of one", fleet(1, 0, 0, 0, 0), sees, false, Up, None, "1 of 1 proxy working"},
		{"one down, one degraded", fleet(118, 1, 1, 0, 0), sees, false, Degraded, Minor, "118 of 120 proxies working"},
		{"one degraded", fleet(119, 1, 0, 0, 0), sees, false, Degraded, Minor, "119 of 120 proxies working"},
		{"a tenth down", fleet(108, 0, 12, 0, 0), sees, false, Degraded, Major, "108 of 120 proxies working"},
		{"nearly half down", fleet(61, 0, 59, 0, 0), sees, false, Degraded, Major, "61 of 120 proxies working"},
		{"half down", fleet(60, 0, 60, 0, 0), sees, false, Down, Critical, "60 of 120 proxies working"},
		{"the only one down", fleet(0, 0, 1, 0, 0), sees, false, Down, Critical, "0 of 1 proxy working"},
		{"half of those outside maintenance down", fleet(10, 0, 10, 100, 0), sees, false, Down, Critical, "10 of 120 proxies working, 100 under maintenance"},
		{"maintenance does not mask a host that is down", fleet(99, 0, 1, 20, 0), sees, false, Degraded, Minor, "99 of 120 proxies working, 20 under maintenance"},
		{"one down among the unknown", fleet(9, 0, 1, 0, 90), sees, false, Degraded, Minor, "9 of 100 proxies working, 90 unknown"},
		{"half unknown", fleet(60, 0, 0, 0, 60), sees, false, Up, Minor, "60 of 120 proxies working, 60 unknown"},
		{"more than half unknown", fleet(59, 0, 0, 0, 61), sees, false, Unknown, Minor, "59 of 120 proxies working, 61 unknown"},
		{"more than half unknown of those outside maintenance", fleet(1, 0, 0, 7, 2), sees, false, Unknown, Minor, "1 of 10 proxies working, 7 under maintenance, 2 unknown"},
		{"nothing measured yet", fleet(0, 0, 0, 0, 120), sees, false, Unknown, Minor, "state of 120 proxies unknown"},
		{"some under maintenance", fleet(119, 0, 0, 1, 0), sees, false, Up, Minor, "119 of 120 proxies working, 1 under maintenance"},
		{"all under maintenance", fleet(0, 0, 0, 3, 0), sees, false, Maintenance, Minor, "0 of 3 proxies working, 3 under maintenance"},
		{"no hosts", nil, sees, false, Unknown, Minor, "no proxies are watched"},
		{"the monitor is blind", fleet(118, 1, 1, 0, 0), Monitor{Total: 1, Reasons: []metric.Reason{metric.ReasonMonitorRoute}}, false, Unknown, Minor, "state of 120 proxies unknown: the monitor cannot see"},
		{"no vantage has looked yet", fleet(0, 0, 0, 0, 120), Monitor{}, false, Unknown, Minor, "state of 120 proxies unknown"},
		{"the monitor is impaired: what it sees counts", fleet(120, 0, 0, 0, 0), Monitor{Total: 2, Healthy: 1}, false, Up, None, "120 of 120 proxies working"},
		{"the lease is over", fleet(118, 1, 1, 0, 0), sees, true, Unknown, Minor, "state of 120 proxies unknown: nothing was measured lately"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			p := RollUp(row.hosts, row.monitor, row.over)
			got := []any{p.Status, p.Impact, p.Summary}
			want := []any{row.status, row.impact, row.summary}
			if !cmp.Equal(got, want) {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

// TestPageRules holds random fleets to the rules as they are written down.
func TestPageRules(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		n := func() int { return random.IntN(4) * random.IntN(4) }
		hosts := fleet(n(), n(), n(), n(), n())
		blind, over := random.IntN(8) == 0, random.IntN(8) == 0
		m := Monitor{Total: 1, Healthy: 1}
		if blind {
			m.Healthy = 0
		}
		p := RollUp(hosts, m, over)
		c := p.Counts
		if c.Total() != len(hosts) {
			t.Fatalf("%d hosts were counted as %+v", len(hosts), c)
		}
		watched := float64(len(hosts) - c.Maintenance)
		for _, rule := range []struct {
			name  string
			holds bool
		}{
			{"a blind monitor and a lease that is over: unknown", !blind && !over || p.Status == Unknown},
			{"up only if nothing is down or degraded", p.Status != Up || c.Down+c.Degraded == 0},
			{"up only if at least half is known", p.Status != Up || float64(c.Unknown) <= watched/2},
			{"up only if something is", p.Status != Up || c.Up > 0},
			{"down only if half is", p.Status != Down || c.Down > 0 && float64(c.Down) >= watched/2},
			{"any host down shows", c.Down == 0 || p.Status == Down || p.Status == Degraded || blind || over},
			{"maintenance only if all are", p.Status != Maintenance || c.Maintenance == len(hosts)},
			{"no impact only if all are up", p.Impact != None || c.Up == len(hosts) && p.Status == Up},
			{"unknown is never critical", p.Status != Unknown || p.Impact == Minor},
		} {
			if !rule.holds {
				t.Fatalf("%s: %+v became %+v", rule.name, c, p)
			}
		}
	}
}

func TestSight(t *testing.T) {
	for _, row := range []struct {
		situation string
		monitor   Monitor
		want      string
	}{
		{"nobody looked", Monitor{}, "blind"},
		{"the only vantage is not well", Monitor{Total: 1}, "blind"},
		{"one of two is well", Monitor{Total: 2, Healthy: 1}, "impaired"},
		{"all may judge, but something is not well", Monitor{Total: 1, Healthy: 1, Reasons: []metric.Reason{metric.ReasonMonitorClock}}, "impaired"},
		{"well", Monitor{Total: 1, Healthy: 1}, "ok"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			sight := row.monitor.Sight()
			if got := sight.String(); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			var read Sight
			if err := read.UnmarshalText([]byte(row.want)); err != nil || read != sight {
				t.Errorf("%q was read as %v: %v", row.want, read, err)
			}
		})
	}
}

func TestLease(t *testing.T) {
	for _, row := range []struct {
		situation string
		lease     Lease
		at        time.Time
		over      bool
	}{
		{"never measured", Lend(time.Time{}, interval), epoch, true},
		{"its last second", Lend(epoch, interval), epoch.Add(180 * time.Second), false},
		{"just over", Lend(epoch, interval), epoch.Add(180*time.Second + 1), true},
		{"a short interval still lends 180 s", Lend(epoch, 5*time.Second), epoch.Add(179 * time.Second), false},
		{"a long interval lends three of it", Lend(epoch, 10*time.Minute), epoch.Add(30 * time.Minute), false},
		{"a long interval is over after three of it", Lend(epoch, 10*time.Minute), epoch.Add(30*time.Minute + 1), true},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := row.lease.Over(row.at); got != row.over {
				t.Errorf("over is %v, want %v", got, row.over)
			}
		})
	}
}

// Either clock ends a lease: the wall clock after the machine slept, while the monotonic one
// stood still, and the monotonic one after the wall clock was set back.
func TestEitherClockEndsALease(t *testing.T) {
	began := time.Now()
	for _, row := range []struct {
		situation     string
		elapsed, wall time.Duration // by the monotonic clock, and how far the other one was set
		over          bool
	}{
		{"both go on", time.Second, 0, false},
		{"the machine slept for an hour", time.Second, time.Hour, true},
		{"the clock was set back by an hour", 181 * time.Second, -time.Hour, true},
		{"the clock was set back by an hour, soon", 179 * time.Second, -time.Hour, false},
	} {
		if got := Lend(began, interval).Over(setWall(began.Add(row.elapsed), row.wall)); got != row.over {
			t.Errorf("%s: over is %v", row.situation, got)
		}
	}
}

// setWall is t with its wall clock set, and its monotonic one left alone, as package time
// itself would read them: of its first word, seconds stand above 30 bits of nanoseconds.
func setWall(t time.Time, by time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(by/time.Second) << 30
	return t
}

func TestLapsed(t *testing.T) {
	words := []Word{{"squid_auth", 0}}
	dark := []Word{{"squid_auth", 3}}
	for _, row := range []struct {
		situation  string
		from, want Standing
	}{
		{
			"what was up is not known any more",
			Standing{Status: Up, Since: at(-9), CheckedAt: at(0), Latency: time.Millisecond, Flapping: true, Checks: words},
			Standing{Since: at(0), CheckedAt: at(0), Reason: metric.ReasonStale, LastKnown: Up, Checks: dark},
		},
		{
			"what was down neither",
			Standing{Status: Down, Since: at(-9), CheckedAt: at(0), Reason: metric.ReasonTLS, Checks: words},
			Standing{Since: at(0), CheckedAt: at(0), Reason: metric.ReasonStale, LastKnown: Down, Checks: dark},
		},
		{
			"what was unknown keeps its reason",
			Standing{Since: at(-9), CheckedAt: at(-9), Reason: metric.ReasonMonitorRoute, LastKnown: Down, Checks: words},
			Standing{Since: at(-9), CheckedAt: at(-9), Reason: metric.ReasonMonitorRoute, LastKnown: Down, Checks: dark},
		},
		{"what never was measured", Standing{}, Standing{Reason: metric.ReasonNotMeasured, Checks: []Word{}}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := row.from.Lapsed(); !cmp.Equal(got, row.want) {
				t.Error(cmp.Diff(row.want, got))
			}
		})
	}
}

func TestStatusWords(t *testing.T) {
	for _, s := range Statuses() {
		text, _ := s.MarshalText()
		var read Status
		if err := read.UnmarshalText(text); err != nil || read != s {
			t.Errorf("%q was read as %v: %v", text, read, err)
		}
	}
	read := Up
	if err := read.UnmarshalText([]byte("partial_outage")); err != nil || read != Unknown {
		t.Errorf("a word nobody knows was read as %v: %v", read, err)
	}
	order := Statuses()
	slices.SortFunc(order, WorstFirst)
	if want := []Status{Down, Degraded, Unknown, Maintenance, Up}; !slices.Equal(order, want) {
		t.Errorf("worst first is %v", order)
	}
}
