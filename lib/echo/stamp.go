package echo

import "time"

// slack is how far the kernel's stamp of a packet may lie outside of the time in
// which it must have come: it is made a little before the packet can be read.
const slack = 5 * time.Millisecond

// arrival is when a packet came that the kernel stamped, by the wall clock, with
// stamp, on the monotonic clock. It came after before, when there was nothing to be
// read, and until now. If the wall clock was set in between, the stamp is of
// either side of that step; one that fits neither is not believed.
func arrival(stamp time.Time, before, now time.Time) time.Time {
	for _, anchor := range []time.Time{now, before} {
		at := anchor.Add(stamp.Sub(anchor.Round(0))) // Round strips the monotonic reading
		if !at.Before(before.Add(-slack)) && !at.After(now.Add(slack)) {
			return at
		}
	}
	return now
}
