package hoststate

// Flap detection as Nagios does it (base/flapping.c): of the newest 21 states, the
// 20 changes between them are weighed, the newest half as much again as the one in
// the middle. Nagios counts hard states and starts at 20 %; as Icinga does, we count
// every round that measured something, and so ask for a little more.
const (
	flapStates = 21
	flapHigh   = 0.25 // the share of weighed changes from which on a host is flapping
	flapLow    = 0.10 // and from which down it no longer is
)

// A history is the states of the newest rounds that measured anything.
type history struct {
	states   [flapStates]Status // the newest last
	known    int                // how many of them
	flapping bool
}

// next is the history with one more state.
func (h history) next(s Status) history {
	copy(h.states[:], h.states[1:])
	h.states[flapStates-1] = s
	h.known = min(h.known+1, flapStates)
	switch share := h.changes(); {
	case share >= flapHigh:
		h.flapping = true
	case share <= flapLow:
		h.flapping = false
	}
	return h
}

// changes is the weighed share of changes: 0 is none, 1 is one at every round.
// What is not known has not changed.
func (h history) changes() float64 {
	const transitions = flapStates - 1
	sum := 0.0
	for i := flapStates - h.known + 1; i < flapStates; i++ {
		if h.states[i] != h.states[i-1] {
			sum += 0.75 + float64(i-1)*0.5/(transitions-1)
		}
	}
	return sum / transitions
}
