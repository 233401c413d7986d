package ping

import (
	"fmt"
	"strconv"
	"time"

	"milepost/lib/burst"
	"milepost/lib/metric"
)

// Usual is the loss that is usual on a path, and where that is known from.
type Usual struct {
	Loss   float64 // percent
	From   string  // "learned from 4812 packets, the newest 3 min old"; "" = it was given
	Absent string  // why there is no baseline, and Loss is assumed; "" = nothing was there to ask
	Unkept string  // why this run cannot be learnt from; "" = it can, or need not
	Judged bool    // the loss is held against it

	assumed bool
	chain   burst.Chain   // of packets step apart
	step    time.Duration // that chain is of
	tails   []float64     // of as many packets as are judged
}

// usual is what c itself says is usual. Packets closer than burstStep are taken for
// as much alike as at burstStep: how much more alike they are nobody said, and taken
// for more, no loss among them would ever be more than one burst.
func (c Config) usual() Usual {
	loss, given := c.Baseline.Value()
	if !given {
		loss = assumedLoss
	}
	return Usual{
		Loss: loss, Judged: given || !c.limited(), assumed: !given,
		chain: burst.Chain{Loss: loss / 100, Repeat: max(loss/100, c.Burst)}, step: burstStep,
	}
}

// learnt is u from a record of packets step apart, which is not too short.
func (u Usual) learnt(r burst.Record, step time.Duration, from string) Usual {
	u.chain, u.step = r.Chain(), step
	u.Loss, u.From, u.Absent, u.Judged, u.assumed = 100*u.chain.Loss, from, "", true, false
	return u
}

// at is u with its chain of packets that far apart.
func (u Usual) at(spacing time.Duration) Usual {
	u.chain = u.chain.Every(max(float64(spacing)/float64(u.step), 1))
	u.step = max(spacing, u.step)
	return u
}

// over is u for a test of n packets that far apart.
func (u Usual) over(n int, spacing time.Duration) Usual {
	u = u.at(spacing)
	u.tails = u.chain.Tails(n)
	return u
}

// chance is how likely at least k of n packets are lost if all is as usual.
func (u Usual) chance(k, n int) float64 {
	if len(u.tails) != n+1 { // a round was cut short
		u.tails = u.chain.Tails(n)
	}
	return u.tails[k]
}

// text says what the loss is held against.
func (u Usual) text() string {
	switch {
	case u.assumed && u.Absent != "":
		return fmt.Sprintf("no baseline (%s; %s %% assumed)", u.Absent, metric.Format(u.Loss))
	case u.assumed:
		return fmt.Sprintf("no baseline (%s %% assumed)", metric.Format(u.Loss))
	case u.From != "":
		return fmt.Sprintf("baseline %s %% (%s)", strconv.FormatFloat(u.Loss, 'g', 2, 64), u.From)
	default:
		return fmt.Sprintf("baseline %s %%", metric.Format(u.Loss))
	}
}
