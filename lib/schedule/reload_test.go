package schedule

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/verdict"
)

// of is one host with a check that takes d, made from spec.
func of(name, spec string, d time.Duration) Host {
	c := lasting(name, "x", d)
	c.Config = spec
	return Host{Name: name, Checks: []check.Check{c}}
}

func TestWhatRunsWhileTheFleetChanges(t *testing.T) {
	keep := Host{Name: "other"}
	for _, tt := range []struct {
		name string
		next []Host
		want string // of host a when its check would have ended
	}{
		{"it stays", []Host{of("a", "1", 8*time.Second), keep}, "OK, took 8s"},
		{"its options change: what it says is of no use", []Host{of("a", "2", time.Hour), keep}, "nothing"},
		{"the host goes", []Host{keep}, "nothing"},
		{"the check goes", []Host{{Name: "a"}, keep}, "nothing"},
		{"all go", nil, "nothing"},
		{"a check comes", []Host{{Name: "a", Checks: append(of("a", "1", 8*time.Second).Checks, fake("a", "y", good))}, keep}, "OK, took 8s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &Board{}
				s := &Scheduler{Board: b, Every: time.Hour}
				stop := start(t, s, of("a", "1", 8*time.Second), keep)
				time.Sleep(2 * time.Second)
				s.Replace(tt.next)
				time.Sleep(8 * time.Second)
				synctest.Wait()
				got := "nothing"
				for _, o := range b.Of("a") {
					got = o.Status.String() + ", took " + o.Took.String()
				}
				if got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
				stop()
			})
		})
	}
}

// What is gone does not go on measuring, and leaves the board.
func TestWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		hangs := fake("a", "hangs", func(ctx context.Context) bool {
			began := time.Now()
			<-ctx.Done()
			ended.Store(int64(time.Since(began)))
			return false
		})
		hangs.Timeout = time.Minute
		b := &Board{}
		s := &Scheduler{Board: b, Every: time.Hour}
		two := Host{Name: "b", Checks: []check.Check{fake("b", "x", good), fake("b", "y", good)}}
		one := Host{Name: "b", Checks: two.Checks[:1]}
		stop := start(t, s, Host{Name: "a", Checks: []check.Check{hangs}}, two)
		time.Sleep(5 * time.Second)
		s.Replace([]Host{one})
		time.Sleep(time.Second)
		synctest.Wait()
		if d := time.Duration(ended.Load()); d < 4*time.Second || d > 5*time.Second {
			t.Errorf("a check of a host that went after 5 s lasted %v", d)
		}
		if all := b.All(); len(all) != 1 || all[0].Check != "x" {
			t.Errorf("%+v", all)
		}
		stop()
	})
}

func TestAHostThatIsAddedStartsAtItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Time
		added := fake("added", "x", func(context.Context) bool { began = append(began, time.Now()); return false })
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		old := of("a", "1", 0)
		stop := start(t, s, old)
		time.Sleep(3 * time.Minute)
		at := time.Now()
		s.Replace([]Host{old, {Name: "added", Checks: []check.Check{added}}})
		time.Sleep(time.Minute)
		stop()
		if len(began) != 1 || time.Duration(began[0].UnixNano())%time.Minute != share("added", time.Minute) {
			t.Errorf("began at %v after %v", began, at)
		}
	})
}

func TestAHostThatMovesToAnotherInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		h := Host{Name: "a", Checks: []check.Check{fake("a", "x", func(context.Context) bool { runs.Add(1); return false })}}
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		stop := start(t, s, h)
		time.Sleep(2 * time.Minute)
		runs.Store(0)
		h.Every = 10 * time.Second
		s.Replace([]Host{h})
		time.Sleep(5 * time.Minute)
		stop()
		if n := runs.Load(); n != 30 {
			t.Errorf("%d runs in 5 minutes, one each 10 s", n)
		}
	})
}

// Who reloads more often than a round lasts must not keep the fleet's rounds from
// being complete, and every round that is must have seen the host that stays.
func TestReloadsDoNotHoldUpTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		complete, seen := 0, 0
		s := &Scheduler{Board: &Board{}, Every: time.Minute}
		s.Again = func(r Round) (time.Duration, bool) {
			if r.Host == "a" {
				seen++
			}
			return 0, false
		}
		s.RoundDone = func(time.Time) {
			if complete++; seen == 0 {
				t.Errorf("round %d is complete without the host that stays", complete)
			}
			seen = 0
		}
		stay, come := of("a", "1", time.Second), []Host{of("b", "1", 0), of("c", "1", 9*time.Second), of("d", "1", 0)}
		stop := start(t, s, stay, come[0])
		for i := range 60 {
			time.Sleep(10 * time.Second)
			s.Replace([]Host{stay, come[i%3], come[(i+1)%3]})
		}
		stop()
		if complete < 9 || complete > 12 {
			t.Errorf("%d rounds of the fleet in 10 minutes", complete)
		}
	})
}

// A fleet that was replaced as a whole starts like one that is new.
func TestAllNewHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		complete := 0
		s := &Scheduler{Board: b, Every: time.Hour, RoundDone: func(time.Time) { complete++ }}
		stop := start(t, s, of("a", "1", 0))
		time.Sleep(time.Minute)
		s.Replace([]Host{of("b", "1", 0), of("c", "1", 0)})
		time.Sleep(time.Second)
		synctest.Wait()
		all := b.All()
		if len(all) != 2 || all[0].Host != "b" || all[1].Status != verdict.OK || complete != 2 {
			t.Errorf("%d rounds, %+v", complete, all)
		}
		stop()
	})
}
