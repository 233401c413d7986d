package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/standing"
	"milepost/lib/vantage"
)

const (
	// scraping is how often an engine scrapes the vantages at least.
	scraping = 15 * time.Second

	// pollShare is how many times in a round the engine is asked for the votes.
	pollShare = 6
)

// An electorate judges hosts by the votes of all vantages, as an engine knows them.
type electorate struct {
	m        *monitor
	client   *vantage.Client
	interval time.Duration

	mu     sync.Mutex
	answer vantage.Answer // the last whole one: what is in it grows old by itself
	failed error          // why there is no newer one
	folded string         // the vantages that it cannot tell from each other
}

// newElectorate is the electorate that the inventory names, nil if it names none.
func newElectorate(m *monitor, f *fleet.Fleet) (*electorate, error) {
	if f.Status.Prometheus.URL == "" {
		return nil, nil
	}
	client, err := vantage.New(f.Status.Prometheus.URL, f.Status.Prometheus.HeadersFile)
	if err != nil {
		return nil, err
	}
	return &electorate{m: m, client: client, interval: f.Interval}, nil
}

// checks are those that have a role for any host of the inventory of now.
func (e *electorate) checks() []string {
	f := e.m.watching()
	var all []string
	for _, h := range f.Hosts {
		r := rolesOf(f, h)
		all = append(all, slices.Concat(r.Down, r.Degraded)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// poll is how often the engine is asked.
func (e *electorate) poll() time.Duration { return max(e.interval/pollShare, time.Second) }

// redWithin is hoststate.RedWithin where the news goes through an engine, and where so
// many fall at once that all are looked at once more: an engine that scrapes now and then
// shows that look a round later.
func (e *electorate) redWithin(timeout time.Duration) time.Duration {
	oneMore := timeout + hoststate.Retry
	return hoststate.RedWithin(e.interval, timeout, hoststate.Retry) + oneMore + scraping + e.poll()
}

// run asks and judges until ctx ends. What was said grows old on time, whether or not
// the engine answers.
func (e *electorate) run(ctx context.Context) {
	var both crew.Crew
	both.Go(func() { every(ctx, e.poll(), func() { e.ask(ctx) }) })
	both.Go(func() { every(ctx, e.poll(), func() { e.judge(time.Now()) }) })
	both.Wait()
}

// every does it at once and then at every tick, until ctx ends.
func every(ctx context.Context, tick time.Duration, do func()) {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-ctx.Done():
		case <-ticks.C:
		}
	}
}

// ask takes a new answer, and has it judged; that there is none is logged once.
func (e *electorate) ask(ctx context.Context) {
	a, err := e.client.Ask(ctx, e.checks(), time.Now())
	if ctx.Err() != nil {
		return
	}
	if e.take(a, err) {
		e.judge(time.Now())
	}
}

// take says whether there is a new answer.
func (e *electorate) take(a vantage.Answer, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		if e.failed == nil || e.failed.Error() != err.Error() {
			e.m.log.Warn("the votes of the other vantages are not known: what they said is believed for 2.5 intervals", "why", err)
		}
		e.failed = err
		return false
	}
	if e.failed != nil {
		e.m.log.Info("the votes of the other vantages are known again")
	}
	e.answer, e.failed = a, nil
	if folded := a.Folded(); folded != e.folded {
		e.folded = folded
		if folded != "" {
			e.m.log.Warn("vantages that cannot be told apart have no vote", "why", folded)
		}
	}
	return true
}

// judge counts the votes on every host.
func (e *electorate) judge(now time.Time) {
	e.mu.Lock()
	a := e.answer
	e.mu.Unlock()
	changed := e.m.standings.Elect(func(of standing.Member) (hoststate.Tally, time.Time) {
		votes, at := a.Votes(of.Name, of.Roles, now, e.interval)
		return hoststate.Count(votes), at
	}, now)
	if e.m.standings.BelieveAll(a.Monitor(now, e.interval)) || changed {
		e.m.news.soon()
	}
}
