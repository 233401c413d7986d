package clock

import (
	"math"
	"time"
)

const (
	// maxSlew is how fast two clocks may drift apart without one of them being
	// set: MAXFREQ of RFC 5905, section 7.2, 500 ppm.
	maxSlew = 500e-6

	// settle is by how much the time between two answers must exceed the
	// resolution until an answer that did not change can only come from a cache.
	settle = 200 * time.Millisecond

	// maxAge is the age of the oldest answer that net-snmp gives: it keeps the
	// output of "pass" for 30 s (NETSNMP_EXCACHETIME), of "extend" for 5 s, and
	// both times in whole seconds.
	maxAge = 31 * time.Second

	unbounded = time.Duration(math.MaxInt64)
)

// A reading is one answer to "what time is it?". If it was made for the question
// and is not a copy of an older one, the host's clock minus the monitor's lies
// between lo and hi.
type reading struct {
	value          time.Time     // what the host said
	resolution     time.Duration // the host's clock stood between value and value+resolution
	sent, received instant
	rtt            time.Duration
	lo, hi         time.Duration
}

// read is the reading of an answer that tells one time and not when it was
// looked at. The host looked between sent and received, when its clock showed
// value and the part of a second that the answer leaves out; so offset is in
// [value-received, value+resolution-sent] (Cristian 1989, with a resolution).
func read(value time.Time, resolution time.Duration, sent, received instant) reading {
	return reading{
		value: value, resolution: resolution, sent: sent, received: received,
		rtt: received.since(sent),
		lo:  value.Sub(received.wall),
		hi:  value.Add(resolution).Sub(sent.wall),
	}
}

// A tracker makes one interval of many readings.
//
// A source may answer from a cache: net-snmp's extend and pass do. An old answer
// makes the host look late and never early. So lo, "at least so far ahead", holds
// whatever the age of the answers; hi holds only for fresh ones. An answer is
// known to be fresh once the value was seen to move on as the time did; it is
// known to be old if the value stood still for longer than its resolution, or
// then jumped. Until either is known, lateness proves nothing. (One thing is not
// told apart: a cache of a second that others keep filling looks like a clock that
// is late by as much.)
type tracker struct {
	live  bool // no answer can be old: the protocol makes each for its question
	fresh bool // once the value was seen to move, the first answer was not old either

	n         int
	lo        time.Duration
	hi        time.Duration // if the answers are fresh
	bracket   time.Duration // the same, whatever their age: a value is younger than the answer before it
	rtt       time.Duration // the least
	confirmed bool          // the answers are fresh
	cached    bool          // some were not
	set       bool          // somebody set the host's clock meanwhile
	still     time.Duration // for how long the present value was seen
	since     instant       // when it was first seen
	last      reading
}

// add takes the next answer into account.
func (t *tracker) add(r reading) {
	if t.n++; t.n == 1 {
		t.start(r)
		return
	}
	t.rtt = min(t.rtt, r.rtt)
	t.grow(r.received.since(t.last.received))
	switch {
	case r.value.Before(t.last.value), t.live && (r.lo > t.hi || r.hi < t.lo):
		t.restart(r)
	case r.value.Equal(t.last.value):
		t.unchanged(r)
	default:
		t.changed(r)
	}
	if lo, hi, age := t.interval(); age == 0 && lo > hi {
		t.restart(r)
	}
	t.last = r
}

// start knows r alone.
func (t *tracker) start(r reading) {
	t.lo, t.hi, t.bracket, t.rtt = r.lo, r.hi, unbounded, r.rtt
	t.confirmed = t.live
	t.since, t.last = r.received, r
}

// restart forgets what was known of a clock that was set.
func (t *tracker) restart(r reading) {
	t.set = true
	t.start(r)
}

// grow widens what was known by what the clocks may have drifted meanwhile.
func (t *tracker) grow(meanwhile time.Duration) {
	drift := time.Duration(maxSlew * float64(meanwhile))
	t.lo -= drift
	t.hi += drift
	if t.bracket != unbounded {
		t.bracket += drift
	}
}

// unchanged learns from an answer that says what the one before it said.
func (t *tracker) unchanged(r reading) {
	t.still = r.received.since(t.since)
	switch {
	case r.sent.since(t.last.received) > r.resolution+settle:
		t.cached = true
	case t.confirmed:
		t.hi = min(t.hi, r.hi) // the next tick was still to come
	}
}

// changed learns from an answer that says a later time than the one before it.
func (t *tracker) changed(r reading) {
	t.since = r.received
	jumped := r.lo > t.last.hi || r.hi < t.lo
	t.lo = max(t.lo, r.lo)
	t.bracket = min(t.bracket, r.value.Add(r.resolution).Sub(t.last.sent.wall))
	switch {
	case t.cached, jumped:
		t.cached = true
		return
	case t.confirmed, t.fresh:
		t.hi = min(t.hi, r.hi)
	default:
		t.hi = r.hi // the first answer may have been old
	}
	t.confirmed = true
}

// interval is where the host's clock minus the monitor's lies if the answers are
// no older than they seem; age is by how much they may be.
func (t *tracker) interval() (lo, hi, age time.Duration) {
	switch {
	case t.cached && t.bracket != unbounded:
		return t.lo, t.bracket, 0
	case t.cached:
		return t.lo, t.hi, maxAge
	case t.confirmed:
		return t.lo, t.hi, 0
	default:
		return t.lo, t.hi, unbounded
	}
}

// next says how long after at the next question should be sent: soon is the
// first moment that tells anything, best the one that tells most.
//
// A question to what may be a cache must be late enough for the value to have
// changed: that tells a cache from a clock, and a cache of a second gives nothing
// old then. Best is when half of what is possible says that the question will
// arrive before a tick of the host's clock and half that it will arrive behind it:
// each answer then halves the interval, until it is as wide as the round trip.
func (t *tracker) next(at instant) (soon, best time.Duration) {
	if t.cached || !t.confirmed || !t.live && !t.fresh {
		soon = max(0, t.last.resolution+settle+t.rtt-at.since(t.last.received))
	}
	if t.cached || t.last.resolution < time.Millisecond {
		return soon, soon
	}
	arrival := at.wall.Add(soon + t.rtt/2 + t.lo + (t.hi-t.lo)/2) // on the host's clock
	tick := arrival.Truncate(t.last.resolution)
	if tick.Before(arrival) {
		tick = tick.Add(t.last.resolution)
	}
	return soon, soon + tick.Sub(arrival)
}
