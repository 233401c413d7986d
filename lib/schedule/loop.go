package schedule

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
)

const (
	// pace is how far apart a fleet that is new starts its hosts: soon enough for
	// whoever waits for the first round, and no burst.
	pace = 10 * time.Millisecond
	// grace is how long a check may go on after its time is up, before it is given up.
	grace = 5 * time.Second
	// confirmWait is the most that a round waits for Scheduler.Confirm.
	confirmWait = 10 * time.Second
)

// A loop is a running scheduler. All its fields belong to the goroutine of run;
// the others tell it what they found.
type loop struct {
	*Scheduler
	every   time.Duration
	slots   int
	ctx     context.Context
	stop    func()
	crew    crew.Crew
	changed <-chan struct{}
	asked   <-chan struct{}
	told    chan func()

	grid    grid
	agenda  agenda
	seats   map[string]*seat
	queue   []*run // due, waiting for a slot
	running int

	// pending is how many regular rounds are outstanding, by the round of the fleet
	// that they belong to. Every seat always has one, so a round of the fleet is
	// complete when none before the next is pending.
	pending map[int64]int
	current int64 // the round of the fleet that is not complete yet
}

func newLoop(ctx context.Context, stop func(), s *Scheduler) *loop {
	changed, asked := s.listen()
	return &loop{
		Scheduler: s,
		every:     cmp.Or(s.Every, time.Minute),
		slots:     cmp.Or(s.Slots, 1000),
		ctx:       ctx,
		stop:      stop,
		changed:   changed,
		asked:     asked,
		told:      make(chan func(), 64),
		grid:      grid{time.Now()},
		seats:     map[string]*seat{},
		pending:   map[int64]int{},
	}
}

func (l *loop) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.changed:
			l.replace(l.Scheduler.fleet())
		case <-l.asked:
			l.askAgain(l.takeWanted())
		case do := <-l.told:
			do()
		case <-timer.C:
		}
		now := time.Now()
		l.agenda.fire(now)
		l.dispatch(now)
		timer.Reset(l.agenda.wait(now))
		l.count(func(c *counts) { c.next = now.Add(l.agenda.wait(now)) })
	}
}

// spawn runs f on a goroutine that Run waits for. A panic of f ends everything.
func (l *loop) spawn(f func()) {
	l.crew.Go(func() {
		defer func() {
			if p := crew.Recovered(recover()); p != nil {
				l.stop()
				panic(p)
			}
		}()
		f()
	})
}

// tell has do done by the loop; not if all has ended.
func (l *loop) tell(do func()) {
	select {
	case l.told <- do:
	case <-l.ctx.Done():
	}
}

// replace makes hosts the fleet.
func (l *loop) replace(hosts []Host) {
	wanted := map[string]bool{}
	for _, h := range hosts {
		wanted[h.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(l.seats)) {
		if !wanted[name] {
			l.remove(l.seats[name])
		}
	}
	now := time.Now()
	isNew := len(l.seats) == 0
	if isNew {
		l.current = l.window(now) - 1
	}
	sweep := time.Duration(len(hosts)) * pace
	for _, h := range hosts {
		h = l.complement(h)
		known := l.seats[h.Name]
		switch {
		case known != nil:
			l.update(known, h)
		case !isNew:
			l.planAfter(l.add(h), now)
		case sweep < h.Every:
			l.plan(l.add(h), now.Add(share(h.Name, sweep)), l.current)
		default: // its place comes as soon; the first round of all is one round all the same
			l.plan(l.add(h), l.place(h, now), l.current)
		}
	}
}

// complement is h with what it leaves to the scheduler.
func (l *loop) complement(h Host) Host {
	h.Every = cmp.Or(h.Every, l.every)
	if !slices.ContainsFunc(h.Checks, func(c check.Check) bool { return c.Timeout == 0 }) {
		return h
	}
	h.Checks = slices.Clone(h.Checks)
	for i, c := range h.Checks {
		h.Checks[i].Timeout = cmp.Or(c.Timeout, h.Every)
	}
	return h
}

func (l *loop) add(h Host) *seat {
	s := &seat{Host: h, stop: func() {}}
	l.seats[h.Name] = s
	return s
}

// remove ends what runs of s. What it still tells is not heard.
func (l *loop) remove(s *seat) {
	s.gone = true
	s.stop()
	l.agenda.drop(s.next)
	l.agenda.drop(s.again)
	l.settle(s.window)
	if s.round != nil && !s.round.again {
		l.settle(s.round.window)
	}
	delete(l.seats, s.Name)
	l.Board.Forget(s.Name)
}

// update gives s its new checks. Those that run finish, and are heard if they are
// still wanted.
func (l *loop) update(s *seat, h Host) {
	before := s.Host
	s.Host = h
	for _, old := range before.Checks {
		if !named(h.Checks, old.Name) {
			l.Board.Forget(h.Name, old.Name)
		}
	}
	if h.Every != before.Every && !s.late {
		l.agenda.drop(s.next)
		l.settle(s.window)
		l.planAfter(s, time.Now())
	}
}

// place is when h is due next.
func (l *loop) place(h Host, after time.Time) time.Time {
	return l.grid.after(after, h.Every, share(h.Name, h.Every))
}

// planAfter makes s due at its next place in the round.
func (l *loop) planAfter(s *seat, now time.Time) {
	due := l.place(s.Host, now)
	l.plan(s, due, l.window(due))
}

func (l *loop) plan(s *seat, due time.Time, window int64) {
	s.due, s.window = due, window
	l.pending[window]++
	s.next = l.agenda.add(due, func() { l.turn(s) })
}

// window is the round of the fleet that t lies in.
func (l *loop) window(t time.Time) int64 { return l.grid.window(t, l.every) }

// settle takes one outstanding round off its round of the fleet.
func (l *loop) settle(window int64) {
	if l.pending[window]--; l.pending[window] == 0 {
		delete(l.pending, window)
	}
}

// complete says so if the current round of the fleet is. It is asked when a round
// of a host ended: that a host left completes nothing.
func (l *loop) complete(at time.Time) {
	lowest := l.current
	if len(l.pending) > 0 {
		lowest = slices.Min(slices.Collect(maps.Keys(l.pending)))
	}
	if lowest <= l.current {
		return
	}
	l.current = lowest
	l.count(func(c *counts) { c.lagBefore, c.lag = c.lag, 0 })
	if l.RoundDone != nil {
		l.RoundDone(at)
	}
}

// dispatch starts as many of the waiting checks as may run.
func (l *loop) dispatch(now time.Time) {
	started := 0
	for started < len(l.queue) && l.running < l.slots {
		l.launch(l.queue[started], now)
		l.queue[started] = nil
		started++
	}
	l.queue = l.queue[started:]
	l.count(func(c *counts) {
		c.running, c.queued, c.oldest, c.waiting = l.running, len(l.queue), time.Time{}, time.Time{}
		if len(l.queue) > 0 {
			c.oldest, c.waiting = l.queue[0].round.due, l.queue[0].round.turned
		}
	})
}

func named(checks []check.Check, name string) bool {
	return slices.ContainsFunc(checks, func(c check.Check) bool { return c.Name == name })
}
