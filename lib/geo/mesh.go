package geo

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"
)

// A Mesh is places and the least round trips between them.
type Mesh struct {
	Places []Place
	trips  map[[2]int]time.Duration // by indices of Places, the smaller first
}

// Add takes a round trip from one place to another, by their indices in Places. Both
// directions of a pair cross the same two one-way paths, so the smaller round trip
// is the pair's.
func (m *Mesh) Add(from, to int, rtt time.Duration) {
	if from == to || rtt <= 0 {
		return
	}
	if m.trips == nil {
		m.trips = map[[2]int]time.Duration{}
	}
	p := pair(from, to)
	if known, ok := m.trips[p]; !ok || rtt < known {
		m.trips[p] = rtt
	}
}

// RTT is the round trip between two places; false if nobody measured it.
func (m Mesh) RTT(a, b int) (time.Duration, bool) {
	rtt, ok := m.trips[pair(a, b)]
	return rtt, ok
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// pairs are the measured ones in the order of Places.
func (m Mesh) pairs() [][2]int {
	all := make([][2]int, 0, len(m.trips))
	for p := range m.trips {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return all
}

// none is the index of no place.
const none = -1

// A Detour is a pair of places whose packets go a long way round, or could be faster
// through a third place.
type Detour struct {
	A, B     int // indices of Mesh.Places
	Distance float64
	RTT      time.Duration

	TooSlow bool // rule D1: no usual path of that length takes as long

	Relay  int           // the place through which it would be fastest; -1 = no gain that counts
	Gain   time.Duration // rule D2: what going through Relay saves
	Faster time.Duration // the round trip through Relay

	Via     int           // rule D3: the place that it probably goes through already; -1 = none that explains it
	Through time.Duration // the round trip through Via
}

// Detours are the pairs that rule D1 or D2 names, in the order of Places.
//
// D1: the round trip is longer than Slowest. D2: through a third place it is shorter
// by more than 10 ms and more than a tenth (a violation of the triangle inequality:
// Lumezanu et al., "Triangle Inequality and Routing Policy Violations in the
// Internet", PAM 2009). D3, asked only where D1 or D2 spoke because it is right by
// chance too often: going through a third place that is far out of the way takes
// just as long, to within 2 ms or 2 %.
func (m Mesh) Detours() []Detour {
	var all []Detour
	n := m.net()
	for _, p := range m.pairs() {
		if d := m.detour(n, p[0], p[1]); d.TooSlow || d.Relay != none {
			all = append(all, m.explain(n, d))
		}
	}
	return all
}

const (
	leastGain   = 10 * time.Millisecond
	gainShare   = 10 // of the round trip: a tenth
	leastMatch  = 2 * time.Millisecond
	matchShare  = 50 // of the round trip: 2 %
	farOutOfWay = 2  // times the direct distance
)

// detour is what D1 and D2 say of a pair.
func (m Mesh) detour(n net, a, b int) Detour {
	distance, _, most := Between(m.Places[a].Point, m.Places[b].Point)
	rtt := m.trips[pair(a, b)]
	d := Detour{A: a, B: b, Distance: distance, RTT: rtt, TooSlow: rtt > Slowest(most), Relay: none, Via: none}
	for c, through := range n.relays(a, b) {
		gain := rtt - through
		if gain > leastGain && gain > rtt/gainShare && gain > d.Gain {
			d.Relay, d.Gain, d.Faster = c, gain, through
		}
	}
	return d
}

// explain is d with what D3 says.
func (m Mesh) explain(n net, d Detour) Detour {
	match := max(leastMatch, d.RTT/matchShare)
	for c, through := range n.relays(d.A, d.B) {
		long := Distance(m.Places[d.A].Point, m.Places[c].Point) + Distance(m.Places[c].Point, m.Places[d.B].Point)
		if off := (through - d.RTT).Abs(); off <= match && long >= farOutOfWay*d.Distance {
			if d.Via == none || off < (d.Through-d.RTT).Abs() {
				d.Via, d.Through = c, through
			}
		}
	}
	return d
}

// A net is a mesh as its places see it: who has a round trip to whom, in order. To
// look for a third place for each of a million pairs in a map would take seconds.
type net [][]reach

// A reach is a place that another has a round trip to.
type reach struct {
	place int
	rtt   time.Duration
}

func (m Mesh) net() net {
	n := make(net, len(m.Places))
	for p, rtt := range m.trips {
		n[p[0]] = append(n[p[0]], reach{p[1], rtt})
		n[p[1]] = append(n[p[1]], reach{p[0], rtt})
	}
	for _, all := range n {
		slices.SortFunc(all, func(a, b reach) int { return a.place - b.place })
	}
	return n
}

// relays are the third places that both a and b have a round trip to, with the sum of the two.
func (n net) relays(a, b int) iter.Seq2[int, time.Duration] {
	return func(yield func(int, time.Duration) bool) {
		from, to := n[a], n[b]
		for len(from) > 0 && len(to) > 0 {
			switch x, y := from[0], to[0]; {
			case x.place < y.place:
				from = from[1:]
			case x.place > y.place:
				to = to[1:]
			case !yield(x.place, x.rtt+y.rtt):
				return
			default:
				from, to = from[1:], to[1:]
			}
		}
	}
}

// Rules are the names of the rules that found d: "D1, D2, D3".
func (d Detour) Rules() string {
	rules := ""
	for i, says := range []bool{d.TooSlow, d.Relay != none, d.Via != none} {
		if says {
			if rules != "" {
				rules += ", "
			}
			rules += fmt.Sprintf("D%d", i+1)
		}
	}
	return rules
}
