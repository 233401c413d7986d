package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"sync/atomic"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/schedule"
	"milepost/lib/selfcheck"
	"milepost/lib/standing"
	"milepost/lib/verdict"
)

// A shadow is the copy that is broken.
type shadow struct {
	fleet     *fleet.Fleet
	board     *schedule.Board
	standings *standing.Fleet
	looks     selfcheck.Config // what the monitor looks at itself by
	checker   *selfcheck.Checker
	broken    atomic.Bool
	say       func(format string, args ...any)
}

// runDrill makes the drill, on a monitor that looks at itself by what looks says. The
// error is why nothing is proven.
func runDrill(ctx context.Context, f *fleet.Fleet, looks selfcheck.Config, part string, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, drillLimit)
	defer cancel()
	s := &shadow{fleet: f, board: &schedule.Board{}, standings: &standing.Fleet{}, looks: looks, say: say}
	alone := *f
	alone.Status.Prometheus = fleet.Upstream{}
	s.standings.Watch(rosterOf(&alone, nil))
	var stuck crew.Crew
	ctx, stop := context.WithCancel(ctx)
	defer stuck.Wait()
	defer stop()
	lag := s.stick(ctx, &stuck, part)
	if err := s.breakable(part, lag); err != nil {
		return err
	}
	s.check(ctx)
	if page := s.page(); page.Sight != hoststate.Clear {
		return fmt.Errorf("this monitor is %v already: %s", page.Sight, s.checker.Last().Why)
	}
	s.round(verdict.OK)
	page := s.page()
	say("on a copy that takes every host to be well, all is well: %v, %s", page.Status, page.Summary)
	if page.Status != hoststate.Up {
		return fmt.Errorf("the page of a fleet that works is %v", page.Status)
	}
	s.broken.Store(true)
	if part == "scheduler" {
		say("the scheduler breaks, and nothing is measured any more")
	} else {
		say("the %s breaks, and every check of every host fails", part)
	}
	if err := s.suffer(ctx, part); err != nil {
		return err
	}
	s.broken.Store(false)
	return s.recover(ctx, part)
}

// suffer looks on while everything fails.
func (s *shadow) suffer(ctx context.Context, part string) error {
	grey := 0
	steps := time.NewTicker(drillStep)
	defer steps.Stop()
	for n := 0; grey < drillRounds; n++ {
		s.check(ctx) // as the scheduler has it confirmed that bad news is the monitor's to tell
		if part != "scheduler" {
			s.round(verdict.Critical)
		}
		page := s.page()
		select {
		case <-ctx.Done():
			return errors.New("it was cut short")
		case <-steps.C:
		}
		s.say("round %d: the monitor is %v, the page %v: %s", n+1, page.Sight, page.Status, page.Summary)
		switch {
		case page.Status == hoststate.Down, page.Counts.Down > 0:
			return fmt.Errorf("%d hosts were called down by a monitor that is broken", page.Counts.Down)
		case page.Status == hoststate.Unknown:
			grey++
		case grey > 0:
			return fmt.Errorf("the page turned %v again while everything was broken", page.Status)
		case n >= drillPatience:
			return fmt.Errorf("the page stays %v: this monitor does not notice: %s", page.Status, s.checker.Last().Why)
		}
	}
	return nil
}

// recover sees the page come back.
func (s *shadow) recover(ctx context.Context, part string) error {
	if part == "scheduler" {
		return nil // what is stuck ends with the drill
	}
	s.check(ctx)
	s.round(verdict.OK)
	page := s.page()
	s.say("the %s works again: %v, %s", part, page.Status, page.Summary)
	if page.Status != hoststate.Up {
		return fmt.Errorf("the page stays %v when all is well again", page.Status)
	}
	return nil
}

// check makes a self-check.
func (s *shadow) check(ctx context.Context) {
	found := s.checker.Now(ctx)
	s.board.Doubt(found.Why, found.Reason, found.At)
	s.standings.Believe(sightOf(found))
}

// page is the page of now.
func (s *shadow) page() hoststate.Page {
	now := time.Now()
	var all []hoststate.Standing
	for _, h := range s.fleet.Hosts {
		all = append(all, s.standings.Stand(h.Name, now))
	}
	return hoststate.RollUp(all, s.standings.Seen(), false)
}

// round is one round of every host, in which all its checks say so.
func (s *shadow) round(say verdict.Status) {
	began := time.Now()
	v := verdict.Verdict{Status: say, Summary: "drill"}
	if say != verdict.OK {
		v.Fault, v.Reason = metric.FaultProxy, metric.ReasonConnectTimeout
	}
	for _, h := range s.fleet.Hosts {
		r := schedule.Round{Host: h.Name, Began: began, Ended: time.Now()}
		for _, c := range h.Checks {
			r.Outcomes = append(r.Outcomes, s.board.Post(check.Outcome{Check: c.Name, Host: h.Name, At: time.Now(), Verdict: v}))
		}
		s.standings.Take(r.Host, r.Outcomes, r.Ended)
	}
}

// errDrill is what a part that a drill broke says.
var errDrill = errors.New("a drill broke it")

// breakable makes the checker whose part can be broken. The error is that this
// monitor has no reference by which it could notice.
func (s *shadow) breakable(part string, lag func() (time.Duration, time.Duration)) error {
	config := s.looks
	config.Lag = lag
	needs := map[string]bool{
		"resolver": len(config.Resolve) > 0, "route": len(config.Ping) > 0,
		"clock": len(s.fleet.References.NTP) > 0, "scheduler": true,
	}
	if !needs[part] {
		key := map[string]string{"resolver": "resolve", "route": "ping", "clock": "ntp"}[part]
		return fmt.Errorf("references.%s is empty: this monitor would not notice that its %s is broken", key, part)
	}
	if servers := s.fleet.References.NTP; len(servers) > 0 && config.Prove == nil {
		config.Prove = proving(servers)
	}
	whole, err := selfcheck.New(config) // with the real seams filled in
	if err != nil {
		return err
	}
	config = whole.Config
	switch part {
	case "resolver":
		s.breakNames(&config)
	case "route":
		s.breakNames(&config)
		reach := config.Reach
		config.Reach = func(ctx context.Context, ref netip.AddrPort) error {
			if s.broken.Load() {
				return errDrill
			}
			return reach(ctx, ref)
		}
	case "clock":
		prove := config.Prove
		config.Prove = func(ctx context.Context) selfcheck.Proof {
			p := prove(ctx)
			if s.broken.Load() {
				p = selfcheck.Proof{Lo: time.Hour, Hi: time.Hour, By: "a drill", Proven: true}
			}
			return p
		}
	}
	s.checker, err = selfcheck.New(config)
	return err
}

// breakNames breaks all resolvers: one alone is worked around.
func (s *shadow) breakNames(config *selfcheck.Config) {
	system, ask := config.System, config.Ask
	config.System = func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		if s.broken.Load() {
			return nil, errDrill
		}
		return system(ctx, network, host)
	}
	config.Ask = func(ctx context.Context, server netip.AddrPort, network, host string) ([]netip.Addr, error) {
		if s.broken.Load() {
			return nil, errDrill
		}
		return ask(ctx, server, network, host)
	}
}

// stick runs a scheduler of its own, with one slot, which a check takes and does not
// give back once the scheduler is broken.
func (s *shadow) stick(ctx context.Context, running *crew.Crew, part string) func() (time.Duration, time.Duration) {
	if part != "scheduler" {
		return nil
	}
	hang := check.Check{Name: "drill", Target: metric.Target{Name: "drill"}, Timeout: drillLimit}
	hang.Measure = hanging(s.broken.Load)
	other := hang
	other.Target.Name = "drill-2"
	scheduler := &schedule.Scheduler{Board: &schedule.Board{}, Every: time.Second, Slots: 1}
	scheduler.Replace([]schedule.Host{
		{Name: "drill", Checks: []check.Check{hang}}, {Name: "drill-2", Checks: []check.Check{other}},
	})
	running.Go(func() { scheduler.Run(ctx) })
	return scheduler.Lag
}

// hanging is a measurement that does not end while it is broken.
func hanging(broken func() bool) func(context.Context, metric.Target) iter.Seq2[metric.Report, error] {
	return func(ctx context.Context, _ metric.Target) iter.Seq2[metric.Report, error] {
		return func(yield func(metric.Report, error) bool) {
			if broken() {
				<-ctx.Done()
			}
			yield(metric.Report{Text: "drill"}, nil)
		}
	}
}
