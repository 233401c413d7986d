package burst

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

var chains = []Chain{
	{0, 0.33},
	{0.005, 0.33},
	{0.02, 0.02},
	{0.02, 0.33},
	{0.02, 0.67},
	{0.1, 0.5},
	{0.33, 0.33},
	{0.5, 0.9},
	{0.97, 0.99},
}

// The oracle is the definition: every one of the 2^n ways that n packets can
// go, each with the chance of its steps.
func TestTailsAreTheSumOverAllWays(t *testing.T) {
	for _, c := range chains {
		for n := range 13 {
			want := make([]float64, n+2)
			for way := range 1 << n {
				chance, losses := 1.0, 0
				for i := range n {
					lost := way>>i&1 == 1
					p := c.Loss
					switch {
					case i > 0 && way>>(i-1)&1 == 1:
						p = c.Repeat
					case i > 0:
						p = c.start()
					}
					if lost {
						losses++
						chance *= p
					} else {
						chance *= 1 - p
					}
				}
				for k := range losses + 1 {
					want[k] += chance
				}
			}
			for k, got := range c.Tails(n) {
				if math.Abs(got-want[k]) > 1e-12 {
					t.Errorf("%+v: P(at least %d of %d) = %v, want %v", c, k, n, got, want[k])
				}
			}
		}
	}
}

func TestTailsOfIndependentLossesAreBinomial(t *testing.T) {
	for _, n := range []int{1, 5, 20, 60, 120} {
		p := big.NewRat(1, 50)
		tail := new(big.Rat)
		tails := Chain{0.02, 0.02}.Tails(n)
		for k := n; k >= 0; k-- {
			term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(k)))
			for range k {
				term.Mul(term, p)
			}
			for range n - k {
				term.Mul(term, new(big.Rat).Sub(big.NewRat(1, 1), p))
			}
			want, _ := tail.Add(tail, term).Float64()
			if math.Abs(tails[k]/want-1) > 1e-9 {
				t.Errorf("P(at least %d of %d) = %v, want %v", k, n, tails[k], want)
			}
		}
	}
}

func TestTailsFallFromOne(t *testing.T) {
	for _, c := range chains {
		for _, n := range []int{0, 1, 20, 200} {
			tails := c.Tails(n)
			if len(tails) != n+1 || tails[0] != 1 {
				t.Fatalf("%+v of %d: %d tails that begin with %v", c, n, len(tails), tails[0])
			}
			mean := 0.0
			for k := 1; k <= n; k++ {
				mean += tails[k] // the mean of a count is the sum of its tails
				if tails[k] > tails[k-1] || tails[k] < 0 {
					t.Errorf("%+v of %d: tail %d is %v after %v", c, n, k, tails[k], tails[k-1])
				}
			}
			if want := float64(n) * c.Loss; math.Abs(mean-want) > 1e-9*float64(n+1) {
				t.Errorf("%+v of %d: loses %v on average, want %v", c, n, mean, want)
			}
		}
	}
}

func TestTailsKnown(t *testing.T) {
	tests := []struct {
		chain Chain
		k, n  int
		want  string
	}{
		{Chain{0.02, 0.33}, 3, 20, "0.037"},
		{Chain{0.02, 0.02}, 3, 20, "0.0071"},
		{Chain{0.02, 0.33}.Every(4), 3, 20, "0.0079"},
		{Chain{0, 0.33}, 1, 20, "0"},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf("%.2g", tt.chain.Tails(tt.n)[tt.k]); got != tt.want {
			t.Errorf("%+v: P(at least %d of %d) = %s, want %s", tt.chain, tt.k, tt.n, got, tt.want)
		}
	}
	// The least number of losses that is rarer than 1 in 1,000, of 20 packets.
	least := []struct {
		chain Chain
		want  int
	}{
		{Chain{0.01, 0.2}, 5},
		{Chain{0.01, 0.33}, 6},
		{Chain{0.01, 0.5}, 8},
		{Chain{0.02, 0.02}, 4},
		{Chain{0.02, 0.33}, 7},
		{Chain{0.02, 0.67}, 13},
		{Chain{0.05, 0.05}, 6},
		{Chain{0.05, 0.33}, 9},
		{Chain{0.1, 0.1}, 8},
		{Chain{0.1, 0.67}, 16},
	}
	for _, tt := range least {
		k := 0
		for tails := tt.chain.Tails(20); tails[k] > 1e-3; {
			k++
		}
		if k != tt.want {
			t.Errorf("%+v: %d of 20 are rarer than 1 in 1,000, want %d", tt.chain, k, tt.want)
		}
	}
}

func TestEvery(t *testing.T) {
	c := Chain{0.02, 0.33}
	two := c.Repeat*c.Repeat + (1-c.Repeat)*c.start() // lost again two steps on, by either way
	tests := []struct {
		name  string
		chain Chain
		steps float64
		want  float64
	}{
		{"the same step", c, 1, 0.33},
		{"twice the step is two steps", c, 2, two},
		{"half and half is one", c.Every(0.5), 2, 0.33},
		{"far apart says nothing", c, 1000, 0.02},
		{"independent stays so", Chain{0.02, 0.02}, 0.1, 0.02},
		{"no loss", Chain{0, 0.33}, 2, 0.1089},
	}
	for _, tt := range tests {
		if got := tt.chain.Every(tt.steps).Repeat; math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
