package schedule

import (
	"slices"
	"strings"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A Board holds the latest outcome of every check of every host, as far as this
// monitor may be believed. A verdict stands only if the last self-check before
// its start passed and the first after its end does. The zero Board is ready.
type Board struct {
	mu     sync.RWMutex
	places map[string][]place // by host; a host's few checks in order of their names
	hosts  []string           // in order
	trust  trust
}

// A place is one check's on the board. What was measured is kept beside what is
// believed, so that a doubt that changes its words is not added to the last one.
type place struct{ measured, believed check.Outcome }

// Post puts o on the board and returns it as it is believed.
func (b *Board) Post(o check.Outcome) check.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := place{measured: o, believed: b.trust.believe(o)}
	if b.places == nil {
		b.places = map[string][]place{}
	}
	at, known := b.places[o.Host]
	if !known {
		i, _ := slices.BinarySearch(b.hosts, o.Host)
		b.hosts = slices.Insert(b.hosts, i, o.Host)
	}
	i, found := find(at, o.Check)
	if !found {
		at = slices.Insert(at, i, place{})
	}
	at[i] = p
	b.places[o.Host] = at
	return p.believed
}

func find(at []place, name string) (int, bool) {
	return slices.BinarySearchFunc(at, name, func(p place, name string) int {
		return strings.Compare(p.measured.Check, name)
	})
}

// Believe is o as far as this monitor may be believed now, without posting it.
func (b *Board) Believe(o check.Outcome) check.Outcome {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.trust.believe(o)
}

// Doubt takes the result of a self-check that began at the time given: why the
// monitor may not be believed, or "" for a good one. A bad one casts doubt on
// everything that ended since the last good one, and on what comes, until a good
// one; what began before that one is doubted still.
func (b *Board) Doubt(why string, reason metric.Reason, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trust.hear(why, reason, at)
	if why == "" {
		return
	}
	for _, all := range b.places {
		for i, p := range all {
			if b.trust.open(p.measured) {
				all[i].believed = b.trust.believe(p.measured)
			}
		}
	}
}

// All is a copy of the board, in order of host and check.
func (b *Board) All() []check.Outcome {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := make([]check.Outcome, 0, 4*len(b.hosts))
	for _, h := range b.hosts {
		for _, p := range b.places[h] {
			all = append(all, p.believed)
		}
	}
	return all
}

// Of is a copy of one host's part of the board, in order of check.
func (b *Board) Of(host string) []check.Outcome {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var all []check.Outcome
	for _, p := range b.places[host] {
		all = append(all, p.believed)
	}
	return all
}

// Forget takes these checks of host from the board, all of them if none is named.
func (b *Board) Forget(host string, checks ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := slices.DeleteFunc(b.places[host], func(p place) bool {
		return len(checks) == 0 || slices.Contains(checks, p.measured.Check)
	})
	if len(kept) > 0 {
		b.places[host] = kept
		return
	}
	delete(b.places, host)
	if i, known := slices.BinarySearch(b.hosts, host); known {
		b.hosts = slices.Delete(b.hosts, i, i+1)
	}
}

// trust is what the self-checks said.
type trust struct {
	doubt              // the last doubt, there or not
	doubted  bool      // the last self-check was bad
	fit      time.Time // when the last good one was made
	regained time.Time // when the first good one after the last bad one was made
}

type doubt struct {
	why    string
	reason metric.Reason
}

func (t *trust) hear(why string, reason metric.Reason, at time.Time) {
	if why != "" {
		t.doubt, t.doubted = doubt{why, reason}, true
		return
	}
	if t.doubted {
		t.regained = at
	}
	t.doubted, t.fit = false, at
}

// open says that no good self-check was made since o ended.
func (t *trust) open(o check.Outcome) bool { return o.At.After(t.fit) }

func (t *trust) believe(o check.Outcome) check.Outcome {
	began := o.At.Add(-o.Took)
	if began.Before(t.regained) || t.doubted && t.open(o) {
		o.Verdict = verdict.Doubt(o.Verdict, t.why, t.reason)
	}
	return o
}
