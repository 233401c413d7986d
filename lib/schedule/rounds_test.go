package schedule

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/verdict"
)

// lasting is a check that takes so long, if it may.
func lasting(host, name string, d time.Duration) check.Check {
	return fake(host, name, func(ctx context.Context) bool {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return false
	})
}

func value(s *Scheduler, name string) float64 {
	for sample := range s.Samples() {
		if sample.Metric == name {
			return sample.Value
		}
	}
	return -1
}

func TestACheckWithoutATimeoutHasTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		hangs := fake("a", "hangs", func(ctx context.Context) bool { <-ctx.Done(); return false })
		fine := fake("a", "fine", good)
		hangs.Timeout, fine.Timeout = 0, 0
		rounds := 0
		s := &Scheduler{Board: b, Every: time.Minute, Again: func(r Round) (time.Duration, bool) {
			if rounds++; r.Ended.Sub(r.Began) != time.Minute {
				t.Errorf("a round took %v", r.Ended.Sub(r.Began))
			}
			return 0, false
		}}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{hangs, fine}})
		time.Sleep(3 * time.Minute)
		stop()
		if all := b.All(); len(all) != 2 || rounds < 2 {
			t.Errorf("%d on the board after %d rounds", len(all), rounds)
		}
	})
}

func TestARoundNeverMeetsAnotherOfTheSameHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running := false
		var began []time.Time
		slow := fake("a", "x", func(context.Context) bool {
			if running {
				t.Error("two at once")
			}
			running = true
			began = append(began, time.Now())
			time.Sleep(90 * time.Second)
			running = false
			return false
		})
		slow.Timeout = 100 * time.Second
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{slow}})
		time.Sleep(10 * time.Minute)
		stop()
		for i := 2; i < len(began); i++ {
			// It is late each time, and so begins when the one before has ended.
			if gap := began[i].Sub(began[i-1]); gap != 90*time.Second {
				t.Errorf("round %d began %v after the one before", i, gap)
			}
		}
		if n := value(s, "scheduler_overruns_total"); int(n) < 5 {
			t.Errorf("%v overruns", n)
		}
	})
}

// When a round of the fleet is complete, no host's latest round began before it.
func TestARoundOfTheFleet(t *testing.T) {
	host := func(name string, every, takes time.Duration) Host {
		c := lasting(name, "x", takes)
		c.Timeout = takes + time.Second
		return Host{Name: name, Every: every, Checks: []check.Check{c}}
	}
	deaf := func(name string) Host {
		return Host{Name: name, Checks: []check.Check{fake(name, "x", func(context.Context) bool { time.Sleep(time.Hour); return false })}}
	}
	for _, tt := range []struct {
		name    string
		slots   int
		hosts   []Host
		in      time.Duration
		atLeast int
		atMost  int
	}{
		{"one host", 0, []Host{host("a", 0, 0)}, 10 * time.Minute, 10, 12},
		{"many hosts", 0, []Host{host("a", 0, 0), host("b", 0, time.Second), host("c", 0, 9*time.Second), host("d", 0, 3*time.Second)}, 10 * time.Minute, 10, 12},
		{"one that is asked more often", 0, []Host{host("a", 10*time.Second, 0), host("b", 0, 0)}, 10 * time.Minute, 10, 12},
		{"one whose rounds overlap, were it not for us", 0, []Host{host("a", 0, 90*time.Second), host("b", 0, 0)}, 15 * time.Minute, 8, 11},
		{"one that misses whole rounds", 0, []Host{host("a", 0, 150*time.Second), host("b", 0, 0)}, 15 * time.Minute, 4, 7},
		{"one that does not heed its deadline", 0, []Host{deaf("a"), host("b", 0, 0)}, 10 * time.Minute, 9, 12},
		{"a queue that lasts longer than a round", 1, []Host{host("a", 0, 50*time.Second), host("b", 0, 50*time.Second), host("c", 0, 0)}, 20 * time.Minute, 9, 21},
		{"nobody", 0, nil, 10 * time.Minute, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := map[string]time.Time{} // the latest round that ended
				minute := time.Now().Truncate(time.Minute).Add(-time.Minute)
				complete := 0
				s := &Scheduler{Board: &Board{}, Every: time.Minute, Slots: tt.slots}
				s.Again = func(r Round) (time.Duration, bool) {
					began[r.Host] = r.Began
					return 0, false
				}
				s.RoundDone = func(time.Time) {
					complete++
					for _, h := range tt.hosts {
						if b := began[h.Name]; b.IsZero() || b.Before(minute) {
							t.Errorf("round %d is complete: %s began at %v", complete, h.Name, b)
						}
					}
					minute = minute.Add(time.Minute) // at least
				}
				stop := start(t, s, tt.hosts...)
				time.Sleep(tt.in)
				stop()
				if complete < tt.atLeast || complete > tt.atMost {
					t.Errorf("%d rounds of the fleet in %v, want %d to %d", complete, tt.in, tt.atLeast, tt.atMost)
				}
			})
		})
	}
}

// A host that is asked seldom does not make the fleet's rounds seldom.
func TestWhoIsNotDueIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		complete := 0
		s := &Scheduler{Board: &Board{}, Every: time.Minute, RoundDone: func(time.Time) { complete++ }}
		stop := start(t, s,
			Host{Name: "a", Checks: []check.Check{fake("a", "x", good)}},
			Host{Name: "seldom", Every: time.Hour, Checks: []check.Check{fake("seldom", "x", good)}})
		time.Sleep(20 * time.Minute)
		stop()
		if complete < 19 {
			t.Errorf("%d rounds of the fleet in 20 minutes", complete)
		}
	})
}

func TestWhoWaitsForATurnIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hog := fake("a", "hog", func(context.Context) bool { time.Sleep(40 * time.Second); return false })
		hog.Timeout = 50 * time.Second
		var complete atomic.Int32
		s := &Scheduler{Board: &Board{}, Every: time.Hour, Slots: 1, RoundDone: func(time.Time) { complete.Add(1) }}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{hog, fake("a", "patient", good)}})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if lag, queued := value(s, "scheduler_lag_seconds"), value(s, "scheduler_runs_queued"); lag < 29 || queued != 1 || complete.Load() != 0 {
			t.Errorf("%v s late, %v wait, %d rounds complete", lag, queued, complete.Load())
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if lag, queued := value(s, "scheduler_lag_seconds"), value(s, "scheduler_runs_queued"); lag != 40 || queued != 0 || complete.Load() != 1 {
			t.Errorf("%v s late, %v wait, %d rounds complete", lag, queued, complete.Load())
		}
		stop()
	})
}

func TestAGivenUpCheckRunsAgainWhenItHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		b := &Board{}
		deaf := fake("a", "deaf", func(context.Context) bool { runs.Add(1); <-release; return false })
		s := &Scheduler{Board: b, Every: time.Minute}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{deaf}})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if o := b.All()[0]; runs.Load() != 1 || o.Summary != `running check "deaf": still not done 5s after its timeout of 10s: this is a fault of the check` {
			t.Errorf("%d runs, %q", runs.Load(), o.Summary)
		}
		close(release)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if o := b.All()[0]; runs.Load() < 2 || o.Status != verdict.OK || value(s, "scheduler_runs") != 0 {
			t.Errorf("%d runs, %v %q", runs.Load(), o.Status, o.Summary)
		}
		stop()
	})
}

func TestARegularRoundComesBeforeAnotherOne(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		takes time.Duration
		want  string // the first rounds at their place
	}{
		{"time for one", 20 * time.Second, 0, "0s, again 10s, 20s, again 30s, 40s"},
		{"none at the same time", 10 * time.Second, 0, "0s, 10s, 20s"},
		{"none after it", 20 * time.Second, 15 * time.Second, "0s, 20s, 40s"},
		{"one that lasts until the next", 20 * time.Second, 9 * time.Second, "0s, again 19s, 28s, 40s, again 59s, 1m8s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := lasting("a", "x", tt.takes)
				c.Timeout = time.Minute
				var rounds []string
				var zero time.Time
				s := &Scheduler{Board: &Board{}, Every: tt.every}
				s.Again = func(r Round) (time.Duration, bool) {
					if zero.IsZero() && !r.Again && time.Duration(r.Began.UnixNano())%tt.every == share("a", tt.every) {
						zero = r.Began
					}
					if zero.IsZero() {
						return 0, false
					}
					again := ""
					if r.Again {
						again = "again "
					}
					rounds = append(rounds, again+r.Began.Sub(zero).String())
					return 10 * time.Second, true
				}
				stop := start(t, s, Host{Name: "a", Checks: []check.Check{c}})
				time.Sleep(3 * time.Minute)
				stop()
				if got := strings.Join(rounds, ", "); !strings.HasPrefix(got, tt.want) {
					t.Errorf("rounds at %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestARoundIsPostedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		confirmed := &diary{}
		var last atomic.Pointer[Round]
		var bad atomic.Bool
		s := &Scheduler{Board: b, Every: time.Minute}
		s.Confirm = func(context.Context) bool { confirmed.note("%d", len(b.All())); return true }
		s.Again = func(r Round) (time.Duration, bool) { last.Store(&r); return 0, false }
		stop := start(t, s, Host{
			Name:   "a",
			Checks: []check.Check{lasting("a", "slow", 5*time.Second), fake("a", "quick", func(context.Context) bool { return bad.Load() })},
		})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if all := b.All(); len(all) > 0 {
			t.Errorf("half a round is on the board: %+v", all)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		var names []string
		for _, o := range last.Load().Outcomes {
			names = append(names, o.Check)
		}
		if got := strings.Join(names, " "); got != "slow quick" || confirmed.take() != nil {
			t.Errorf("%s, or it was confirmed", got)
		}
		b.Forget("a")
		bad.Store(true)
		time.Sleep(time.Minute)
		stop()
		if on := confirmed.take(); len(on) != 1 || on[0] != "0" {
			t.Errorf("on the board when it was confirmed: %q", on)
		}
	})
}

// Who is told of rounds and panics takes all with him, and whoever waits for the
// scheduler is told.
func TestAPanicReachesWhoRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    *Scheduler
	}{
		{"of the loop", &Scheduler{Again: func(Round) (time.Duration, bool) { panic("boom") }}},
		{"of a goroutine", &Scheduler{Confirm: func(context.Context) bool { panic("boom") }}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.s.Board = &Board{}
				tt.s.Replace([]Host{{Name: "a", Checks: []check.Check{fake("a", "x", func(context.Context) bool { return true })}}})
				defer func() {
					if p := crew.Recovered(recover()); p == nil || p.Error() != "panic: boom" {
						t.Errorf("%v", p)
					}
				}()
				tt.s.Run(t.Context())
			})
		})
	}
}

// Ten thousand hosts: nobody is late, and what runs is what must.
func TestTenThousandHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, most, complete := runtime.NumGoroutine(), 0, 0
		var mu sync.Mutex
		var hosts []Host
		for i := range 10_000 {
			name := fmt.Sprint("proxy-", i)
			hosts = append(hosts, Host{Name: name, Checks: []check.Check{fake(name, "x", func(context.Context) bool {
				mu.Lock()
				most = max(most, runtime.NumGoroutine())
				mu.Unlock()
				time.Sleep(300 * time.Millisecond)
				return false
			})}})
		}
		b := &Board{}
		s := &Scheduler{Board: b, Every: time.Minute, RoundDone: func(time.Time) { complete++ }}
		stop := start(t, s, hosts...)
		time.Sleep(3 * time.Minute)
		stop()
		// 167 begin each second and last 0.3 s.
		if most-before > 150 || complete != 2 || len(b.All()) != 10_000 {
			t.Errorf("%d goroutines, %d rounds of the fleet, %d hosts on the board", most-before, complete, len(b.All()))
		}
		if lag, late := value(s, "scheduler_lag_seconds"), value(s, "scheduler_overruns_total"); lag > 0.01 || late > 0 {
			t.Errorf("up to %v s late, %v overruns", lag, late)
		}
	})
}

func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Scheduler{Board: &Board{}, Every: time.Minute, Slots: 1}
		if lag, round := s.Lag(); lag != 0 || round != time.Minute {
			t.Errorf("before it runs: %v %v", lag, round)
		}
		slow := lasting("a", "x", 40*time.Second)
		slow.Timeout = 41 * time.Second
		var held atomic.Bool
		s.RoundDone = func(time.Time) {
			if held.Load() {
				time.Sleep(5 * time.Minute) // whoever is told holds everything up
			}
		}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{slow}}, Host{Name: "b", Checks: []check.Check{lasting("b", "x", 0)}})
		time.Sleep(time.Second)
		if lag, _ := s.Lag(); lag > 2*time.Second {
			t.Errorf("at the start: %v", lag)
		}
		for range 60 { // the only slot is taken for 40 of 60 seconds, and now and then b waits
			time.Sleep(time.Second)
		}
		held.Store(true)
		time.Sleep(4 * time.Minute)
		if lag, _ := s.Lag(); lag < time.Minute {
			t.Errorf("everything is held up: %v", lag)
		}
		held.Store(false)
		time.Sleep(10 * time.Minute)
		stop()
	})
}

// A host whose rounds last longer than its interval makes nobody else late.
func TestASlowHostIsNoLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := lasting("a", "x", 90*time.Second)
		slow.Timeout = 100 * time.Second
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{slow}})
		for range 600 {
			time.Sleep(time.Second)
			if lag, _ := s.Lag(); lag > time.Second {
				t.Fatalf("a lag of %v", lag)
			}
		}
		stop()
	})
}

// Bad news that the monitor had no time to look at itself for is not believed.
func TestUnconfirmedBadNews(t *testing.T) {
	for _, confirmed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := &Board{}
			s := &Scheduler{Board: b, Every: time.Minute, Confirm: func(context.Context) bool { return confirmed }}
			stop := start(t, s, Host{Name: "a", Checks: []check.Check{fake("a", "x", func(context.Context) bool { return true })}})
			time.Sleep(2 * time.Second)
			stop()
			want := verdict.Critical
			if !confirmed {
				want = verdict.Unknown
			}
			if all := b.All(); len(all) != 1 || all[0].Status != want {
				t.Errorf("confirmed %v: %+v", confirmed, all)
			}
		})
	}
}
