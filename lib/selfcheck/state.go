package selfcheck

import (
	"iter"
	"net/netip"
	"time"

	"milepost/lib/metric"
)

// A Sight is how far this monitor may be believed. Its failures count only if it
// is OK; its successes always do.
type Sight int

// The sights. The zero Sight is Blind: who was not shown to see, does not.
const (
	Blind    Sight = iota // it cannot see
	Impaired              // it sees, by a second way or but for this interval
	OK
)

// String is the word of status.json's monitor.status.
func (s Sight) String() string {
	switch s {
	case OK:
		return "ok"
	case Impaired:
		return "impaired"
	default:
		return "blind"
	}
}

// The tests.
const (
	Route    = "route"
	Resolver = "resolver"
	Clock    = "clock"
	Control  = "control"
	Lag      = "lag"
	Paths    = "paths"
)

// A Test is how one test went.
type Test struct {
	Name   string        // Route, Resolver, Clock, Control, Lag or Paths
	Why    string        // it failed: the sentence for a person; "" = it passed
	Reason metric.Reason // what the public is told if it failed
	Took   time.Duration
}

// A State is the result of one self-check. The zero State is of a monitor that has
// not looked yet.
type State struct {
	Sight  Sight
	Why    string        // all that failed, in a sentence; "" if Sight is OK
	Reason metric.Reason // of the worst that failed
	Tests  []Test        // those that were made
	Notes  []string      // for the log: what casts no doubt, and should be mended
	At     time.Time     // when it began
	Took   time.Duration

	lying  bool             // the machine's own resolver invents addresses
	failed bool             // the machine's own resolver cannot be used
	others []netip.AddrPort // the other resolvers that can, nil if not tested
	liars  []netip.AddrPort // those that invent addresses
}

// Reasons are those of all tests that failed, the worst first.
func (s State) Reasons() []metric.Reason {
	var all []metric.Reason
	for _, t := range s.Tests {
		if t.Why != "" {
			all = append(all, t.Reason)
		}
	}
	return all
}

// Samples are monitor_trusted for each test of the last self-check and for all of
// it, and vantage_info. What is not tested has no series: it is neither trusted nor
// doubted.
func (k *Checker) Samples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		place := metric.Sample{
			Metric: "vantage_info", Help: "The place this monitor looks from.", Value: 1,
			Labels: []string{"vantage", k.Vantage.Name, "provider", k.Vantage.Provider, "region", k.Vantage.Region},
		}
		if !yield(place) {
			return
		}
		last := k.Last()
		if last.At.IsZero() {
			return
		}
		for _, t := range last.Tests {
			if !yield(trusted(t.Name, t.Why == "")) {
				return
			}
		}
		yield(trusted("all", last.Sight == OK))
	}
}

func trusted(test string, yes bool) metric.Sample {
	s := metric.Sample{
		Metric: "monitor_trusted", Labels: []string{"test", test},
		Help: "Whether this monitor passed a test of itself (1) or not (0); all is 1 if it passed them all.",
	}
	if yes {
		s.Value = 1
	}
	return s
}
