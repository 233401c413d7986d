package burst

import "math"

// A State is how a path fares beside what is usual.
type State uint8

// The states of a path.
const (
	Usual    State = iota
	Degraded       // it loses more than usual
	Down           // nothing comes back
)

const (
	// horizon is how many packets there are, while nothing has changed, between two
	// alarms of one kind: 30 days of a packet a second.
	horizon = 30 * 24 * 3600
	// leastRun is the fewest losses in a row that are Down, whatever is usual.
	leastRun = 5
	// rarer is by how much runs that are Down come more seldom than other alarms: how
	// long bursts last is known least well of all.
	rarer = 10
	// cleared is the evidence, in natural units as a score, that ends Degraded: 1,000
	// to one.
	cleared = 6.9
)

// Alarm is the score from which a path is Degraded, ln(horizon): one false alarm in
// 30 days of a packet a second.
const Alarm = 14.768

// A Watch follows a path packet by packet. Down needs as many losses in a row as
// the usual path has once in 300 days of a packet a second; Degraded needs the score
// of an Onset. Begin one with Chain.Watch.
type Watch struct {
	onset Onset
	down  int // losses in a row that are Down
	run   int // losses in a row now
	back  float64
	state State
}

// Watch follows a path that is usually as c.
func (c Chain) Watch() Watch {
	var w Watch
	w.Hold(c)
	return w
}

// Hold has w hold packets against c from now on. What it has found stays.
func (w *Watch) Hold(c Chain) {
	tuned := c.Onset()
	tuned.score, tuned.lost = w.onset.score, w.onset.lost
	w.onset = *tuned
	start, repeat := max(c.start(), leastStart), min(max(c.Repeat, 0.01), 0.99)
	w.down = max(leastRun, int(math.Ceil(1+math.Log(start*horizon*rarer)/-math.Log(repeat))))
}

// Add takes the next packet, in the order of sending.
func (w *Watch) Add(lost bool) {
	first := !w.onset.lost
	w.onset.Add(lost)
	if w.state == Degraded && first {
		w.recover(lost)
	}
	w.run++
	if !lost {
		w.run = 0
	}
	switch {
	case w.run >= w.down:
		w.state = Down
	case w.state == Down && lost:
	case w.onset.score >= Alarm && w.state != Degraded:
		w.state, w.back = Degraded, 0
	case w.state == Down:
		w.state = Usual
	}
}

// recover adds up the evidence that the path is as usual again: the same as an
// Onset's, the other way round.
func (w *Watch) recover(lost bool) {
	step := -w.onset.onNone
	if lost {
		step = -w.onset.onStart
	}
	if w.back = max(0, w.back+step); w.back >= cleared {
		w.state, w.back, w.onset.score = Usual, 0, 0
	}
}

// State is how the path fares.
func (w *Watch) State() State { return w.state }

// Score is the evidence that it loses more than usual, from 0.
func (w *Watch) Score() float64 { return w.onset.score }

// Run is how many packets in a row were lost last.
func (w *Watch) Run() int { return w.run }

// Calm says that nothing speaks for a change: what comes now may be learnt from.
func (w *Watch) Calm() bool { return w.state == Usual && w.onset.score < Alarm/2 }
