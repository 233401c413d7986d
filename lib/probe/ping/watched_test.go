package ping

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"milepost/lib/burst"
)

// A simulation is a stream whose packets are lost as a chain says.
type simulation struct {
	*flow
	config Config
	path   burst.Chain
	random *rand.Rand
	lost   bool
	n      int
}

func simulate(path burst.Chain, seed uint64) *simulation {
	c := Default()
	c.Spacing = time.Second
	s := &Streams{Interval: time.Minute}
	return &simulation{flow: s.flow(target(), c), config: c, path: path, random: rand.New(rand.NewPCG(seed, 7))}
}

// next settles a packet, and each minute holds what comes against what was learnt.
func (s *simulation) next() {
	if s.n%60 == 0 {
		s.hold(s.config)
		s.forget(60)
	}
	s.n++
	chance := s.path.Loss * (1 - s.path.Repeat) / (1 - s.path.Loss)
	if s.lost {
		chance = s.path.Repeat
	}
	s.lost = s.random.Float64() < chance
	p := packet{state: answered, rtt: 800_000}
	if s.lost {
		p = packet{state: lost}
	}
	s.settle(p)
}

// usualPaths lose 2 % as they always did: each packet for itself, in short bursts and in
// long ones.
func usualPaths() []burst.Chain {
	return []burst.Chain{{Loss: 0.02, Repeat: 0.02}, {Loss: 0.02, Repeat: 0.33}, {Loss: 0.02, Repeat: 0.5}}
}

// In the mean a path as usual raises at most one alarm in a month.
func TestAStreamIsQuiet(t *testing.T) {
	const month = 30 * 24 * 3600 // packets
	alarms, months := 0, usualPaths()
	for i, usual := range months {
		s, state := simulate(usual, uint64(i)), burst.Usual
		for range month {
			s.next()
			if now := s.watch.State(); now != state {
				if state = now; state != burst.Usual {
					alarms++
				}
			}
		}
	}
	if alarms > len(months) {
		t.Errorf("%d false alarms in %d months", alarms, len(months))
	}
}

// When 2 % become 20 % it is known within two minutes in the mean, and but for the
// longest bursts nine times of ten; an hour has taught what is usual.
func TestAStreamIsQuick(t *testing.T) {
	const runs = 100
	for i, usual := range usualPaths() {
		took := make([]int, runs)
		sum := 0
		for seed := range took {
			s := simulate(usual, uint64(seed))
			for range 3600 {
				s.next()
			}
			s.path = burst.Chain{Loss: 0.2, Repeat: max(0.2, usual.Repeat)}
			for s.watch.State() == burst.Usual {
				s.next()
				took[seed]++
			}
			sum += took[seed]
		}
		slices.Sort(took)
		mean, p90 := sum/runs, took[runs*9/10]
		if mean > 120 || p90 > []int{120, 120, 180}[i] {
			t.Errorf("%+v: 20 %% are found after %d s, nine times of ten within %d s", usual, mean, p90)
		}
	}
}
