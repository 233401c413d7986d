package history

import (
	"slices"
	"time"

	"milepost/lib/hoststate"
)

// amendable is how far back a state may still be told: a confirmed outage is
// dated back to its first failed round, and an answer that never came to the last
// that did.
const amendable = 2 * 3600

// A track is what is known of a host without asking the disk: the newest hours to
// the second, and sums of what came before.
type track struct {
	segments []segment // in order, none over another
	settled  int64     // what was before is in the sums
	hours    []sum     // the newest, of 24
	days     []sum     // the newest, of 90, in UTC
	dirty    int64     // from when on minutes are not on the disk; never = none
	begun    record    // the minute in which this process started, as the one before left it
	measured []measure // of minutes that are not on the disk yet: of ten thousand hosts, so no map
}

const never = int64(1<<62 - 1)

func newTrack(now int64) *track {
	return &track{settled: floor(now, minute), dirty: never}
}

// A segment is a state for a time, in Unix seconds, the end excluded.
type segment struct {
	from, to int64
	state    hoststate.Status
}

// A sum is what became of a stretch of time that begins at start.
type sum struct {
	start int64
	Seconds
}

// A measure is what was measured in the minute that begins at start, besides the state.
type measure struct {
	start int64
	took  time.Duration // the answer times, added up
	n     int           // how many
	pings Pings
}

// record is m with no word on states.
func (m measure) record() record {
	r := record{start: m.start, pings: m.pings}
	if m.n > 0 {
		r.latency = m.took / time.Duration(m.n)
	}
	return r
}

// measure is that of a minute, good until the next is asked for.
func (t *track) measure(start int64) *measure {
	i := slices.IndexFunc(t.measured, func(m measure) bool { return m.start == start })
	if i < 0 {
		i = len(t.measured)
		t.measured = append(t.measured, measure{start: start})
	}
	return &t.measured[i]
}

// put says that the host was in the state from from to to. What was said of that
// time before, or of later, was wrong.
func (t *track) put(from, to int64, state hoststate.Status) {
	if to < t.settled { // the clock was set back, by hours: what follows is told anew
		t.segments, t.settled = nil, floor(to, minute)
	}
	from = max(from, t.settled, to-amendable)
	if to <= from {
		return
	}
	changed := from
	if n := len(t.segments); n > 0 && t.segments[n-1].holds(from, state) {
		changed = min(t.segments[n-1].to, to)
		t.segments[n-1].to = to
	} else {
		for n > 0 && t.segments[n-1].from >= from {
			n--
		}
		if t.segments = t.segments[:n]; n > 0 {
			t.segments[n-1].to = min(t.segments[n-1].to, from)
		}
		t.segments = append(t.segments, segment{from, to, state})
	}
	t.dirty = min(t.dirty, floor(changed, minute))
	t.settle(floor(to-amendable, minute))
}

// holds says that s is of this state at from already, or up to it.
func (s segment) holds(from int64, state hoststate.Status) bool {
	return s.state == state && s.from <= from && from <= s.to
}

// settle moves what is older than until into the sums.
func (t *track) settle(until int64) {
	for t.settled < until {
		if len(t.segments) == 0 || t.segments[0].from >= until {
			t.settled = until
			return
		}
		from := max(t.settled, floor(t.segments[0].from, minute))
		to := min(until, floor(from, hour)+hour)
		t.count(from, t.between(from, to))
		t.settled = to
		t.segments = slices.DeleteFunc(t.segments, func(s segment) bool { return s.to <= to })
	}
}

// count adds what became of the time at from to its hour and its day.
func (t *track) count(from int64, s Seconds) {
	t.hours = addTo(t.hours, floor(from, hour), s, hoursKept)
	t.days = addTo(t.days, floor(from, day), s, daysKept)
}

func addTo(sums []sum, start int64, s Seconds, most int) []sum {
	if s == (Seconds{}) {
		return sums
	}
	i, found := slices.BinarySearchFunc(sums, start, func(a sum, start int64) int { return int(a.start - start) })
	if !found {
		sums = slices.Insert(sums, i, sum{start: start})
	}
	sums[i].Seconds = sums[i].add(s)
	if len(sums) > most {
		sums = slices.Delete(sums, 0, len(sums)-most)
	}
	return sums
}

// between is what the segments say of the time.
func (t *track) between(from, to int64) Seconds {
	var s Seconds
	for _, one := range t.segments {
		if d := min(to, one.to) - max(from, one.from); d > 0 {
			s[one.state] += uint32(d)
		}
	}
	s[hoststate.Unknown] = 0
	return s
}

// since is what became of the time from from on: from is the beginning of an hour
// of the newest 24, or of a day of the newest 90.
func (t *track) since(sums []sum, from, now int64) Seconds {
	var s Seconds
	for _, one := range sums {
		if one.start >= from && one.start <= now {
			s = s.add(one.Seconds)
		}
	}
	return s.add(t.between(max(from, t.settled), now))
}

// unwritten are the records of minutes that are not on the disk. One without a
// length tells nothing of states.
func (t *track) unwritten() []record {
	var all []record
	until := int64(0)
	if n := len(t.segments); n > 0 {
		until = t.segments[n-1].to
	}
	from := max(t.dirty, t.settled)
	for start := from; start < until; start += minute {
		r := record{start: start}
		if i := slices.IndexFunc(t.measured, func(m measure) bool { return m.start == start }); i >= 0 {
			r = t.measured[i].record()
		}
		r.length, r.states = minute, t.between(start, start+minute)
		if start == t.begun.start {
			r.states = r.states.add(t.begun.states)
		}
		all = append(all, r)
	}
	for _, m := range t.measured {
		if m.start < from || m.start >= until {
			all = append(all, m.record())
		}
	}
	return all
}

// written says that all of unwritten is on the disk. What the minute that is not
// over has so far is told again with the rest of it.
func (t *track) written(now int64) {
	t.dirty = never
	if n := len(t.segments); n > 0 && t.segments[n-1].to > floor(now, minute) {
		t.dirty = max(floor(now, minute), t.settled)
	}
	t.measured = slices.DeleteFunc(t.measured, func(m measure) bool { return m.start != floor(now, minute) })
}

// forget gives up what the disk did not take for too long.
func (t *track) forget(now int64) {
	t.measured = slices.DeleteFunc(t.measured, func(m measure) bool { return m.start < now-amendable || m.start > now+hour })
}
