package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/hoststate"
	"milepost/lib/maintenance"
	"milepost/lib/metric"
	"milepost/lib/schedule"
	"milepost/lib/standing"
)

// A breakdown is an outage of some of a fleet.
type breakdown struct {
	hosts, fallen int
	answers       time.Duration // how long a bad answer takes
}

// redAfter is how long after the outage began the last of its hosts was to be published
// as down: with the exporter's own scheduler, states and publisher, in rounds of a minute
// with a timeout of ten seconds, and a self-check of a second and a half before any bad
// news. The outage begins at some moment of a round.
func (b breakdown) redAfter(t *testing.T, random *rand.Rand) time.Duration {
	t.Helper()
	var fault time.Time
	m := &monitor{board: &schedule.Board{}, news: newPublisher(), log: slog.New(slog.DiscardHandler), calendar: &maintenance.Calendar{}}
	m.standings = &standing.Fleet{}
	s := &schedule.Scheduler{Board: m.board, Every: time.Minute, Again: m.again, Confirm: func(context.Context) bool {
		time.Sleep(1500 * time.Millisecond)
		return true
	}}
	roster := standing.Roster{Interval: time.Minute}
	var hosts []schedule.Host
	for i := range b.hosts {
		name := fmt.Sprintf("h%d", i)
		c := check.Check{Name: "squid_auth", Target: metric.Target{Name: name}, Timeout: 10 * time.Second, Limits: []metric.Limit{metric.Never("unreachable")}}
		c.Measure = func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
			return func(yield func(metric.Report, error) bool) {
				took, bad := 100*time.Millisecond, i < b.fallen && !fault.IsZero() && !time.Now().Before(fault)
				if bad {
					took = b.answers
				}
				time.Sleep(took)
				yield(metric.Report{Samples: []metric.Sample{metric.Flag("unreachable", bad, metric.FaultProxy, metric.ReasonConnectTimeout, "no answer")}}, ctx.Err())
			}
		}
		hosts = append(hosts, schedule.Host{Name: name, Checks: []check.Check{c}})
		roster.Members = append(roster.Members, standing.Member{Name: name, Provider: fmt.Sprint(i % 5), Roles: hoststate.Roles{Down: []string{"squid_auth"}}})
	}
	m.standings.Watch(roster)
	s.Replace(hosts)
	ctx, stop := context.WithCancel(t.Context())
	red := make(chan time.Time, 1)
	var running crew.Crew
	running.Go(func() {
		m.news.run(ctx, func(now time.Time) {
			down := 0
			for _, h := range roster.Members {
				if m.standings.Stand(h.Name, now).Status == hoststate.Down {
					down++
				}
			}
			if down == b.fallen {
				select {
				case red <- now:
				default: // it is known
				}
			}
		})
	})
	fault = time.Now().Add(2*time.Minute + time.Duration(random.Int64N(int64(time.Minute))))
	running.Go(func() { s.Run(ctx) })
	last := <-red
	stop()
	running.Wait()
	return last.Sub(fault)
}

// TestOutageIsRedInTime lets outages begin at any moment of a round.
func TestOutageIsRedInTime(t *testing.T) {
	const promised = 110 * time.Second
	for _, row := range []struct {
		situation string
		breakdown
	}{
		{"one host refuses", breakdown{20, 1, time.Millisecond}},
		{"one host does not answer: the connection takes half of the timeout", breakdown{20, 1, 5 * time.Second}},
		{"one host stalls until the timeout", breakdown{20, 1, 9999 * time.Millisecond}},
		{"everything stalls: a landslide, which is looked at once more", breakdown{20, 20, 9999 * time.Millisecond}},
		{"everything refuses", breakdown{20, 20, time.Millisecond}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			random := rand.New(rand.NewPCG(4, 11))
			var latest, sum time.Duration
			const outages = 100
			for range outages {
				synctest.Test(t, func(t *testing.T) {
					after := row.redAfter(t, random)
					latest, sum = max(latest, after), sum+after
				})
			}
			t.Logf("red after %v in the mean, and %v at the latest", (sum / outages).Round(time.Second/10), latest.Round(time.Second/10))
			if latest > promised {
				t.Errorf("red after %v, promised are %v", latest, promised)
			}
		})
	}
}
