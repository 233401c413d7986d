package hoststate

import (
	"math"
	"slices"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// Roles says which checks decide a host's state, by name, the first the most
// telling. A check without a role is the operator's: it never touches the state.
type Roles struct {
	Down     []string // CRITICAL: the round is bad; WARNING: it is degraded
	Degraded []string // WARNING or CRITICAL: the round is degraded
}

// lastResort is the check that tells whether a host is up if it has none of
// Roles.Down.
const lastResort = "packet_loss"

// Of is the part of r that concerns a host with these checks. A host with none
// of r.Down is judged by packet_loss, and without that by the first of aimed:
// those of its checks that ask the host itself whether it does its work (a
// resolver's resolver check; not its clock, its path or its drift, whose
// CRITICAL does not mean that the host is down).
func (r Roles) Of(checks, aimed []string) Roles {
	has := func(name string) bool { return slices.Contains(checks, name) }
	down := only(r.Down, has)
	for _, name := range append([]string{lastResort}, aimed...) {
		if len(down) == 0 && has(name) {
			down = []string{name}
		}
	}
	return Roles{
		Down:     down,
		Degraded: only(r.Degraded, func(name string) bool { return has(name) && !slices.Contains(down, name) }),
	}
}

func only(names []string, keep func(string) bool) []string {
	var kept []string
	for _, n := range names {
		if keep(n) && !slices.Contains(kept, n) {
			kept = append(kept, n)
		}
	}
	return kept
}

// A Round is what one asking of all of a host's checks says about the host.
type Round struct {
	// At is when the oldest evidence that decides about up or down was taken. A
	// check that hangs makes its host's rounds old, whatever the others do.
	At      time.Time
	Status  Status        // Up is a good round, Down a bad one
	Reason  metric.Reason // of the worst check with a role; "" if Up
	Latency time.Duration // the host's answer time, of the first down-check that has one; 0 = not measured
	Checks  []Word        // the checks with a role, in their order

	// What speaks against a bad round, and what else others say.
	Disputed bool     // another host reaches this one: it is not down, whatever we see
	Split    bool     // some vantage sees it working
	Braked   bool     // a landslide: the monitor itself is under suspicion
	Votes    *Votes   // nil = this vantage alone
	Regions  []string // where it is down
}

// A weight is how much a round counts on the way to another state.
type weight int

const (
	half  weight = 1 // some vantage sees it otherwise
	whole weight = 2
)

func (r Round) weight() weight {
	if r.Split {
		return half
	}
	return whole
}

// An Opinion is what healthy hosts of other providers answered when they were asked
// to reach a suspect. Who would not ask for us has no opinion.
type Opinion struct{ Reached, Not int }

// Disputes says that somebody reached the suspect: a connection is a proof of life,
// and that somebody else got none is no proof of anything.
func (o Opinion) Disputes() bool { return o.Reached > 0 }

// fall is what bad rounds in a row must weigh to make a host down if r is the last
// of them.
func (r Round) fall() weight {
	switch {
	case r.Disputed:
		return math.MaxInt
	case r.Braked:
		return (Fall + 1) * whole
	default:
		return Fall * whole
	}
}

// A Word is a check's status without its sentence: what the public may see of it.
type Word struct {
	Check  string
	Status verdict.Status
}

// Round is what the latest outcomes of one host say, r being its Roles.Of. A
// down-check that has no outcome yet makes the round unknown, and a host without
// any down-check has no other rounds.
func (r Roles) Round(outcomes []check.Outcome) Round {
	round := Round{Status: Up}
	if len(r.Down) == 0 {
		round.hear(Unknown, metric.ReasonNotMeasured)
	}
	for _, name := range r.Down {
		o := latest(name, outcomes)
		round.hear(ofDownCheck(o.Status), o.Reason)
		round.Checks = append(round.Checks, Word{name, o.Status})
		if !o.At.IsZero() && (round.At.IsZero() || o.At.Before(round.At)) {
			round.At = o.At
		}
		if round.Latency == 0 {
			round.Latency = latency(o)
		}
	}
	for _, name := range r.Degraded {
		o := latest(name, outcomes)
		round.hear(ofDegradedCheck(o.Status), o.Reason)
		round.Checks = append(round.Checks, Word{name, o.Status})
	}
	return round
}

// hear takes one check's word into the round. Down outweighs what we failed to
// see, and that outweighs Degraded: a host that may be down is not called slow.
func (r *Round) hear(s Status, why metric.Reason) {
	weight := map[Status]int{Up: 0, Degraded: 1, Unknown: 2, Down: 3}
	if weight[s] > weight[r.Status] {
		r.Status, r.Reason = s, why
	}
}

func ofDownCheck(s verdict.Status) Status {
	switch s {
	case verdict.OK:
		return Up
	case verdict.Warning:
		return Degraded
	case verdict.Critical:
		return Down
	default:
		return Unknown
	}
}

func ofDegradedCheck(s verdict.Status) Status {
	if s == verdict.Warning || s == verdict.Critical {
		return Degraded
	}
	return Up // UNKNOWN changes nothing here
}

// latest is the newest outcome of the check; UNKNOWN without a time if there is none.
func latest(name string, outcomes []check.Outcome) check.Outcome {
	newest := check.Outcome{Check: name, Verdict: verdict.Verdict{
		Status: verdict.Unknown, Reason: metric.ReasonNotMeasured,
	}}
	for _, o := range outcomes {
		if o.Check == name && o.At.After(newest.At) {
			newest = o
		}
	}
	return newest
}

// answers are the samples that are the time of an answer. An offset of a clock is in
// seconds, too, and so is how long a look-up stalls.
var answers = [...]string{"time", "rtt", "rtt_min", "rtt_median"}

// latency is the dearest of the answer times that a check which got its answer
// measured: samples come the dearest first.
func latency(o check.Outcome) time.Duration {
	if o.Status != verdict.OK && o.Status != verdict.Warning {
		return 0
	}
	for _, f := range o.Findings {
		if f.Unit == metric.Seconds && slices.Contains(answers[:], f.Name) && f.Value > 0 && !math.IsInf(f.Value, 1) {
			return time.Duration(f.Value * float64(time.Second))
		}
	}
	return 0
}
