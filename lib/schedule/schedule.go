// Package schedule runs checks at intervals and remembers the latest outcome of
// each, as far as this monitor may be believed.
//
// A round is one interval. Each host has its place in it, derived from its name,
// at which all its checks run; a round of one host never meets another of the same
// host. One goroutine decides everything (loop.go) and owns the timer; a check that
// runs has a goroutine of its own.
package schedule

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
)

// A Host is what is watched of one host. Its name is that of the target of all
// its checks.
type Host struct {
	Name   string
	Every  time.Duration // one round; 0 = the scheduler's
	Checks []check.Check // run once a round, and not changed any more; one without a Timeout has Every
}

// A Round is what came of one round of one host.
type Round struct {
	Host         string
	Began, Ended time.Time
	Outcomes     []check.Outcome // as believed, one of each check
	Again        bool            // not a regular round: Scheduler.Again asked for it
}

// A Scheduler runs the rounds of a fleet. Its fields are set before Run. Its
// functions are called on the goroutine that decides when what runs: one at a
// time, and everything waits for them.
type Scheduler struct {
	Board *Board
	Every time.Duration // one round of the fleet; 0 = a minute
	Slots int           // how many checks run at once; 0 = 1000

	// Again is told of every round that ended, and may ask for another of the same
	// host, some time after the end of its checks. There is none if the next regular one comes first.
	Again func(Round) (after time.Duration, yes bool)

	// RoundDone is told when a round of the fleet is complete: no host is due in it
	// any more, so that no latest verdict is older than the beginning of that round
	// (but those of hosts that are due more seldom). A host has had its round when all
	// its checks ended, and a check ends at the latest some seconds after its timeout,
	// when it is given up. A check that waits for its turn has not run: such a round is
	// not complete. A host that was late for its turn is not owed it twice.
	RoundDone func(at time.Time)

	// Confirm is called when a round ended with a verdict that is not OK, before it
	// is posted: the time for a self-check, so that bad news is not told by a monitor
	// that has not looked at itself since. It has a goroutine of its own and some
	// seconds. If it says no, bad news is not believed.
	Confirm func(context.Context) bool

	mu      sync.Mutex
	hosts   []Host
	changed chan struct{} // holds one if hosts is news to the loop; nil before Run
	wanted  []string      // hosts that Soon was called for
	asked   chan struct{} // holds one if wanted is news to the loop; nil before Run
	counts  counts
}

// Replace makes hosts the fleet: at once if Run is running, else when it starts.
// Checks that are the same as before go on untouched. What is gone is stopped and leaves the board. A host that is new
// starts at its place in the round, but a whole fleet that is new starts at once.
func (s *Scheduler) Replace(hosts []Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = slices.Clone(hosts)
	if s.changed == nil {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default: // the loop has not seen the last change yet, and will see both
	}
}

// Soon asks for a round of host beside the regular ones: at once, or as soon as the one
// that runs has ended. It does not wait for it.
func (s *Scheduler) Soon(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		return // the first round is still to come
	}
	s.wanted = append(s.wanted, host)
	select {
	case s.asked <- struct{}{}:
	default: // the loop has not seen the last one yet, and will see both
	}
}

// Run runs rounds until ctx ends, and returns when everything that it started has
// ended too. If any of it panics, it all ends, and Run panics.
func (s *Scheduler) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	l := newLoop(ctx, stop, s)
	defer l.crew.Wait()
	defer stop()
	l.run()
}

// listen starts to notice what Replace and Soon do; the fleet of now is the first news.
func (s *Scheduler) listen() (changed, asked <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed, s.asked = make(chan struct{}, 1), make(chan struct{}, 1)
	s.changed <- struct{}{}
	return s.changed, s.asked
}

// takeWanted is whom Soon was called for since it was asked last.
func (s *Scheduler) takeWanted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := s.wanted
	s.wanted = nil
	return wanted
}

func (s *Scheduler) fleet() []Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts
}

// counts is what a scheduler observes of itself.
type counts struct {
	regular, again, runs int
	overruns, givenUp    int
	running, queued      int
	lag, lagBefore       time.Duration // the longest of this round of the fleet, and of the one before
	oldest               time.Time     // when the first in the queue was due; zero = none waits
	waiting              time.Time     // when it could begin, but for its turn
	next                 time.Time     // when the loop has something to do next; zero = it does not run
	late                 time.Duration // the longest lag of the last seconds
	lateAt               time.Time
}

// recently is how long a check that began late is held against the scheduler.
const recently = 15 * time.Second

// Lag is how late the scheduler is now: how long a check waits for its turn, or how
// late one began in the last seconds, or for how long nothing was decided that should
// have been. That a host's own round lasts longer than its interval is not the
// scheduler's doing. And how long a round is.
func (s *Scheduler) Lag() (lag, round time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, due := range []time.Time{s.counts.waiting, s.counts.next} {
		if !due.IsZero() {
			lag = max(lag, now.Sub(due))
		}
	}
	if now.Sub(s.counts.lateAt) <= recently {
		lag = max(lag, s.counts.late)
	}
	return lag, cmp.Or(s.Every, time.Minute)
}

func (s *Scheduler) count(f func(*counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counts)
}

// Samples are what the scheduler observes of itself.
func (s *Scheduler) Samples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		s.mu.Lock()
		c := s.counts
		s.mu.Unlock()
		lag := max(c.lag, c.lagBefore)
		if !c.oldest.IsZero() {
			lag = max(lag, time.Since(c.oldest)) // nothing may have begun for long
		}
		total := func(name, help string, n int, labels ...string) metric.Sample {
			return metric.Sample{Metric: name, Help: help, Kind: metric.Counter, Value: float64(n), Labels: labels}
		}
		gauge := func(name, help string, v float64) metric.Sample {
			return metric.Sample{Metric: name, Help: help, Value: v}
		}
		const rounds = "Rounds of a host that ended: regular ones, and those asked for again before the next."
		all := []metric.Sample{
			gauge("scheduler_lag_seconds", "How late checks began, at most, in the latest round of the fleet.", lag.Seconds()),
			total("scheduler_rounds_total", rounds, c.regular, "kind", "regular"),
			total("scheduler_rounds_total", rounds, c.again, "kind", "again"),
			total("scheduler_overruns_total", "Rounds of a host that were late because the one before had not ended.", c.overruns),
			total("scheduler_runs_total", "Runs of a check that began.", c.runs),
			total("scheduler_runs_given_up_total", "Runs of a check that did not end when their time was up.", c.givenUp),
			gauge("scheduler_runs", "Checks that run now.", float64(c.running)),
			gauge("scheduler_runs_queued", "Checks that are due and wait for their turn.", float64(c.queued)),
		}
		for _, sample := range all {
			if !yield(sample) {
				return
			}
		}
	}
}
