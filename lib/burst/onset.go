package burst

import "math"

// An Onset adds up the evidence that a path has begun to lose more than its
// chain says: E. S. Page's cumulative sum (1954) over the starts of bursts. A
// burst counts once however long it is, because a sum over every lost packet of
// it gives hundreds of times the false alarms.
//
// The score is in natural units: alarms at a score of s come, while nothing has
// changed, no oftener than once in e^s packets. 14.8 is once in 30 days of a
// packet a second; of a fleet of 250 paths, 20.3 is.
type Onset struct {
	onStart, onNone float64 // what a packet that follows a kept one adds: lost, not lost
	score           float64
	lost            bool // the packet before was
}

// Changes of chance that an Onset is tuned to: from the chain's to 10 points or
// to three times more, whichever is more. Below leastStart a single loss would
// settle it.
const (
	rise       = 0.10
	times      = 3
	leastStart = 0.001
)

// Onset watches for more loss than c has.
func (c Chain) Onset() *Onset {
	usual := max(c.start(), leastStart)
	risen := min(max(c.Loss+rise, times*c.Loss), (1+c.Loss)/2) // below 1, however much is usual
	more := Chain{Loss: risen, Repeat: c.Repeat}.start()       // as long bursts, but oftener
	more = min(max(more, times*usual), (1+usual)/2)
	return &Onset{onStart: math.Log(more / usual), onNone: math.Log((1 - more) / (1 - usual))}
}

// Add takes the next packet, in the order of sending.
func (o *Onset) Add(lost bool) {
	switch {
	case o.lost: // within a burst, or at its end: says nothing of how often bursts start
	case lost:
		o.score += o.onStart
	default:
		o.score = max(0, o.score+o.onNone)
	}
	o.lost = lost
}

// Score is the evidence so far, from 0.
func (o *Onset) Score() float64 { return o.score }
