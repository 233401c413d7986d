package clock

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A host is simulated in the test's own time. It looks at its clock half a round
// trip after it was asked.
type host struct {
	ahead      time.Duration
	rtt        time.Duration
	resolution time.Duration
	ttl        time.Duration // of its cache
	age        time.Duration // of what the cache holds when the test begins
	answers    int           // then it is silent; 0 = it never is
	lost       int           // every lost-th question gets no answer; 0 = each does
	live       bool

	asked  int
	kept   time.Time
	filled time.Time
}

func (h *host) ask(ctx context.Context) (answer, error) {
	h.asked++
	if h.answers > 0 && h.asked > h.answers || h.lost > 0 && h.asked%h.lost == 0 {
		<-ctx.Done()
		return answer{}, ctx.Err()
	}
	sent := now()
	time.Sleep(h.rtt / 2)
	if h.ttl == 0 || time.Since(h.filled) >= h.ttl {
		h.kept, h.filled = now().wall.Add(h.ahead).Truncate(h.resolution), time.Now()
	}
	time.Sleep(h.rtt - h.rtt/2)
	r := read(h.kept, h.resolution, sent, now())
	return answer{reading: r}, nil
}

// measure is Measure with h as its source.
func (h *host) measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		m := measurement{config: c, patience: patienceOf(ctx, t), began: now()}
		m.config.now = now
		m.result = Result{Source: c.Source, OID: c.SNMP.OID, Clock: MonitorClock{Proven: c.Reference.none}}
		m.source = source{doing: `asking "fra-1:161" for its time over SNMP`, ask: h.ask, live: h.live, hint: "is it there?"}
		m.tracker = tracker{live: h.live, fresh: c.SNMP.OID == hrSystemDate}
		m.run(ctx, yield)
	}
}

// run runs the check on h in a time of its own, and says how long it took.
func (h host) run(t *testing.T, c Config, timeout time.Duration) (o check.Outcome, asked int, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(40*time.Second + 300*time.Millisecond) // the monitor's second has begun already
		if h.resolution == 0 {
			h.resolution = time.Second
		}
		h.filled = time.Now().Add(-h.age)
		h.kept = h.filled.Round(0).Add(h.ahead).Truncate(h.resolution)
		began := time.Now()
		bound, err := check.Define("clock_offset", Default, h.measure).Bind(&c, metric.Target{Name: "fra-1", Address: "192.0.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		bound.Timeout, bound.OnTimeout = timeout, verdict.Critical
		o = bound.Run(t.Context())
		asked, took = h.asked, time.Since(began)
	})
	return o, asked, took
}

func TestMeasure(t *testing.T) {
	const second, ms = time.Second, time.Millisecond
	epoch := func(c *Config) { c.SNMP.OID = "1.3.6.1.4.1.8072.9999.9999.1.0" }
	limits := func(w, c string) func(*Config) {
		return func(cfg *Config) { cfg.Warning, cfg.Critical = metric.MustRange(w), metric.MustRange(c) }
	}
	for _, row := range []struct {
		situation string
		host      host
		set       func(*Config)
		want      string
		asked     int // exactly; 0 = it does not matter
		most      time.Duration
	}{
		{"right", host{}, nil, "OK offset +0.2 s ± 0.51 s (whole seconds over SNMP, RTT 20 ms)", 1, 20 * ms},
		{"right, by an OID that may be cached", host{}, epoch, "OK offset +0.2 s ± 0.51 s", 1, 20 * ms},
		{"behind, within the limits", host{ahead: -3200 * ms}, nil, "OK offset -2.8 s ± 0.51 s", 1, 20 * ms},
		{"ahead: asked again before it is said", host{ahead: 7 * second}, nil, "WARNING offset +6.9 s ± 0.26 s (whole seconds over SNMP, 2 queries, RTT 20 ms)", 2, 3 * second},
		{"far ahead", host{ahead: 70 * second}, nil, "CRITICAL offset +69.9 s ± 0.26 s (whole seconds over SNMP, 2 queries, RTT 20 ms)", 2, 3 * second},
		{"ahead by extend, whose cache is named", host{ahead: 7 * second, ttl: 5 * second, age: 2 * second}, epoch, "WARNING offset +8 s ± 1.1 s (whole seconds over SNMP, 4 queries, RTT 20 ms); the answers come from a cache (unchanged for 2.7 s): in snmpd.conf use pass_persist", 4, 6 * second},
		{"ahead, then silent: what is known stands", host{ahead: 7 * second, answers: 1}, nil, "WARNING offset +7.2 s ± 0.51 s (whole seconds over SNMP, RTT 20 ms)", 0, 6 * second},
		{"behind: asked again before it is said", host{ahead: -7 * second}, nil, "WARNING offset -7.1 s ± 0.26 s (whole seconds over SNMP, 2 queries, RTT 20 ms)", 2, 3 * second},
		{"behind by an OID that may be cached", host{ahead: -7 * second}, epoch, "WARNING offset", 2, 3 * second},
		{"far behind", host{ahead: -70 * second}, nil, "CRITICAL offset -70.1 s ± 0.26 s", 2, 3 * second},
		{"an hour behind, by pass", host{ahead: -time.Hour, ttl: 30 * second, age: 10 * second}, epoch, "CRITICAL offset", 2, 3 * second},
		{"straddling, inside", host{ahead: 4950 * ms}, nil, "OK offset", 0, 6 * second},
		{"straddling, outside", host{ahead: 5200 * ms}, nil, "WARNING offset +5.4 s ± 0.26 s", 0, 6 * second},
		{"straddling between WARNING and CRITICAL", host{ahead: -59900 * ms}, nil, "WARNING offset -59.87 s ± 0.073 s", 0, 6 * second},
		{"at the limit to the millisecond: the lower state", host{ahead: 5 * second}, nil, "OK cannot exclude WARNING: limit inside the uncertainty; offset +4.99 s ± 0.026 s", 6, 6 * second},
		{"straddling, over a slow path", host{ahead: 5400 * ms, rtt: 400 * ms}, nil, "WARNING offset", 0, 6 * second},
		{"straddling, every second packet lost", host{ahead: 5200 * ms, lost: 2}, nil, "WARNING offset", 0, 6 * second},
		{"late answers of extend", host{ttl: 5 * second, age: 4 * second}, epoch, "OK offset -3.8 s ± 0.51 s (whole seconds over SNMP, RTT 20 ms)", 1, 20 * ms},
		{"late answers of extend, beyond the limit", host{ahead: -second, ttl: 5 * second, age: 4500 * ms}, epoch, "OK offset -1 s ± 1.3 s (whole seconds over SNMP, 2 queries, RTT 20 ms); the answers come from a cache (they jumped)", 2, 3 * second},
		{"late answers of extend, stuck for long", host{ahead: -2500 * ms, ttl: 5 * second, age: 3 * second}, epoch, "OK offset -2 s ± 1.1 s (whole seconds over SNMP, 3 queries, RTT 20 ms); the answers come from a cache (unchanged for 1.5 s)", 3, 4 * second},
		{"late answers of pass", host{ttl: 30 * second, age: 12 * second}, epoch, "OK cannot exclude WARNING: limit inside the uncertainty; offset -6 s ± 6.2 s (whole seconds over SNMP, 4 queries, RTT 20 ms); the answers come from a cache (unchanged for 4.0 s): in snmpd.conf use pass_persist", 4, 6 * second},
		{"late answers of a source without a cache", host{ahead: -second, ttl: 5 * second, age: 4500 * ms}, nil, "OK offset -1 s ± 1.3 s (whole seconds over SNMP, 2 queries, RTT 20 ms); the answers come from a cache, or somebody set the clock during the measurement", 2, 3 * second},
		{"an explicit range holds the sign", host{ahead: -3 * second}, limits("0:10", "~:60"), "WARNING offset", 2, 3 * second},
		{"a plain number does not", host{ahead: -3 * second}, limits("10", "60"), "OK offset", 1, 20 * ms},
		{"limits narrower than can be known", host{}, limits("0.001", "60"), "UNKNOWN offset lies between", 6, 6 * second},
		{"no limits", host{ahead: -700 * second}, func(c *Config) { c.Warning, c.Critical = metric.Range{}, metric.Range{} }, "OK offset -699.8 s", 1, 20 * ms},
		{"precise", host{}, func(c *Config) { c.Precise = true }, "OK offset -0.01 s ± 0.026 s (whole seconds over SNMP, 6 queries, RTT 20 ms)", 6, 6 * second},
		{"nobody vouches for the monitor, and they agree", host{}, func(c *Config) { c.Reference = Reference{} }, "OK offset +0.2 s", 1, 20 * ms},
		{"nobody vouches for the monitor, and they do not", host{ahead: 100 * second}, func(c *Config) { c.Reference = Reference{} }, "UNKNOWN either clock may be wrong, because nobody vouches for this monitor's: run chronyd here, or name --reference NTP1,NTP2,NTP3; offset +100.2 s", 1, 20 * ms},
		{"behind, then silent", host{ahead: -7 * second, answers: 1}, nil, `CRITICAL the clock looks 6.3 s behind, which may be an old answer's doing: asking "fra-1:161" for its time over SNMP: no answer within`, 0, 6 * second},
		{"straddling, then silent: what is known stands", host{ahead: 5200 * ms, answers: 1}, nil, "OK cannot exclude WARNING: limit inside the uncertainty; offset +5.2 s ± 0.51 s", 0, 6 * second},
		{"finer than a second", host{ahead: 5200 * ms, live: true, ttl: 1, resolution: ms}, nil, "WARNING offset +5.20 s ± 0.011 s (SNMP, RTT 20 ms)", 1, 20 * ms},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := Default()
			c.Reference = Reference{none: true}
			if row.set != nil {
				row.set(&c)
			}
			if row.host.rtt == 0 {
				row.host.rtt = 20 * ms
			}
			o, asked, took := row.host.run(t, c, 10*time.Second)
			if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if row.asked > 0 && asked != row.asked || took > row.most {
				t.Errorf("asked %d times in %v, want %d in at most %v", asked, took, row.asked, row.most)
			}
		})
	}
}

func TestTooLittleTime(t *testing.T) {
	for _, row := range []struct {
		situation string
		host      host
		timeout   time.Duration
		want      string
	}{
		{"to ask again", host{ahead: -7 * time.Second}, 2 * time.Second, `UNKNOWN the clock looks 6.3 s behind, which may be an old answer's doing: asking "fra-1:161" for its time over SNMP again: that takes 1.2 s and -t leaves 1.0 s for it: raise -t`},
		{"to ask again, and it is ahead", host{ahead: 7 * time.Second}, 2 * time.Second, "WARNING offset +7.2 s ± 0.50 s (whole seconds over SNMP, RTT 0 s)"},
		{"to aim, but to ask again", host{ahead: -7 * time.Second}, 3 * time.Second, "WARNING offset -7.1 s ± 0.25 s"},
		{"for a silent host", host{answers: -1}, 10 * time.Second, `CRITICAL asking "fra-1:161" for its time over SNMP: no answer within 5.0 s to 3 questions: is it there?`},
		{"for a slow path, first", host{rtt: 2 * time.Second}, 10 * time.Second, "OK offset"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := Default()
			c.Reference = Reference{none: true}
			if row.host.answers < 0 {
				row.host.answers, row.host.lost = 0, 1
			}
			o, _, took := row.host.run(t, c, row.timeout)
			if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if took > row.timeout {
				t.Errorf("took %v of %v", took, row.timeout)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{lost: 1}
		c := Default()
		c.Reference = Reference{none: true}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("SIGTERM")) })
		for _, err := range h.measure(ctx, metric.Target{Patience: 5 * time.Second}, c) {
			i, ok := errors.AsType[*metric.Interrupted](err)
			if !ok || i.Stage != `asking "fra-1:161" for its time over SNMP` || !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestWhoStopsListening: nobody is asked once the reader has heard enough.
func TestWhoStopsListening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{resolution: time.Second}
		for range h.measure(t.Context(), metric.Target{}, Default()) {
			break
		}
		if h.asked != 1 {
			t.Errorf("asked %d times", h.asked)
		}
	})
}

func TestTheMonitorsClockIsStepped(t *testing.T) {
	for _, row := range []struct {
		situation string
		by        time.Duration
		want      string
	}{
		{"by an hour", -time.Hour, "UNKNOWN this monitor's clock was stepped by -3600 s during the measurement: host not judged"},
		{"by what a busy machine puts between two readings", 20 * time.Millisecond, "OK offset"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Default()
				c.Reference = Reference{none: true}
				stepping := func(ctx context.Context, _ metric.Target, c Config) iter.Seq2[Result, error] {
					return func(yield func(Result, error) bool) {
						m := measurement{config: c, patience: time.Second, began: now()}
						m.config.now, m.result.Clock.Proven = now, true
						m.source.ask = func(context.Context) (answer, error) {
							time.Sleep(time.Millisecond)
							at := now()
							at.wall = at.wall.Add(row.by)
							return answer{reading: read(at.wall, time.Second, at, at)}, nil
						}
						m.run(ctx, yield)
					}
				}
				bound, err := check.Define("clock_offset", Default, stepping).Bind(&c, metric.Target{Name: "fra-1"})
				if err != nil {
					t.Fatal(err)
				}
				o := bound.Run(t.Context())
				if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, row.want) {
					t.Errorf("%q, want %q", got, row.want)
				}
			})
		})
	}
}

// A clock of whole seconds is known to its round trip and 0.15 s, and what it drifts, at the usual -t, in at
// most six questions, whenever in the second it is asked and whether it could be a cache.
func TestPreciseInTheUsualTime(t *testing.T) {
	for _, oid := range []OID{hrSystemDate, "1.3.6.1.4.1.8072.9999.9999.1.0"} {
		for _, rtt := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
			for ahead := time.Duration(0); ahead < time.Second; ahead += 50 * time.Millisecond {
				c := Default()
				c.Precise, c.SNMP.OID, c.Reference.none = true, oid, true
				o, asked, took := host{ahead: ahead, rtt: rtt}.run(t, c, 10*time.Second)
				most := (rtt + 150*time.Millisecond).Seconds() + maxSlew*took.Seconds() // what the clocks may drift meanwhile
				i := slices.IndexFunc(o.Findings, func(f verdict.Finding) bool { return f.Name == "uncertainty" })
				if i < 0 || !(o.Findings[i].Value <= most) || asked > 1+moreQueries || took > 10*time.Second {
					t.Errorf("%s, RTT %v, ahead %v: %s after %d questions and %v", oid, rtt, ahead, o.Summary, asked, took)
				}
			}
		}
	}
}
