package burst

import (
	"math"
	"time"
)

// A Record is what was seen of a path: how many packets, by what became of the one
// before. They are fractions once some of it is forgotten. The zero Record has seen
// nothing.
type Record struct {
	Kept    float64 `json:"after_kept"`      // packets after a kept one
	Starts  float64 `json:"lost_after_kept"` // of these, lost: bursts that started
	Lost    float64 `json:"after_lost"`      // packets after a lost one
	Repeats float64 `json:"lost_after_lost"` // of these, lost
}

// What a path is taken for before anything is known of it: as if one burst had
// started within 500 packets, and a third of its packets were lost after a lost one.
const (
	priorStarts, priorKept  = 0.5, 250
	priorRepeats, priorLost = 1, 3
)

// HalfLife is how long it takes until what was seen counts half.
const HalfLife = 7 * 24 * time.Hour

// Add takes a packet, and what became of the one before it.
func (r *Record) Add(before, lost bool) {
	count, lostOf := &r.Kept, &r.Starts
	if before {
		count, lostOf = &r.Lost, &r.Repeats
	}
	*count++
	if lost {
		*lostOf++
	}
}

// Packets is how many packets r is of.
func (r Record) Packets() float64 { return r.Kept + r.Lost }

// After is r when that much time has gone by: it forgets by HalfLife.
func (r Record) After(d time.Duration) Record {
	left := math.Exp2(-max(d, 0).Seconds() / HalfLife.Seconds())
	return Record{r.Kept * left, r.Starts * left, r.Lost * left, r.Repeats * left}
}

// Valid says that r can have been seen.
func (r Record) Valid() bool {
	const most = 1e15
	return r.Starts >= 0 && r.Starts <= r.Kept && r.Kept < most && r.Repeats >= 0 && r.Repeats <= r.Lost && r.Lost < most
}

// Chain is the path that r speaks of.
func (r Record) Chain() Chain {
	start := (r.Starts + priorStarts) / (r.Kept + priorKept)
	repeat := (r.Repeats + priorRepeats) / (r.Lost + priorLost)
	loss := start / (start + 1 - repeat)
	return Chain{Loss: loss, Repeat: max(loss, repeat)}
}
