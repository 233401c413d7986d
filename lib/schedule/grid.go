package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// A grid says when hosts are due. It is laid on the wall clock once, so that a
// restart finds the same times again, and counted by the monotonic clock from
// then on, so that nobody who sets the clock moves a round.
type grid struct{ laid time.Time }

// zero is the last time at or before g was laid that a multiple of every is.
func (g grid) zero(every time.Duration) time.Time {
	return g.laid.Add(-time.Duration(g.laid.UnixNano() % int64(every)))
}

// after is the first time after t that lies offset after a multiple of every.
func (g grid) after(t time.Time, every, offset time.Duration) time.Time {
	zero := g.zero(every).Add(offset)
	return zero.Add(time.Duration(floor(t.Sub(zero), every)+1) * every)
}

// window is the number of the interval that t lies in.
func (g grid) window(t time.Time, every time.Duration) int64 {
	return floor(t.Sub(g.zero(every)), every)
}

func floor(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit < 0 {
		n--
	}
	return n
}

// share is the same part of whole for the same name, and spreads names evenly.
func share(name string, whole time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(name))
	part, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(whole))
	return time.Duration(part)
}
