package main

import (
	"cmp"
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
	lasts         time.Duration // 0 = for ever
	every         time.Duration // the interval; 0 = a minute
}

// redAfter is how long after the outage began the last of its hosts was to be published
// as down: with the exporter's own scheduler, states and publisher, in rounds of a minute
// with a timeout of ten seconds, and a self-check of a second and a half before any bad
// news. The outage begins at some moment of a round. One that lasts is watched for ten minutes; most is how many hosts
// were ever published as down.
func (b breakdown) redAfter(t *testing.T, random *rand.Rand) (after time.Duration, most int) {
	t.Helper()
	var fault time.Time
	every := cmp.Or(b.every, time.Minute)
	m := &monitor{board: &schedule.Board{}, news: newPublisher(), log: slog.New(slog.DiscardHandler), calendar: &maintenance.Calendar{}}
	m.standings = &standing.Fleet{}
	s := &schedule.Scheduler{Board: m.board, Every: every, Again: m.again, Confirm: func(context.Context) bool {
		time.Sleep(1500 * time.Millisecond)
		return true
	}}
	roster := standing.Roster{Interval: every}
	var hosts []schedule.Host
	for i := range b.hosts {
		name := fmt.Sprintf("h%d", i)
		c := check.Check{Name: "squid_auth", Target: metric.Target{Name: name}, Timeout: 10 * time.Second, Limits: []metric.Limit{metric.Never("unreachable")}}
		c.Measure = func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
			return func(yield func(metric.Report, error) bool) {
				took, bad := 100*time.Millisecond, i < b.fallen && !fault.IsZero() && !time.Now().Before(fault) && (b.lasts == 0 || time.Since(fault) < b.lasts)
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
			most = max(most, down)
			if down == b.fallen && b.lasts == 0 {
				select {
				case red <- now:
				default: // it is known
				}
			}
		})
	})
	fault = time.Now().Add(2*time.Minute + time.Duration(random.Int64N(int64(every))))
	running.Go(func() { s.Run(ctx) })
	last := fault
	if b.lasts == 0 {
		last = <-red
	} else {
		time.Sleep(10 * time.Minute)
	}
	stop()
	running.Wait()
	return last.Sub(fault), most
}

// TestOutageIsRedInTime lets outages begin at any moment of a round.
func TestOutageIsRedInTime(t *testing.T) {
	const promised = 110 * time.Second
	for _, row := range []struct {
		situation string
		breakdown
	}{
		{"one host refuses", breakdown{hosts: 20, fallen: 1, answers: time.Millisecond}},
		{"one host does not answer: the connection takes half of the timeout", breakdown{hosts: 20, fallen: 1, answers: 5 * time.Second}},
		{"one host stalls until the timeout", breakdown{hosts: 20, fallen: 1, answers: 9999 * time.Millisecond}},
		{"everything stalls: a landslide, which is looked at once more", breakdown{hosts: 20, fallen: 20, answers: 9999 * time.Millisecond}},
		{"everything refuses", breakdown{hosts: 20, fallen: 20, answers: time.Millisecond}},
		{"everything takes half of the timeout", breakdown{hosts: 20, fallen: 20, answers: 5 * time.Second}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			random := rand.New(rand.NewPCG(4, 11))
			var latest, sum time.Duration
			const outages = 100
			for range outages {
				synctest.Test(t, func(t *testing.T) {
					after, _ := row.redAfter(t, random)
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

// TestABlipIsNotRed lets everything refuse for a short time, as a firewall near the
// monitor does.
func TestABlipIsNotRed(t *testing.T) {
	for _, row := range []struct {
		situation string
		breakdown
	}{
		{"for 10 s, in rounds of a minute", breakdown{lasts: 10 * time.Second}},
		{"for 10 s, in rounds of 10 s: everything fell", breakdown{lasts: 10 * time.Second, every: 10 * time.Second}},
		{"for 10 s, in rounds of 20 s: half of the fleet fell", breakdown{lasts: 10 * time.Second, every: 20 * time.Second}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			row.hosts, row.fallen, row.answers = 20, 20, time.Millisecond
			random := rand.New(rand.NewPCG(4, 11))
			for range 20 {
				synctest.Test(t, func(t *testing.T) {
					if _, most := row.redAfter(t, random); most > 0 {
						t.Errorf("%d hosts were red", most)
					}
				})
			}
		})
	}
}
