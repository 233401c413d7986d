package selfcheck

import (
	"fmt"
	"time"
)

// maxJump is how much the wall clock may gain or lose between two self-checks. A
// clock that is slewed gains 500 ppm (adjtimex(2)): 5 ms in ten seconds.
const maxJump = 2 * time.Second

// A reading is both clocks at one instant.
type reading struct {
	wall time.Time
	mono time.Duration
}

// clock reads both clocks, the monotonic one since start. On Linux it stands still
// while the machine sleeps, which therefore shows as a jump.
func clock(start time.Time) func() (time.Time, time.Duration) {
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start) // Round strips the monotonic part
	}
}

func (k *Checker) read() reading {
	wall, mono := k.Clock()
	return reading{wall, mono}
}

// jumpSince is what the wall clock gained beside the time that really passed.
func (r reading) jumpSince(before reading) time.Duration {
	return r.wall.Sub(before.wall) - (r.mono - before.mono)
}

// jumped is the sentence on a jump, "" if it is none.
func jumped(by time.Duration) string {
	switch {
	case by > maxJump:
		return fmt.Sprintf("this monitor's clock jumped %v ahead: it was set, or the machine stood still", by.Round(time.Millisecond))
	case by < -maxJump:
		return fmt.Sprintf("this monitor's clock was set %v back", (-by).Round(time.Millisecond))
	default:
		return ""
	}
}
