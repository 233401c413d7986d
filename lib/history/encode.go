package history

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"milepost/lib/hoststate"
)

// A block is the records of one host in a stretch of time, in order, as bytes:
//
//	block  = record*
//	record = flags [index] [seconds...] [latency] [sent lost [rtt0 rise1 ... rise6]]
//
// All numbers are varints. index is the record's place in the block, where it is
// not the one after the last. A host that is up for the whole of it, as nearly
// all are, has no seconds. Durations are logarithms, in steps of one percent,
// and each round trip but the least is told by its rise over the one before.
const (
	flagSeconds = 1 << iota // one bit for each of kept, from here on
	_
	_
	_
	flagWhole // all of it up
	flagLatency
	flagPings
	flagIndex
)

// kept are the states whose seconds are stored.
var kept = [4]hoststate.Status{hoststate.Up, hoststate.Degraded, hoststate.Down, hoststate.Maintenance}

// steps is how many steps of a logarithm double a duration.
const steps = 64

// toLog is d as a step, 0 if d is nothing. A microsecond is the least.
func toLog(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	us := max(float64(d)/float64(time.Microsecond), 1)
	return int64(math.Round(math.Log2(us)*steps)) + 1
}

func fromLog(n int64) time.Duration {
	if n <= 0 {
		return 0
	}
	const longest = 33 * steps // more than two hours: it was never written
	us := math.Exp2(float64(min(n, longest)-1) / steps)
	return time.Duration(us * float64(time.Microsecond))
}

// encode is records of the block from start, each of length, as bytes.
func encode(records []record, start, length int64) []byte {
	var w writer
	next := int64(0)
	for _, r := range records {
		if r.zero() {
			continue
		}
		w.record(r, (r.start-start)/length, next)
		next = (r.start-start)/length + 1
	}
	return w.text
}

// A writer is a block that is being written.
type writer struct {
	text []byte
	last
}

// last is the durations of the record before.
type last struct{ latency, rtt int64 }

func (w *writer) number(n uint64) { w.text = binary.AppendUvarint(w.text, n) }

// differ writes what d differs from before by, which becomes d.
func (w *writer) differ(before *int64, d time.Duration) {
	step := toLog(d)
	w.text = binary.AppendVarint(w.text, step-*before)
	*before = step
}

func (w *writer) record(r record, index, next int64) {
	at := len(w.text)
	w.text = append(w.text, 0)
	flags := byte(0)
	if index != next {
		flags |= flagIndex
		w.number(uint64(index))
	}
	if int64(r.states[hoststate.Up]) == r.length {
		flags |= flagWhole
	} else {
		for i, s := range kept {
			if r.states[s] > 0 {
				flags |= flagSeconds << i
				w.number(uint64(r.states[s]))
			}
		}
	}
	if r.latency > 0 {
		flags |= flagLatency
		w.differ(&w.latency, r.latency)
	}
	if r.pings.Sent > 0 {
		flags |= flagPings
		w.pings(r.pings)
	}
	w.text[at] = flags
}

func (w *writer) pings(p Pings) {
	w.number(uint64(p.Sent))
	w.number(uint64(p.Lost))
	if p.Lost >= p.Sent {
		return
	}
	w.differ(&w.rtt, p.RTT[0])
	before := w.rtt
	for _, rtt := range p.RTT[1:] {
		step := max(toLog(rtt), before)
		w.number(uint64(step - before))
		before = step
	}
}

var errBlock = errors.New("a block of history is damaged")

// decode reads what encode wrote.
func decode(text []byte, start, length int64) ([]record, error) {
	var all []record
	in := reader{text: text}
	for next := int64(0); len(in.text) > 0 && !in.bad; next++ {
		flags := in.text[0]
		in.text = in.text[1:]
		if flags&flagIndex != 0 {
			next = in.number(1 << 20)
		}
		r := record{start: start + next*length, length: length}
		if flags&flagWhole != 0 {
			r.states[hoststate.Up] = uint32(length)
		}
		for i, s := range kept {
			if flags&(flagSeconds<<i) != 0 {
				r.states[s] = uint32(in.number(length))
			}
		}
		told := int64(0)
		for _, n := range r.states {
			told += int64(n)
		}
		in.bad = in.bad || told > length
		if flags&flagLatency != 0 {
			r.latency = in.differ(&in.latency)
		}
		if flags&flagPings != 0 {
			r.pings = in.pings()
		}
		all = append(all, r)
	}
	if in.bad {
		return nil, errBlock
	}
	return all, nil
}

// A reader takes numbers off a text, until one is bad.
type reader struct {
	text []byte
	bad  bool
	last
}

func (in *reader) number(most int64) int64 {
	n, used := binary.Uvarint(in.text)
	if used <= 0 || n > uint64(most) {
		in.bad = true
		return 0
	}
	in.text = in.text[used:]
	return int64(n)
}

func (in *reader) pings() Pings {
	p := Pings{Sent: uint32(in.number(math.MaxUint32)), Lost: uint32(in.number(math.MaxUint32))}
	in.bad = in.bad || p.Sent == 0 || p.Lost > p.Sent
	if p.Lost >= p.Sent {
		return p
	}
	p.RTT[0] = in.differ(&in.rtt)
	step := in.rtt
	for i := 1; i < len(p.RTT); i++ {
		step += in.number(1 << 20)
		p.RTT[i] = fromLog(step)
	}
	return p
}

// differ reads what the writer's differ wrote.
func (in *reader) differ(before *int64) time.Duration {
	n, used := binary.Varint(in.text)
	*before += n
	if used <= 0 || *before < 0 || *before > 1<<20 {
		in.bad = true
		return 0
	}
	in.text = in.text[used:]
	return fromLog(*before)
}
