package ping

import (
	"math"
	"slices"
	"time"

	"milepost/lib/metric"
)

// A distribution is how often which round trip was seen. The zero one is empty.
type distribution struct {
	count   uint64
	sum     time.Duration
	keys    []int16 // ascending; of buckets as Prometheus' native histograms of schema 3 have them
	counts  []uint32
	classic [classicBounds]uint32 // not cumulated
}

const (
	// perOctave is 2^schema: a bucket ends 9 % above its beginning.
	schema, perOctave = 3, 8
	// leastRTT is what is taken for zero.
	leastRTT = 100 * time.Nanosecond
	// classicBounds bounds from firstBound on, each twice the one before: the last is
	// 26 s. What takes longer is in none.
	classicBounds = 20
	firstBound    = 50 * time.Microsecond
)

// add counts one round trip.
func (d *distribution) add(rtt time.Duration) {
	d.count++
	d.sum += rtt
	bound := firstBound
	for i := range d.classic {
		if rtt <= bound {
			d.classic[i]++
			break
		}
		bound *= 2
	}
	key := int16(math.MinInt16) // zero
	if rtt > leastRTT {
		key = int16(math.Ceil(math.Log2(rtt.Seconds()) * perOctave))
	}
	i, found := slices.BinarySearch(d.keys, key)
	if !found {
		d.keys, d.counts = slices.Insert(d.keys, i, key), slices.Insert(d.counts, i, 0)
	}
	d.counts[i]++
}

// into fills h, whose slices are used again.
func (d *distribution) into(h *metric.Histogram) {
	h.Count, h.Sum, h.Zero, h.Schema, h.ZeroUpTo = d.count, d.sum.Seconds(), 0, schema, leastRTT.Seconds()
	h.Buckets, h.Classic = h.Buckets[:0], h.Classic[:0]
	for i, key := range d.keys {
		if key == math.MinInt16 {
			h.Zero = uint64(d.counts[i])
			continue
		}
		h.Buckets = append(h.Buckets, metric.Bucket{Key: int(key), Count: uint64(d.counts[i])})
	}
	bound, below := firstBound, uint64(0)
	for _, n := range d.classic {
		below += uint64(n)
		h.Classic = append(h.Classic, metric.Bound{UpTo: bound.Seconds(), Count: below})
		bound *= 2
	}
}
