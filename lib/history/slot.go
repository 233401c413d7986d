package history

import (
	"cmp"
	"math"
	"slices"
	"time"

	"milepost/lib/hoststate"
)

// Seconds is how long a host was in each state, by hoststate.Status. Nobody
// keeps those of Unknown: they are what the others leave of the time.
type Seconds [5]uint32

// Known is how long the host was seen to work or not: up, degraded or down.
func (s Seconds) Known() uint32 {
	return s[hoststate.Up] + s[hoststate.Degraded] + s[hoststate.Down]
}

// add is s and o together.
func (s Seconds) add(o Seconds) Seconds {
	for i := range s {
		s[i] += o[i]
	}
	return s
}

// of is s with what length leaves of it as Unknown.
func (s Seconds) of(length int64) Seconds {
	s[hoststate.Unknown] = 0
	known := s.Known() + s[hoststate.Maintenance]
	s[hoststate.Unknown] = uint32(max(length-int64(known), 0))
	return s
}

// Quantiles are those of the round trips that are kept, the least and the
// greatest among them.
func Quantiles() [7]float64 { return [7]float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 1} }

// weights are how much of all round trips each of Quantiles stands for: half of
// what lies between it and its neighbours.
func weights() (w [7]float64) {
	q := Quantiles()
	for i := range q {
		before, after := max(i-1, 0), min(i+1, len(q)-1)
		w[i] = (q[after] - q[before]) / 2
	}
	return w
}

// Pings is what became of the packets of a stretch of time.
type Pings struct {
	Sent, Lost uint32
	RTT        [7]time.Duration // at Quantiles; all zero if none came back
}

// NewPings sums packets up: how many went out, how many of those were lost, and
// how long each of the others took.
func NewPings(sent, lost uint32, rtts []time.Duration) Pings {
	p := Pings{Sent: sent, Lost: lost}
	if len(rtts) == 0 {
		return p
	}
	sorted := slices.Sorted(slices.Values(rtts))
	for i, q := range Quantiles() {
		p.RTT[i] = sorted[int(math.Round(q*float64(len(sorted)-1)))]
	}
	return p
}

// MergePings is several stretches as one. The least, the greatest and the counts
// are exact; the quantiles between are as near as seven points of each let them be.
func MergePings(parts ...Pings) Pings {
	type point struct {
		rtt    time.Duration
		weight float64
	}
	var all Pings
	var points []point
	total, weights := 0.0, weights()
	for _, p := range parts {
		all.Sent += p.Sent
		all.Lost += p.Lost
		got := float64(p.Sent) - float64(p.Lost)
		if p.RTT[6] == 0 || got <= 0 {
			continue
		}
		for i, rtt := range p.RTT {
			points = append(points, point{rtt, got * weights[i]})
			total += got * weights[i]
		}
	}
	if len(points) == 0 {
		return all
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.rtt, b.rtt) })
	quantiles, next, below := Quantiles(), 0, 0.0
	for _, p := range points {
		below += p.weight
		for next < len(quantiles) && below >= quantiles[next]*total {
			all.RTT[next] = p.rtt
			next++
		}
	}
	for ; next < len(quantiles); next++ { // what rounding left over
		all.RTT[next] = points[len(points)-1].rtt
	}
	all.RTT[6] = points[len(points)-1].rtt
	return all
}

// A Slot is what is known of one host in one stretch of time.
type Slot struct {
	Start   time.Time
	Length  time.Duration
	States  Seconds       // Unknown included: they add up to Length
	Latency time.Duration // its answer time, the mean of those measured; 0 = none was
	Pings   Pings
}

// record is a Slot as it is kept: times are Unix seconds, and unknown is absence.
type record struct {
	start, length int64
	states        Seconds
	latency       time.Duration
	pings         Pings
}

func (r record) slot() Slot {
	return Slot{
		Start: time.Unix(r.start, 0).UTC(), Length: time.Duration(r.length) * time.Second,
		States: r.states.of(r.length), Latency: r.latency, Pings: r.pings,
	}
}

// merge is records, each within it, as one of the stretch from start.
func merge(start, length int64, parts []record) record {
	whole := record{start: start, length: length}
	var latencies time.Duration
	var measured time.Duration
	pings := make([]Pings, 0, len(parts))
	for _, p := range parts {
		whole.states = whole.states.add(p.states)
		if p.latency > 0 {
			latencies += p.latency
			measured++
		}
		if p.pings.Sent > 0 {
			pings = append(pings, p.pings)
		}
	}
	if measured > 0 {
		whole.latency = latencies / measured
	}
	if len(pings) == 1 {
		whole.pings = pings[0]
	} else {
		whole.pings = MergePings(pings...)
	}
	return whole
}

// regroup merges records, in order of time, into ones of length at its multiples.
// One that is longer stays as it is.
func regroup(parts []record, length int64) []record {
	var all []record
	for begin := 0; begin < len(parts); {
		p := parts[begin]
		if p.length >= length {
			all = append(all, p)
			begin++
			continue
		}
		start := floor(p.start, length)
		end := begin
		for end < len(parts) && parts[end].length < length && floor(parts[end].start, length) == start {
			end++
		}
		all = append(all, merge(start, length, parts[begin:end]))
		begin = end
	}
	return all
}

// floor is the multiple of step at or before t.
func floor(t, step int64) int64 {
	if t < 0 {
		return -ceil(-t, step)
	}
	return t - t%step
}

// ceil is the multiple of step at or after t.
func ceil(t, step int64) int64 { return floor(t+step-1, step) }
