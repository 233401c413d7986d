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
		m := &measurement{Config: c, slots: make(chan struct{}, atOnce)}
		yield(m.all(ctx, t))
	}
}

type measurement struct {
	Config
	slots chan struct{}
}

// all measures every resolver, the servers to compare with, and the file.
func (m *measurement) all(ctx context.Context, t metric.Target) (Result, error) {
	var file *File
	if t.Address == "" || m.Local.wanted() {
		var err error
		if file, err = m.read(); err != nil {
			return Result{}, err
		}
	}
	subjects := m.subjects(t, file)
	refs := m.references(t)
	trials := make([][]*trial, len(subjects))
	var c crew.Crew
	for i, s := range subjects {
		c.Go(func() { trials[i] = m.examine(ctx, s.peer) })
	}
	for _, r := range refs {
		c.Go(func() { r.trial = m.hold(ctx, r.peer, reference(m.Query, r.peer.role == authority)) })
	}
	var alive []*trial
	if file != nil && t.Address != "" {
		alive = m.alive(ctx, &c, t, file)
	}
	c.Wait()

	r := Result{Unknown: len(m.Query) == 0, File: file}
	var errs []error
	for i, s := range subjects {
		for _, ref := range refs {
			if compared := ref.compare(trials[i]); compared != nil {
				trials[i] = append(trials[i], compared)
			}
		}
		r.Resolvers = append(r.Resolvers, s.sum(trials[i]))
		for _, t := range trials[i] {
			errs = append(errs, t.err)
		}
		if t.Address == "" {
			alive = append(alive, trials[i][0])
		}
	}
	for _, ref := range refs {
		r.References = append(r.References, ref.trial.stages...)
		errs = append(errs, ref.problem())
	}
	file.forecast(alive)
	return r, first(ctx, errs)
}

// first is the error that ended the run, else the first.
func first(ctx context.Context, errs []error) error {
	var any error
	for _, err := range errs {
		if _, ok := errors.AsType[*metric.Interrupted](err); ok && ctx.Err() != nil {
			return err
		}
		if any == nil {
			any = err
		}
	}
	return any
}

// A subject is a resolver that is measured.
type subject struct {
	peer
	of, name string
}

// subjects is the target, or each nameserver of the file once.
func (m *measurement) subjects(t metric.Target, file *File) []subject {
	if t.Address != "" {
		p := peer{role: "resolver", addr: netip.AddrPortFrom(t.Addrs[0], m.Port), patience: t.Patience}
		return []subject{{peer: p, name: t.Address}}
	}
	all := file.Nameservers
	if len(all) == 0 {
		all = file.Asked()
	}
	var subjects []subject
	for i, a := range all {
		if !slices.Contains(all[:i], a) {
			p := peer{role: "resolver", addr: netip.AddrPortFrom(a, m.Port), own: true, patience: t.Patience}
			subjects = append(subjects, subject{p, a.String(), a.String()})
		}
	}
	return subjects
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
func (s subject) sum(trials []*trial) Resolver {
	r := Resolver{Of: s.of, Name: s.name, Tests: len(trials), Time: trials[0].took}
	for _, t := range trials {
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

func (r *Resolver) judge(flags ...string) {
	for _, f := range flags {
		if !slices.Contains(r.Judged, f) {
			r.Judged = append(r.Judged, f)
		}
	}
}
