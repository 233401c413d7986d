package ping

import "time"

// How long a packet is waited for, and how close packets follow each other where
// nobody asked for closer.
const (
	leastWait  = time.Second
	mostWait   = 3 * time.Second
	usualWaits = 3 // usual round trips
	courtesy   = 200 * time.Millisecond

	// closing is kept of a run's time for closing the socket and for judging.
	closing = 200 * time.Millisecond

	// few is how many packets a round that was cut short must have settled to be
	// judged at all, and how many are sent closer than is courteous before fewer are.
	few     = 4
	crowded = 20 * time.Millisecond
)

// fit is how many packets, how far apart, of which the last is still waited for
// within the time there is. It sends them closer before it sends fewer.
func fit(count int, spacing, wait, budget time.Duration) (int, time.Duration) {
	spare := max(budget-wait, 0)
	if time.Duration(count-1)*spacing <= spare {
		return count, spacing
	}
	if n, closer := within(spare, count, min(spacing, courtesy)); n >= min(count, few) {
		return n, closer
	}
	if n, closer := within(spare, min(count, few), min(spacing, crowded)); n > 1 {
		return n, closer
	}
	return 1, min(spacing, courtesy)
}

// within is how many packets, of as many as wanted, leave in so much time no closer
// than that, and how far apart they then are.
func within(spare time.Duration, wanted int, closest time.Duration) (int, time.Duration) {
	if gaps := time.Duration(wanted - 1); spare/gaps >= closest {
		return wanted, (spare / gaps).Truncate(time.Millisecond)
	}
	return 1 + int(spare/closest), closest
}
