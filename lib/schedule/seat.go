package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A seat is one host's place in the fleet.
type seat struct {
	Host
	ctx  context.Context // of the round that runs
	stop func()          // ends it
	gone bool            // removed: nothing is heard of it any more

	due    time.Time // its next regular round
	window int64     // the round of the fleet which that one belongs to
	next   *entry    // when due comes
	again  *entry    // when a round comes that was asked for; nil = none
	late   bool      // due came while a round was running
	wanted bool      // Soon was called while a round was running

	round *round          // running; nil = none
	stuck map[string]bool // checks that were given up and have not ended yet
}

// A round is one round of one seat while it runs.
type round struct {
	seat   *seat
	due    time.Time
	began  time.Time
	turned time.Time // when it could begin: due, or when the round before it ended
	window int64
	again  bool
	runs   []*run    // in order of Host.Checks
	left   int       // of them, to be heard
	heard  time.Time // when the last of them was
}

// A run is one check of a round.
type run struct {
	round   *round
	check   check.Check
	limit   *entry // when it is given up
	givenUp bool
	outcome check.Outcome
}

// turn is a seat's regular turn.
func (l *loop) turn(s *seat) {
	if s.round != nil {
		s.late = true
		l.count(func(c *counts) { c.overruns++ })
		return
	}
	l.begin(s, false)
}

// begin begins a round of s, and plans the regular one after it.
func (l *loop) begin(s *seat, again bool) {
	now := time.Now()
	r := &round{seat: s, due: now, began: now, turned: now, again: again}
	s.round, s.wanted = r, false
	s.ctx, s.stop = context.WithCancel(l.ctx) // of ten thousand hosts most are between two rounds
	if !again {
		if !s.late { // else it was held up by its own host, and by nobody else
			r.turned = s.due
		}
		r.due, r.window, s.late = s.due, s.window, false
		l.agenda.drop(s.again)
		l.planAfter(s, now)
	}
	for _, c := range s.Checks {
		r.runs = append(r.runs, &run{round: r, check: c})
	}
	r.left = len(r.runs)
	if r.left == 0 {
		l.close(r)
		return
	}
	for _, run := range r.runs {
		if s.stuck[run.check.Name] {
			l.hear(run, run.stuck(now, 0))
		} else {
			l.queue = append(l.queue, run)
		}
	}
}

// askAgain begins a round of each of these hosts, unless one runs: then another follows.
func (l *loop) askAgain(hosts []string) {
	for _, name := range hosts {
		switch s := l.seats[name]; {
		case s == nil: // it left the fleet
		case s.round != nil:
			s.wanted = true
		default:
			l.begin(s, true)
		}
	}
}

// launch runs one check on a goroutine of its own.
func (l *loop) launch(r *run, now time.Time) {
	s := r.round.seat
	if s.gone {
		return
	}
	l.running++
	l.count(func(c *counts) {
		c.runs++
		c.lag = max(c.lag, now.Sub(r.round.due))
		late := now.Sub(r.round.turned)
		if late >= c.late || now.Sub(c.lateAt) > recently {
			c.late, c.lateAt = late, now
		}
	})
	r.limit = l.agenda.add(now.Add(r.check.Timeout+grace), func() { l.giveUp(r, now) })
	ctx := s.ctx
	l.spawn(func() {
		o := r.check.Run(ctx)
		l.tell(func() { l.ended(r, o) })
	})
}

func (l *loop) ended(r *run, o check.Outcome) {
	if r.givenUp {
		delete(r.round.seat.stuck, r.check.Name)
		return
	}
	l.agenda.drop(r.limit)
	l.running--
	l.hear(r, o)
}

// giveUp goes on without a check that does not heed its deadline, so that one
// broken check holds up neither its host nor the fleet. It is not run again
// before it has ended.
func (l *loop) giveUp(r *run, began time.Time) {
	r.givenUp = true
	if r.round.seat.stuck == nil {
		r.round.seat.stuck = map[string]bool{}
	}
	r.round.seat.stuck[r.check.Name] = true
	l.running--
	l.count(func(c *counts) { c.givenUp++ })
	now := time.Now()
	l.hear(r, r.stuck(now, now.Sub(began)))
}

// stuck is the outcome of a check that was given up.
func (r *run) stuck(at time.Time, took time.Duration) check.Outcome {
	err := fmt.Errorf("running check %q: still not done %v after its timeout of %v: this is a fault of the check",
		r.check.Name, grace, r.check.Timeout)
	return check.Outcome{Check: r.check.Name, Host: r.round.seat.Name, At: at, Took: took, Verdict: verdict.Failed(err)}
}

// hear takes the outcome of one check of a round.
func (l *loop) hear(r *run, o check.Outcome) {
	r.outcome = o
	if r.round.left--; r.round.left == 0 {
		r.round.heard = time.Now()
		l.close(r.round)
	}
}

// close ends a round, as soon as bad news in it is confirmed.
func (l *loop) close(r *round) {
	s := r.seat
	if l.Confirm == nil || s.gone || !r.badNews() {
		l.finish(r)
		return
	}
	ctx := s.ctx
	l.spawn(func() {
		ctx, cancel := context.WithTimeout(ctx, confirmWait)
		defer cancel()
		confirmed := l.Confirm(ctx)
		l.tell(func() {
			if !confirmed {
				r.doubt()
			}
			l.finish(r)
		})
	})
}

// doubt takes the bad news of a round back: this monitor could not look at itself.
func (r *round) doubt() {
	for _, run := range r.runs {
		run.outcome.Verdict = verdict.Doubt(run.outcome.Verdict, "this monitor could not look at itself in time", metric.ReasonNotMeasured)
	}
}

func (r *round) badNews() bool {
	return slices.ContainsFunc(r.runs, func(run *run) bool { return run.outcome.Status != verdict.OK })
}

// finish posts a round as a whole, and says what comes next.
func (l *loop) finish(r *round) {
	s := r.seat
	if s.gone {
		return
	}
	s.round = nil
	s.stop()
	result := Round{Host: s.Name, Began: r.began, Ended: time.Now(), Again: r.again}
	for _, run := range r.runs {
		if wants(s.Checks, run.check) {
			result.Outcomes = append(result.Outcomes, l.Board.Post(run.outcome))
		}
	}
	if r.again {
		l.count(func(c *counts) { c.again++ })
	} else {
		l.count(func(c *counts) { c.regular++ })
		l.settle(r.window)
	}
	l.repeat(s, result, r.heard)
	switch {
	case s.late:
		l.begin(s, false)
	case s.wanted:
		l.begin(s, true)
	}
	l.complete(result.Ended)
}

// repeat plans another round of s if somebody asks for one. It is so long after its checks
// were heard: that bad news had to be confirmed makes the next round no later.
func (l *loop) repeat(s *seat, r Round, heard time.Time) {
	if l.Again == nil {
		return
	}
	after, yes := l.Again(r)
	at := heard.Add(after)
	if !yes || !at.Before(s.due) {
		return
	}
	s.again = l.agenda.add(at, func() {
		if s.round == nil {
			l.begin(s, true)
		}
	})
}

// wants says that c is among checks, unchanged.
func wants(checks []check.Check, c check.Check) bool {
	return slices.ContainsFunc(checks, c.Same)
}
