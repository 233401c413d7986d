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
	// judged at all.
	few = 4

	// crowded is how close those few follow each other at the closest.
	crowded = 20 * time.Millisecond
)

// fit is how many packets, how far apart, of which the last is still waited for
// within the time there is. It sends them closer before it sends fewer.
func fit(count int, spacing, wait, budget time.Duration) (int, time.Duration) {
	spare := max(budget-wait, 0)
	gaps := time.Duration(count - 1)
	if gaps*spacing <= spare {
		return count, spacing
	}
	closest := min(spacing, courtesy)
	if closer := spare / gaps; closer >= closest {
		return count, closer.Truncate(time.Millisecond)
	}
	return 1 + int(spare/closest), closest
}

// crowd is how far apart the least packets to judge by are sent where fit finds no time for
// so many: over half of the time there is. Those that are still out at its end are not
// judged, so that no slow answer is a loss. It is false where there is no time for that.
func crowd(least int, budget time.Duration) (spacing time.Duration, ok bool) {
	if least > 1 {
		spacing = (budget / 2 / time.Duration(least-1)).Truncate(time.Millisecond)
	}
	return spacing, least == 1 || spacing >= crowded
}
