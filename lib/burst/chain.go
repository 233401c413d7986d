// Package burst is the arithmetic of packets that are lost in bursts: how
// likely a loss is for a path that usually loses some (Chain), how well a few
// packets tell it (Wilson), and whether it has become more than usual (Onset).
//
// Losses come in bursts, so a test that takes packets for independent cries
// wolf: at 2 % loss in bursts of two, a binomial test set to 1 false alarm in
// 1,000 gives 27.
package burst

import "math"

// A Chain is the two-state Markov chain of E. N. Gilbert, "Capacity of a
// burst-noise channel" (1960), in its stationary state: whether a packet is lost
// depends on whether the packet before it was.
type Chain struct {
	Loss   float64 // the chance that a packet is lost, 0 <= Loss < 1
	Repeat float64 // the same if the packet before it was, Loss <= Repeat < 1; Loss = independent
}

// start is the chance that a packet is lost if the packet before it was not:
// that a burst starts.
func (c Chain) start() float64 { return c.Loss * (1 - c.Repeat) / (1 - c.Loss) }

// Every is c seen only every so many steps, which may be a fraction: the later
// a packet is sent, the less the one before it tells of it. The correlation of
// packets d steps apart is (Repeat - start)^d.
func (c Chain) Every(steps float64) Chain {
	c.Repeat = c.Loss + (1-c.Loss)*math.Pow(max(c.Repeat-c.start(), 0), steps)
	return c
}

// Tails gives, at index k, the chance that at least k of n packets are lost, k
// from 0 to n. It is exact, in n*n steps: the chance of every number of losses
// is carried from packet to packet, apart for a last packet lost and not lost.
func (c Chain) Tails(n int) []float64 {
	tails := make([]float64, n+1)
	tails[0] = 1
	if n == 0 {
		return tails
	}
	start, repeat := c.start(), c.Repeat
	kept, lost := make([]float64, n+1), make([]float64, n+1)
	kept[0], lost[1] = 1-c.Loss, c.Loss
	for sent := 2; sent <= n; sent++ {
		for k := sent; k > 0; k-- { // downwards, so that k-1 is still of the packet before
			kept[k] = kept[k]*(1-start) + lost[k]*(1-repeat)
			lost[k] = kept[k-1]*start + lost[k-1]*repeat
		}
		kept[0] *= 1 - start
	}
	sum := 0.0
	for k := n; k > 0; k-- { // the small ones first, so that none is swallowed
		sum += kept[k] + lost[k]
		tails[k] = min(sum, 1)
	}
	return tails
}
