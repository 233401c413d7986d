package burst

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// until is how many packets of path o sees before its score reaches s; most if
// it never does.
func until(o *Onset, path Chain, s float64, seed uint64, most int) int {
	random := rand.New(rand.NewPCG(seed, 1))
	lost := false
	for i := range most {
		p := path.start()
		if lost {
			p = path.Repeat
		}
		lost = random.Float64() < p
		if o.Add(lost); o.Score() >= s {
			return i + 1
		}
	}
	return most
}

// 14.8 promises one false alarm in 2.7 million packets.
func TestOnsetStaysQuietWhileNothingChanges(t *testing.T) {
	const most = 500_000
	for _, c := range []Chain{{0.005, 0.33}, {0.02, 0.02}, {0.02, 0.5}, {0.02, 0.8}, {0.1, 0.5}, {0.4, 0.6}} {
		for seed := range uint64(4) {
			if n := until(c.Onset(), c, 14.8, seed, most); n < most {
				t.Errorf("%+v, seed %d: a false alarm after %d packets", c, seed, n)
			}
		}
	}
}

func TestOnsetHearsMoreLoss(t *testing.T) {
	tests := []struct {
		usual, now Chain
		within     int // packets, on average of 20 runs
	}{
		{Chain{0.02, 0.33}, Chain{0.2, 0.33}, 100},
		{Chain{0.02, 0.33}, Chain{0.5, 0.5}, 45},
		{Chain{0.02, 0.5}, Chain{0.2, 0.5}, 130},
		{Chain{0.002, 0.33}, Chain{0.05, 0.33}, 250},
		{Chain{0.1, 0.5}, Chain{0.5, 0.5}, 80},
		{Chain{0, 0.33}, Chain{0.2, 0.33}, 60},
		{Chain{0.9, 0.95}, Chain{0.97, 0.97}, 1500},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.usual, tt.now), func(t *testing.T) {
			sum := 0
			for seed := range uint64(20) {
				sum += until(tt.usual.Onset(), tt.now, 14.8, seed, 100_000)
			}
			if sum/20 > tt.within {
				t.Errorf("heard after %d packets, want within %d", sum/20, tt.within)
			}
		})
	}
}

func TestOnsetCountsABurstOnce(t *testing.T) {
	one, long := Chain{0.02, 0.33}.Onset(), Chain{0.02, 0.33}.Onset()
	one.Add(true)
	for range 50 {
		long.Add(true)
	}
	if one.Score() != long.Score() || one.Score() <= 0 {
		t.Errorf("a burst of 50 scores %v, one lost packet %v", long.Score(), one.Score())
	}
}
