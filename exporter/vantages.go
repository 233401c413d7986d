package main

import (
	"context"
	"errors"
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

	silent complaint // why there is no newer answer
	folded complaint // which vantages it cannot tell from each other

	mu     sync.Mutex
	answer vantage.Answer // the last whole one: what is in it grows old by itself
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
	return &electorate{
		m: m, client: client, interval: f.Interval,
		silent: complaint{what: "the votes of the other vantages are not known: what they said is believed for 2.5 intervals"},
		folded: complaint{what: "vantages that cannot be told apart have no vote"},
	}, nil
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
	e.silent.take(e.m.log, err)
	if err != nil {
		return false
	}
	var folded error
	if which := a.Folded(); which != "" {
		folded = errors.New(which)
	}
	e.folded.take(e.m.log, folded)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = a
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
