package schedule

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// never is the limit of fake checks: 1 is CRITICAL.
var never = []metric.Limit{metric.Never("bad")}

// fake is a check whose every run does do and tells how it went.
func fake(host, name string, do func(context.Context) (bad bool)) check.Check {
	return check.Check{
		Name: name, Target: metric.Target{Name: host}, Limits: never, Timeout: 10 * time.Second, Config: name,
		Measure: func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
			return func(yield func(metric.Report, error) bool) {
				yield(metric.Report{Samples: []metric.Sample{metric.Flag("bad", do(ctx), metric.FaultHost, metric.ReasonRefused, "it is bad")}}, nil)
			}
		},
	}
}

func good(context.Context) bool { return false }

// A diary is what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

// start runs a scheduler in the bubble and returns what stops it.
func start(t *testing.T, s *Scheduler, hosts ...Host) (stop func()) {
	t.Helper()
	s.Replace(hosts)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

func TestEachHostHasItsPlaceInEveryRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		var at []time.Time
		var mu sync.Mutex
		c := fake("a", "x", func(context.Context) bool {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return false
		})
		s := &Scheduler{Board: &Board{}, Every: time.Minute, RoundDone: func(time.Time) { d.note("round") }}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{c}})
		time.Sleep(10 * time.Minute)
		stop()
		if len(at) < 10 || len(at) > 12 {
			t.Fatalf("%d runs in 10 rounds", len(at))
		}
		for i := 2; i < len(at); i++ { // the first one is at the start, the second at its place
			if gap := at[i].Sub(at[i-1]); gap != time.Minute {
				t.Errorf("run %d came %v after the one before", i, gap)
			}
		}
		if n := len(d.take()); n < 9 {
			t.Errorf("%d rounds of the fleet were complete", n)
		}
	})
}

// placeOf is at which part of a minute a host runs, once it is at its place.
func placeOf(t *testing.T, among ...string) time.Duration {
	t.Helper()
	var last time.Time
	hosts := []Host{{Name: "a", Checks: []check.Check{fake("a", "x", func(context.Context) bool { last = time.Now(); return false })}}}
	for _, name := range among {
		hosts = append(hosts, Host{Name: name, Checks: []check.Check{fake(name, "x", good)}})
	}
	stop := start(t, &Scheduler{Board: &Board{}, Every: time.Minute}, hosts...)
	time.Sleep(3 * time.Minute)
	stop()
	return time.Duration(last.UnixNano() % int64(time.Minute))
}

func TestPlacesStayOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := placeOf(t)
		time.Sleep(12345 * time.Millisecond)
		if after := placeOf(t, "b", "c"); after != before || before == 0 {
			t.Errorf("at %v of each minute, after a restart with other hosts at %v", before, after)
		}
	})
}

func TestPlacesAreSpread(t *testing.T) {
	taken := map[time.Duration]int{}
	for i := range 6000 {
		taken[share(fmt.Sprint("proxy-", i), time.Minute)/time.Second]++
	}
	for second, n := range taken {
		if n < 60 || n > 150 || second < 0 || second >= 60 { // 100 on average, with a deviation of 10
			t.Errorf("%d of 6000 hosts in second %d", n, second)
		}
	}
}

func TestASlowHostHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := map[string]int{}
		var mu sync.Mutex
		counted := func(host string, wait time.Duration) check.Check {
			return fake(host, "x", func(ctx context.Context) bool {
				mu.Lock()
				runs[host]++
				mu.Unlock()
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
				return false
			})
		}
		b := &Board{}
		s := &Scheduler{Board: b, Every: time.Minute}
		slow := counted("slow", 9*time.Second)
		stop := start(t, s, Host{Name: "slow", Checks: []check.Check{slow}}, Host{Name: "quick", Checks: []check.Check{counted("quick", 0)}})
		time.Sleep(5*time.Minute + time.Second)
		stop()
		if runs["quick"] < 5 || runs["slow"] < 5 {
			t.Errorf("%v", runs)
		}
	})
}

func TestACheckThatDoesNotStopIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := fake("a", "deaf", func(context.Context) bool { <-release; return false })
		b := &Board{}
		d := &diary{}
		s := &Scheduler{Board: b, Every: time.Minute, RoundDone: func(time.Time) { d.note("round") }}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{deaf, fake("a", "fine", good)}})
		time.Sleep(3 * time.Minute)
		all := b.Of("a")
		if len(all) != 2 || all[0].Status != verdict.Unknown || !strings.Contains(all[0].Summary, "this is a fault of the check") || all[1].Status != verdict.OK {
			t.Errorf("%+v", all)
		}
		if len(d.take()) == 0 {
			t.Error("no round was complete")
		}
		close(release)
		stop()
	})
}

func TestBadNewsIsAskedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var mu sync.Mutex
		bad := fake("a", "x", func(context.Context) bool {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return true
		})
		times := 0
		s := &Scheduler{Board: &Board{}, Every: time.Hour, Again: func(Round) (time.Duration, bool) {
			times++
			return 10 * time.Second, times < 3
		}}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{bad}})
		time.Sleep(time.Minute)
		stop()
		if len(at) != 3 || at[1].Sub(at[0]) != 10*time.Second || at[2].Sub(at[1]) != 10*time.Second {
			t.Errorf("%v", at)
		}
	})
}

// A round that is asked for comes at once, or right behind the one that runs; a host
// that is not watched has none.
func TestSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		began := time.Now()
		slow := fake("a", "x", func(context.Context) bool {
			d.note("%v", time.Since(began).Round(time.Second))
			time.Sleep(3 * time.Second)
			return false
		})
		s := &Scheduler{Board: &Board{}, Every: time.Hour}
		s.Soon("a") // before Run: the first round is still to come
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{slow}})
		time.Sleep(time.Second)
		s.Soon("a")
		s.Soon("a")
		s.Soon("nobody")
		time.Sleep(29 * time.Second)
		s.Soon("a")
		time.Sleep(time.Minute)
		stop()
		if got := strings.Join(d.take(), " "); got != "0s 3s 30s" {
			t.Errorf("rounds at %s", got)
		}
	})
}

// That this monitor looks at itself before bad news is told makes no round later.
func TestBadNewsThatIsConfirmedIsAskedAgainAsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		bad := fake("a", "x", func(context.Context) bool {
			at = append(at, time.Now())
			return true
		})
		s := &Scheduler{
			Board: &Board{}, Every: time.Hour, Again: func(Round) (time.Duration, bool) { return 10 * time.Second, true },
			Confirm: func(context.Context) bool { time.Sleep(3 * time.Second); return true },
		}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{bad}})
		time.Sleep(25 * time.Second)
		stop()
		if len(at) != 3 || at[2].Sub(at[0]) != 20*time.Second {
			t.Errorf("%v", at)
		}
	})
}

func TestNotMoreAtOnceThanThereAreSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		var mu sync.Mutex
		var hosts []Host
		for i := range 50 {
			name := fmt.Sprint("host-", i)
			hosts = append(hosts, Host{Name: name, Checks: []check.Check{fake(name, "x", func(context.Context) bool {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return false
			})}})
		}
		b := &Board{}
		stop := start(t, &Scheduler{Board: b, Every: time.Minute, Slots: 3}, hosts...)
		time.Sleep(55 * time.Second)
		stop()
		if most != 3 || len(b.All()) != 50 {
			t.Errorf("%d at once, %d on the board", most, len(b.All()))
		}
	})
}

func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		s := &Scheduler{Board: b, Every: time.Minute}
		one := func(host string, names ...string) Host {
			h := Host{Name: host}
			for _, name := range names {
				h.Checks = append(h.Checks, fake(host, name, good))
			}
			return h
		}
		stop := start(t, s, one("a", "x", "y"), one("b", "x", "y"), one("c", "x"))
		time.Sleep(2 * time.Minute)
		s.Replace([]Host{one("a", "x", "y"), one("b", "x"), one("d", "x")})
		time.Sleep(2 * time.Minute)
		stop()
		var on []string
		for _, o := range b.All() {
			on = append(on, o.Host+" "+o.Check)
		}
		if want := []string{"a x", "a y", "b x", "d x"}; !slices.Equal(on, want) {
			t.Errorf("on the board: %q", on)
		}
	})
}

func TestNobodyTellsBadNewsWithoutLookingAtItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		s := &Scheduler{Board: b, Every: time.Hour}
		s.Confirm = func(context.Context) bool {
			b.Doubt("this monitor has no route", metric.ReasonMonitorRoute, time.Now())
			return true
		}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{fake("a", "x", func(context.Context) bool { return true })}})
		time.Sleep(time.Minute)
		stop()
		if o := b.All()[0]; o.Status != verdict.Unknown || o.Reason != metric.ReasonMonitorRoute {
			t.Errorf("%v %s", o.Status, o.Summary)
		}
	})
}

func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{fake("a", "x", good)}})
		time.Sleep(3 * time.Minute)
		stop()
		got := map[string]float64{}
		for sample := range s.Samples() {
			got[sample.Metric+strings.Join(sample.Labels, "")] = sample.Value
		}
		if n := got["scheduler_runs_total"]; n < 3 || n > 5 || got["scheduler_rounds_totalkindregular"] != n {
			t.Errorf("%v", got)
		}
	})
}
