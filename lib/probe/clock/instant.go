package clock

import "time"

// An instant is one moment on both of the monitor's clocks. The wall clock is
// what the host's clock is compared with; every duration is taken from the
// monotonic one.
type instant struct {
	wall time.Time // without a monotonic reading
	mono time.Time // only for since
}

// now reads both clocks.
func now() instant {
	t := time.Now()
	return instant{wall: t.Round(0), mono: t}
}

// since is how long ago j was.
func (i instant) since(j instant) time.Duration { return i.mono.Sub(j.mono) }

// stepped is by how much somebody set the wall clock between j and i.
func (i instant) stepped(j instant) time.Duration { return i.wall.Sub(j.wall) - i.since(j) }
