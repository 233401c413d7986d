// Package resolver measures whether a DNS resolver is sane: that it answers, over
// UDP and TCP, that known names have their addresses and names that nobody made
// have none, that it looks names up and does not make them up, and how fast.
//
// Without a target it measures each nameserver of this machine's resolv.conf.
//
// The first question goes out alone: its answer's time is the resolver's, and a
// resolver that does not answer it is asked nothing else. Then the other tests
// run side by side, each in the time of one stage.
package resolver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// Result is what the resolvers did.
type Result struct {
	Resolvers  []Resolver     // the target, or those of the file in its order
	Unknown    bool           // no known name was asked for
	References []metric.Stage // what was asked of others to compare with
	File       *File          // nil = not looked at
}

// A Resolver is what one resolver did.
type Resolver struct {
	Of       string        // which of several; "" = the only one
	Name     string        // as the user wrote it
	Answered bool          // at least one answer, whatever it said
	Time     time.Duration // of the first question's answer over UDP; 0 = there was none
	Tests    int           // made
	Failed   int           // of those
	Judged   []string      // the flags that the tests could tell about
	Faults   []Fault       // what they found, in the order of the tests
	Stages   []metric.Stage
}

// atOnce bounds the tests that run side by side, each with one socket.
const atOnce = 64

// Measure yields one Result when every test has ended. An error is a test that we
// could not make, beside the result of the others.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		m := &measurement{Config: c, target: t, slots: make(chan struct{}, atOnce)}
		if t.Address == "" || c.Local.Asked() {
			file, err := c.Local.read()
			if err != nil {
				yield(Result{}, err)
				return
			}
			m.file = file
		}
		m.subjects, m.witnesses = m.whom(), m.witness()
		m.ask(ctx)
		yield(m.result(), m.problem(ctx))
	}
}

// A measurement is who is asked, and what came of it.
type measurement struct {
	Config
	target metric.Target
	slots  chan struct{}

	file      *File // nil = nobody wants it
	subjects  []*subject
	witnesses []*witness
	alive     []*trial // of the file's nameservers, first question only
}

// A subject is a resolver that is measured.
type subject struct {
	peer
	of, name string
	trials   []*trial
}

// whom is the target, or each nameserver of the file once.
func (m *measurement) whom() []*subject {
	if m.target.Address != "" {
		p := peer{role: "resolver", addr: netip.AddrPortFrom(m.target.Addrs[0], m.Port), patience: m.target.Patience}
		return []*subject{{peer: p, name: m.target.Address}}
	}
	all := m.file.Nameservers
	if len(all) == 0 {
		all = m.file.Asked()
	}
	var subjects []*subject
	for i, a := range all {
		if !slices.Contains(all[:i], a) {
			p := peer{role: "resolver", addr: netip.AddrPortFrom(a, m.Port), own: true, patience: m.target.Patience}
			subjects = append(subjects, &subject{peer: p, of: a.String(), name: a.String()})
		}
	}
	return subjects
}

// ask puts all questions to all servers, side by side.
func (m *measurement) ask(ctx context.Context) {
	var c crew.Crew
	for _, s := range m.subjects {
		c.Go(func() { s.trials = m.examine(ctx, s.peer) })
	}
	for _, w := range m.witnesses {
		c.Go(func() { w.trial = m.hold(ctx, w.peer, testimony(m.Query, w.role == authority)) })
	}
	if m.file != nil && m.target.Address != "" {
		m.knock(ctx, &c)
	}
	c.Wait()
	for _, s := range m.subjects {
		for _, w := range m.witnesses {
			if compared := w.compare(s.trials); compared != nil {
				s.trials = append(s.trials, compared)
			}
		}
		if m.target.Address == "" {
			m.alive = append(m.alive, s.trials[0])
		}
	}
}

// result is what the trials amount to.
func (m *measurement) result() Result {
	r := Result{Unknown: len(m.Query) == 0, File: m.file}
	for _, s := range m.subjects {
		r.Resolvers = append(r.Resolvers, s.sum())
	}
	for _, w := range m.witnesses {
		r.References = append(r.References, w.trial.stages...)
	}
	if m.file != nil {
		m.file.forecast(m.alive)
	}
	return r
}

// problem is what we could not test: the end of the run if that is why, else the
// first.
func (m *measurement) problem(ctx context.Context) error {
	var all []error
	for _, s := range m.subjects {
		for _, t := range s.trials {
			all = append(all, t.err)
		}
	}
	for _, w := range m.witnesses {
		all = append(all, w.problem())
	}
	for _, t := range m.alive {
		all = append(all, t.err)
	}
	var earliest error
	for _, err := range all {
		if _, ok := errors.AsType[*metric.Interrupted](err); ok && ctx.Err() != nil {
			return err
		}
		if earliest == nil {
			earliest = err
		}
	}
	return earliest
}

// examine makes the tests of one resolver; the first alone.
func (m *measurement) examine(ctx context.Context, p peer) []*trial {
	plan := m.plan()
	first := m.hold(ctx, p, plan[0])
	if !first.answered {
		return []*trial{first}
	}
	trials := make([]*trial, len(plan))
	trials[0] = first
	var c crew.Crew
	for i, test := range plan[1:] {
		c.Go(func() { trials[i+1] = m.hold(ctx, p, test) })
	}
	c.Wait()
	return trials
}

// hold makes one test when there is a slot for it.
func (m *measurement) hold(ctx context.Context, p peer, test test) *trial {
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
		return p.hold(ctx, test)
	case <-ctx.Done():
		doing := fmt.Sprintf("waiting to ask %v", p)
		return &trial{peer: p, err: &metric.Interrupted{Stage: doing, Err: ctx.Err()}}
	}
}

// sum is what the trials amount to. A test that found a fault tells nothing about
// the others that it could have found.
func (s *subject) sum() Resolver {
	r := Resolver{Of: s.of, Name: s.name, Tests: len(s.trials), Time: s.trials[0].took}
	for _, t := range s.trials {
		r.Answered = r.Answered || t.answered
		r.Stages = append(r.Stages, t.stages...)
		r.Faults = append(r.Faults, t.faults...)
		if len(t.faults) > 0 {
			r.Failed++
		} else if t.err == nil {
			r.judge(t.flags...)
		}
		for _, f := range t.faults {
			r.judge(f.Flag)
		}
	}
	return r
}

func (s *Resolver) judge(flags ...string) {
	for _, f := range flags {
		if !slices.Contains(s.Judged, f) {
			s.Judged = append(s.Judged, f)
		}
	}
}
