package schedule

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// pings is a stream of one good packet a second, which ends after so many.
func pings(host string, n func() int) check.Check {
	return check.Check{
		Name: "pings", Target: metric.Target{Name: host}, Limits: never,
		Measure: func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
			return func(yield func(metric.Report, error) bool) {
				for range n() {
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
						return
					}
					if !yield(metric.Report{Samples: []metric.Sample{metric.Flag("bad", false, "", "", "")}}, nil) {
						return
					}
				}
			}
		},
	}
}

func TestAStreamIsStartedAgainLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Time
		lasts := []int{0, 0, 0, 0, 0, 0, 0, 0, 60, 0, 0}
		c := pings("a", func() int { began = append(began, time.Now()); return append(lasts, 1<<30)[len(began)-1] })
		s := &Scheduler{Board: &Board{}}
		stop := start(t, s, Host{Name: "a", Streams: []check.Check{c}})
		time.Sleep(time.Hour)
		stop()
		var waits []string
		for i := 1; i < len(began); i++ {
			wait := began[i].Sub(began[i-1]) - time.Duration(lasts[i-1])*time.Second
			seconds := wait.Truncate(time.Second)
			for base := time.Second; base <= time.Minute; base = min(2*base, time.Minute) {
				if wait == base+share("a", base) {
					seconds = base
				}
				if base == time.Minute {
					break
				}
			}
			waits = append(waits, seconds.String())
		}
		// The ninth ran for a minute: it was well.
		if got := strings.Join(waits, " "); got != "1s 2s 4s 8s 16s 32s 1m0s 1m0s 1s 2s 4s" {
			t.Errorf("waited %s", got)
		}
		if n := value(s, "scheduler_stream_restarts_total"); n != 11 {
			t.Errorf("%v restarts", n)
		}
	})
}

// A stream speaks of the last interval, so a doubt that is older than that does not
// stick to it.
func TestADoubtPassesAStreamBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		bad := fake("a", "pings", good)
		bad.Measure = func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
			return func(yield func(metric.Report, error) bool) {
				for yield(metric.Report{Samples: []metric.Sample{metric.Flag("bad", true, "", "", "all lost")}}, nil) {
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
						return
					}
				}
			}
		}
		stop := start(t, &Scheduler{Board: b, Every: time.Minute}, Host{Name: "a", Streams: []check.Check{bad}})
		look := func(after time.Duration, want verdict.Status) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if o := b.All()[0]; o.Status != want || o.Took > time.Minute {
				t.Errorf("%v, took %v, want %v", o.Status, o.Took, want)
			}
		}
		look(10*time.Minute, verdict.Critical)
		b.Doubt("no route", metric.ReasonMonitorRoute, time.Now())
		look(time.Second, verdict.Unknown)
		b.Doubt("", "", time.Now())
		look(58*time.Second, verdict.Unknown)
		look(3*time.Second, verdict.Critical)
		stop()
	})
}

func TestAStreamThatPanicsSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Board{}
		c := fake("a", "pings", func(context.Context) bool { panic("boom") })
		stop := start(t, &Scheduler{Board: b}, Host{Name: "a", Streams: []check.Check{c}})
		time.Sleep(10 * time.Second)
		stop()
		if o := b.All()[0]; o.Status != verdict.Unknown || o.Summary != "the check itself is broken: panic: boom" {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}
