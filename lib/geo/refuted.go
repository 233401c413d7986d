package geo

import (
	"slices"
	"time"
)

// A Refuted is a pair of places that cannot both be where they are said to be: the
// answer came back sooner than light can go there and back.
type Refuted struct {
	A, B     int // indices of Mesh.Places; A, if it has a say, is the suspect
	Distance float64
	Least    float64 // metres that the two are apart at least, wherever in their places they are
	RTT      time.Duration
	Within   float64 // metres that the two are apart at most, by light in glass
	Vacuum   bool    // not even light in a vacuum
}

// Possible says whether an answer after rtt may come from so far away, in metres:
// through glass, and at all. Only an answer can prove this, and only what it cannot
// be: whoever answers may wait as long as he likes before he does.
func Possible(distance float64, rtt time.Duration) (glass, vacuum bool) {
	return rtt >= Fastest(distance, Fibre), rtt >= Fastest(distance, Light)
}

// Credible is the speed of a path in metres per second between places that far apart,
// at least and at most that far, and between what it may be. Light in glass is an
// upper bound: what seems faster is as near as the places allow, unless they do not
// allow it. Between places that may be one it is no more than a bound: what takes time
// there are access lines and switches, not the way.
func Credible(distance, least, most float64, rtt time.Duration) (value, lo, hi float64) {
	value, lo, hi = Speed(distance, rtt), Speed(least, rtt), Speed(most, rtt)
	if glass, _ := Possible(least, rtt); glass {
		value, hi = min(value, Fibre), min(hi, Fibre)
	}
	if least == 0 {
		hi = Fibre
	}
	return value, lo, hi
}

// Refuted are the pairs that physics refutes, suspects first. One wrong place spoils
// every pair it is in, so the place with the most such pairs, and the largest share of
// its own, is suspected of all of them, then that with the most among the rest: of a
// hundred hosts that one monitor sees, two that cannot be there do not make it wrong.
func (m Mesh) Refuted() []Refuted {
	var found []Refuted
	for _, p := range m.pairs() {
		distance, least, _ := Between(m.Places[p[0]].Point, m.Places[p[1]].Point)
		rtt := m.trips[p]
		if glass, vacuum := Possible(least, rtt); !glass {
			found = append(found, Refuted{p[0], p[1], distance, least, rtt, Fibre * rtt.Seconds() / 2, !vacuum})
		}
	}
	measured := map[int]int{}
	for _, p := range m.pairs() {
		measured[p[0]]++
		measured[p[1]]++
	}
	var all []Refuted
	for len(found) > 0 {
		suspect := mostAccused(found, measured)
		found = slices.DeleteFunc(found, func(r Refuted) bool {
			if r.B == suspect {
				r.A, r.B = r.B, r.A
			}
			if r.A == suspect {
				all = append(all, r)
			}
			return r.A == suspect
		})
	}
	return all
}

// mostAccused is the place for which its pairs among these, times their share of all
// that were measured of it, are most; of several the first.
func mostAccused(pairs []Refuted, measured map[int]int) int {
	count := map[int]int{}
	for _, r := range pairs {
		count[r.A]++
		count[r.B]++
	}
	weight := func(p int) float64 { return float64(count[p]*count[p]) / float64(measured[p]) }
	suspect := none
	for _, r := range pairs {
		for _, p := range [2]int{r.A, r.B} {
			if suspect == none || weight(p) > weight(suspect) || weight(p) == weight(suspect) && p < suspect {
				suspect = p
			}
		}
	}
	return suspect
}
