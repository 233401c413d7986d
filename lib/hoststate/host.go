package hoststate

import (
	"time"

	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// How many rounds in a row change a host's state, and how they are spaced.
const (
	Fall  = 3                // bad ones until it is down, degraded ones until it is degraded
	Rise  = 2                // better ones until it is no longer
	Retry = 10 * time.Second // between the end of a round and a re-round, while Host.Again
)

// RedWithin is how long after a fault a host is shown as down at the latest. The
// worst fault comes just behind a good answer: it waits one interval to be seen,
// then each of the Fall rounds lasts its whole timeout, with again between them.
func RedWithin(interval, timeout, again time.Duration) time.Duration {
	return interval + Fall*timeout + (Fall-1)*again
}

// A Host is what is remembered of one host from round to round. The zero Host
// was never measured. It is a value: Next leaves the old one as it was, so who
// must take a round back keeps the Host from before it.
type Host struct {
	Interval time.Duration // between its rounds: how long they are believed follows from it

	down, poor latch     // is it down; does it work less than well
	recent     history   // does it change too often for one word
	newest     Round     // whatever it said
	measured   time.Time // At of the newest round that was not unknown
	lastKnown  Status    // what it was before we lost sight of it
	lostSince  time.Time // when we did; zero if we never knew
}

// A latch holds a yes or no until enough rounds in a row speak against it.
type latch struct {
	on      bool
	since   time.Time     // the first of the rounds that made it so; zero: nothing was decided yet
	against weight        // of the rounds in a row that spoke against it
	first   time.Time     // the first of those
	why     metric.Reason // of the newest round that said yes
}

// next is the latch after a round that said yes or no with some weight; it takes
// fall to say yes.
func (l latch) next(yes bool, w, fall weight, r Round) latch {
	if yes {
		l.why = r.Reason
	}
	if yes == l.on {
		l.against, l.first = 0, time.Time{}
		return l
	}
	if l.against == 0 {
		l.first = r.At
	}
	l.against += w
	need := fall
	if l.on {
		need = Rise * whole
	}
	if l.against < need {
		return l
	}
	return latch{on: yes, since: l.first, why: l.why}
}

// Next is the host after one more round.
//
//   - A round of a host of which nothing is known that is not bad decides "up" at once:
//     it works. Whether it works less than well is counted from that round on.
//   - Everything else takes Fall rounds in a row to get worse and Rise to get
//     better. Down is left by rounds that are not bad, degraded by good ones; a
//     bad round counts as one that is at least degraded.
//   - An unknown round leaves the counters as they are.
//   - A round that is not newer than the last one is the same evidence: it is not
//     counted twice.
//   - What speaks against a bad round (Round.Disputed, Split, Braked) makes it take
//     more of them to be down, and none fewer to be degraded. Of a host that is down, a
//     disputed round is not bad.
//   - A flapping host is degraded by any round that is not good: it was up for too
//     short to wait for three. Two good ones make it up again all the same.
//   - What was known before a gap longer than the lease is only the last known:
//     after it the host is judged anew.
func (h Host) Next(r Round) Host {
	if !r.At.After(h.newest.At) {
		return h
	}
	h = h.lapsed(r.At)
	h.newest = r
	if r.Status == Unknown {
		return h
	}
	h.measured = r.At
	h.recent = h.recent.next(r.Status)
	if r.Status != Down && !h.decided() {
		h.down, h.poor = latch{since: r.At}, latch{since: r.At}
	}
	fall := Fall * whole
	if h.recent.flapping && h.decided() {
		fall = whole
	}
	if r.Braked {
		fall = r.fall()
	}
	bad := r.Status == Down
	if h.down.on && r.Disputed {
		bad = false // what would have kept it from being down brings it back
	}
	h.down = h.down.next(bad, r.weight(), r.fall(), r)
	h.poor = h.poor.next(r.Status != Up, whole, fall, r)
	if r.Disputed { // the rounds before it prove no more than this one
		h.down.against = min(h.down.against, whole)
	}
	return h
}

// Forsaken is the host when too few vantages see it for any word on it, as r says: what
// it was is the last known, at once.
func (h Host) Forsaken(r Round) Host {
	h = h.forgotten()
	r.At = h.newest.At // what is seen next is news, however old it is
	h.newest = r
	return h
}

// forgotten is the host with nothing left of it but what it was.
func (h Host) forgotten() Host {
	if h.decided() {
		h.lastKnown, _ = h.status()
		h.lostSince = h.measured
	}
	h.down, h.poor, h.recent = latch{}, latch{}, history{}
	return h
}

// decided says that the rounds so far made something of the host. Every round
// that moves down moves poor too, so poor is never decided later.
func (h Host) decided() bool { return !h.poor.since.IsZero() }

// lapsed is h at now: if its newest measurement is too old, nothing of it counts.
func (h Host) lapsed(now time.Time) Host {
	if h.measured.IsZero() || !Lend(h.measured, h.Interval).Over(now) {
		return h
	}
	return h.forgotten()
}

// status is what the host is by its latches, and since when.
func (h Host) status() (Status, time.Time) {
	changed := h.poor.since
	if h.down.since.After(changed) {
		changed = h.down.since
	}
	switch {
	case !h.decided():
		return Unknown, h.lostSince
	case h.down.on:
		return Down, h.down.since
	case h.poor.on:
		return Degraded, changed
	default:
		return Up, changed
	}
}

// Again says that a change is pending, so that the next round should follow
// after Retry. It is no use while the newest round is unknown: the monitor that
// cannot see does not see more by asking its whole fleet more often.
//
// Nor is it where others reach the host: more of our rounds convince nobody.
func (h Host) Again() bool {
	pending := h.poor.against > 0 || h.down.against > 0 && !h.newest.Disputed
	return h.newest.Status != Unknown && pending
}

// Suspect says that the host is down or may be on its way there: now is the time to ask
// others about it, for the next bad round. Who is down is asked about as well, or what
// others say of it would be as old as its outage.
func (h Host) Suspect() bool { return h.down.on || h.down.against >= whole }

// Fell is when the first of the bad rounds came that made the host down, or may;
// zero if it is not failing.
func (h Host) Fell() time.Time {
	switch {
	case h.down.on:
		return h.down.since
	case h.down.against > 0:
		return h.down.first
	default:
		return time.Time{}
	}
}

// A Standing is what a host is at one moment: what presenters spell.
type Standing struct {
	Status    Status
	Since     time.Time     // when it became so: the first round that said so; zero: never known
	CheckedAt time.Time     // the newest round that measured anything; zero: none
	Flapping  bool          // it changes too often for one word
	Reason    metric.Reason // why it is not up; "" if it is
	LastKnown Status        // what it was before it became Unknown, else Unknown
	Latency   time.Duration // the host's answer time; 0 = not measured
	Checks    []Word        // the checks with a role
	Votes     *Votes        // how many vantages see it how; nil = this one alone
	Regions   []string      // where it is down, or was last seen so, if not everywhere
	Work      *Work         // the maintenance that is under way; nil = none
}

// At is what the host is at now.
func (h Host) At(now time.Time) Standing {
	stale := !h.measured.IsZero() && Lend(h.measured, h.Interval).Over(now)
	h = h.lapsed(now)
	s := Standing{
		CheckedAt: h.measured, Latency: h.newest.Latency, Checks: h.newest.Checks,
		Flapping: h.recent.flapping, Votes: h.newest.Votes, Regions: h.newest.Regions,
	}
	s.Status, s.Since = h.status()
	switch s.Status {
	case Down:
		s.Reason = h.down.why
	case Degraded:
		s.Reason = h.poor.why
	case Unknown:
		s.LastKnown, s.Reason = h.lastKnown, h.whyUnknown(stale, now)
	}
	if Lend(h.newest.At, h.Interval).Over(now) {
		s = s.unmeasured()
	}
	return s
}

// whyUnknown is the reason of the rounds that still come, if they tell one, and
// else that there are none.
func (h Host) whyUnknown(stale bool, now time.Time) metric.Reason {
	fresh := !Lend(h.newest.At, h.Interval).Over(now)
	switch {
	case fresh && h.newest.Reason != "" && h.newest.Reason != metric.ReasonNotMeasured:
		return h.newest.Reason
	case stale, h.lastKnown != Unknown:
		return metric.ReasonStale
	default:
		return metric.ReasonNotMeasured
	}
}

// Lapsed is what is left of s when nobody has measured anything for too long:
// nothing but what it was.
func (s Standing) Lapsed() Standing {
	if s.Status == Unknown {
		if s.Reason == "" {
			s.Reason = metric.ReasonNotMeasured
		}
		return s.unmeasured()
	}
	s.LastKnown, s.Status, s.Reason = s.Status, Unknown, metric.ReasonStale
	s.Since = s.CheckedAt
	return s.unmeasured()
}

// unmeasured is s without the figures of a round that no longer counts.
func (s Standing) unmeasured() Standing {
	s.Latency, s.Flapping, s.Votes, s.Regions = 0, false, nil, nil
	checks := make([]Word, len(s.Checks))
	for i, w := range s.Checks {
		checks[i] = Word{w.Check, verdict.Unknown}
	}
	s.Checks = checks
	return s
}
