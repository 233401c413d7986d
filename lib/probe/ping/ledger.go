package ping

import (
	"net/netip"
	"time"

	"milepost/lib/burst"
)

// A ledger keeps account of packets: what became of each, in the order of
// sending. It knows no clock; the times come in with the events.
type ledger struct {
	to       netip.Addr
	patience time.Duration // that a packet is never waited for longer than; 0 = none
	end      time.Time     // that a packet is not waited for beyond leastWait; zero = none
	keep     int           // how many settled packets are remembered

	packets []packet // by number, from first on
	first   int
	settled int // of packets: what became of these is known
	usual   time.Duration
	onset   *burst.Onset
	totals  Totals
	stray   netip.Addr      // who sent the latest stray
	fresh   []time.Duration // round trips since the latest look
}

// A packet is one request and what became of it.
type packet struct {
	state state
	sent  time.Time // zero until told
	rtt   time.Duration
}

type state uint8

const (
	waiting state = iota
	answered
	lost
	late   // lost, and answered afterwards
	unsent // could not be sent: says nothing of the path
)

// note books e.
func (l *ledger) note(e Event) {
	p := l.packet(e.Seq)
	switch {
	case e.From.IsValid() && e.From != l.to:
		l.totals.Strays++
		l.stray = e.From
	case p == nil:
		l.totals.Late++ // so late that the packet is forgotten
	case e.Err != nil:
		p.state = unsent
	case !e.From.IsValid():
		p.sent = e.At
		l.totals.Sent++
	default:
		l.reply(p, e.At)
	}
}

// reply books an answer to p that came at that time.
func (l *ledger) reply(p *packet, at time.Time) {
	rtt := at.Sub(p.sent)
	switch p.state {
	case waiting:
		p.state, p.rtt = answered, rtt
		if at.After(l.deadline(p)) {
			p.state = late
			l.totals.Late++
		}
	case lost:
		p.state, p.rtt = late, rtt
		l.totals.Late++
	default:
		l.totals.Duplicates++
		return
	}
	l.learn(rtt)
}

// learn smooths round trips as RFC 6298, section 2, does. A late one counts too:
// it is what waiting longer must be learnt from.
func (l *ledger) learn(rtt time.Duration) {
	if l.usual == 0 {
		l.usual = rtt
		return
	}
	l.usual += (rtt - l.usual) / 8
}

// wait is how long a packet is waited for.
func (l *ledger) wait() time.Duration {
	w := min(max(leastWait, usualWaits*l.usual), mostWait)
	if l.patience > 0 {
		w = min(w, l.patience)
	}
	return w
}

// deadline is when p's time is up.
func (l *ledger) deadline(p *packet) time.Time {
	d := p.sent.Add(l.wait())
	if l.end.IsZero() || !d.After(l.end) {
		return d
	}
	if least := p.sent.Add(min(leastWait, l.wait())); least.After(l.end) {
		return least
	}
	return l.end
}

// due is when the next packet's time is up; false while none is out.
func (l *ledger) due() (time.Time, bool) {
	for i := l.settled; i < len(l.packets); i++ {
		if p := &l.packets[i]; p.state == waiting && !p.sent.IsZero() {
			return l.deadline(p), true // they were sent in order and all wait as long
		}
	}
	return time.Time{}, false
}

// expire gives up the packets whose time is up.
func (l *ledger) expire(now time.Time) {
	for i := l.settled; i < len(l.packets); i++ {
		p := &l.packets[i]
		if p.state == waiting && !p.sent.IsZero() && !now.Before(l.deadline(p)) {
			p.state = lost
		}
	}
}

// settle counts the packets that nothing unknown is before, and says whether
// there were any.
func (l *ledger) settle() bool {
	before := l.settled
	for l.settled < len(l.packets) && l.packets[l.settled].state != waiting {
		switch p := &l.packets[l.settled]; p.state {
		case answered:
			l.totals.Received++
			l.fresh = append(l.fresh, p.rtt)
			l.onset.Add(false)
		case lost, late:
			l.totals.Lost++
			l.onset.Add(true)
		}
		l.settled++
	}
	return l.settled > before
}

// packet is the one with that number; nil if it is forgotten.
func (l *ledger) packet(seq int) *packet {
	i := seq - l.first
	if i < 0 {
		return nil
	}
	for i >= len(l.packets) {
		l.packets = append(l.packets, packet{})
	}
	return &l.packets[i]
}

// forget drops the oldest packets.
func (l *ledger) forget() {
	if over := l.settled - l.keep; over > 0 {
		l.packets = append(l.packets[:0], l.packets[over:]...)
		l.first += over
		l.settled -= over
	}
}

// window is what became of the latest n settled packets.
func (l *ledger) window(n int) []Packet {
	latest := make([]Packet, 0, n)
	for _, p := range l.packets[max(0, l.settled-n):l.settled] {
		if p.state != unsent {
			latest = append(latest, Packet{Lost: p.state != answered, Late: p.state == late, RTT: p.rtt})
		}
	}
	return latest
}
