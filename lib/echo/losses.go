package echo

import (
	"slices"
	"time"
)

// losses are when answers were dropped because they were not read in time, the latest
// last.
type losses []span

type span struct{ from, to time.Time }

// remembered is how long losses are: until nobody waits any more for an answer that may
// have been among them, however busy the machine is.
const remembered = 30 * time.Second

// add notes a loss. One that begins within a turn after another goes on with it, so
// that a machine which drops for long has few: whoever waits longer than a turn is met
// by the gap's ends anyway.
func (l *losses) add(from, to time.Time) {
	if n := len(*l); n > 0 && from.Sub((*l)[n-1].to) <= longest {
		(*l)[n-1].to = to
		return
	}
	*l = slices.DeleteFunc(*l, func(s span) bool { return from.Sub(s.to) > remembered })
	*l = append(*l, span{from, to})
}

// within says that one overlaps the time between these.
func (l losses) within(from, to time.Time) bool {
	return slices.ContainsFunc(l, func(s span) bool { return s.from.Before(to) && from.Before(s.to) })
}
