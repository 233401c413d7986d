package hoststate

import "time"

// leastLease is how long a measurement is believed at least: three rounds of
// the usual interval.
const leastLease = 180 * time.Second

// A Lease is for how long what was measured may be believed: after it, it is
// unknown. The zero Lease is that of what never was measured: it is over.
type Lease struct{ From, Until time.Time }

// Lend is the lease on what was measured at from, in rounds one interval apart:
// three of them, and not less than 180 seconds.
func Lend(from time.Time, interval time.Duration) Lease {
	if from.IsZero() {
		return Lease{}
	}
	return Lease{from, from.Add(max(3*interval, leastLease))}
}

// Over says that the lease has run out at now. Whichever clock says so is
// believed: the wall clock may be set back, and the monotonic clock stands still
// while the machine sleeps.
func (l Lease) Over(now time.Time) bool {
	return l.Until.IsZero() || now.After(l.Until) || now.Round(0).After(l.Until.Round(0))
}
