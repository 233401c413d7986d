package ping

import (
	"math"
	"net/netip"
	"time"

	"milepost/lib/echo"
)

// A ledger keeps account of packets: what became of each, in the order of
// sending. It knows no clock; the times come in with the events.
type ledger struct {
	to       netip.Addr
	began    time.Time
	patience time.Duration // that a packet is never waited for longer than; 0 = none
	end      time.Time     // that a packet is not waited for beyond leastWait; zero = none
	keep     int           // how many settled packets are remembered

	// missed says that this monitor itself missed answers between these times: that
	// one did not come then says nothing. nil = never.
	missed func(from, to time.Time) bool
	// settles is told of each answered or lost packet once, in the order of sending;
	// nil = nobody.
	settles func(packet)

	packets []packet // by number, from first on
	first   int
	settled int // of packets: what became of these is known
	moved   int // number of the first packet to the address of now
	usual   time.Duration
	totals  Totals
	stray   netip.Addr // who sent the latest stray
	refusal refusal    // the latest
}

// A packet is one request and what became of it, in few bytes: of each of ten thousand
// hosts a round's packets are kept.
type packet struct {
	sent    time.Duration // since the ledger began
	rtt     tenths
	state   state
	told    bool // sent is known
	refused bool // a router, or the host, said that it would not get there
}

// tenths of a microsecond, up to seven minutes.
type tenths uint32

const tenth = time.Microsecond / 10

func tenthsOf(d time.Duration) tenths {
	return tenths(min(max(d/tenth, 1), math.MaxUint32)) // however coarse the clocks are, it took time
}

func (t tenths) duration() time.Duration { return time.Duration(t) * tenth }

// under is how many packets are mostly under way.
const under = 8

type state uint8

const (
	waiting state = iota
	answered
	lost
	late       // lost, and answered afterwards
	void       // could not be sent, or went to an address that is no more: says nothing of the path
	overlooked // its answer may have been dropped by this machine: says nothing either
)

// A refusal is an ICMP error.
type refusal struct {
	what string
	by   netip.Addr
}

// note books e.
func (l *ledger) note(e echo.Event) {
	p := l.packet(e.Seq)
	switch {
	case e.Refusal != "":
		if p != nil {
			p.refused = true
		}
		l.refusal = refusal{e.Refusal, e.From}
	case e.From.IsValid() && e.From != l.to:
		l.totals.Strays++
		l.stray = e.From
	case p == nil:
		l.totals.Late++ // so late that the packet is forgotten
	case e.Err != nil:
		p.state = void
		l.totals.Unsent++
	case !e.From.IsValid():
		p.sent, p.told = e.At.Sub(l.began), true
		l.totals.Sent++
	default:
		l.reply(p, e.At)
	}
}

// reply books an answer to p that came at that time.
func (l *ledger) reply(p *packet, at time.Time) {
	rtt := at.Sub(l.began) - p.sent
	switch p.state {
	case waiting:
		p.state, p.rtt = answered, tenthsOf(rtt)
		if at.After(l.deadline(p)) {
			p.state = late
			l.totals.Late++
		}
	case lost:
		p.state, p.rtt = late, tenthsOf(rtt)
		l.totals.Late++
	default:
		l.totals.Duplicates++
		return
	}
	l.learn(p.rtt.duration())
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
	sent := l.began.Add(p.sent)
	d := sent.Add(l.wait())
	if l.end.IsZero() || !d.After(l.end) {
		return d
	}
	if least := sent.Add(min(leastWait, l.wait())); least.After(l.end) {
		return least
	}
	return l.end
}

// due is when the next packet's time is up; false while none is out.
func (l *ledger) due() (time.Time, bool) {
	for i := l.settled; i < len(l.packets); i++ {
		if p := &l.packets[i]; p.state == waiting && p.told {
			return l.deadline(p), true // they were sent in order and all wait as long
		}
	}
	return time.Time{}, false
}

// expire gives up the packets whose time is up; all that came before now is booked.
func (l *ledger) expire(now time.Time) {
	for i := l.settled; i < len(l.packets); i++ {
		p := &l.packets[i]
		if p.state != waiting || !p.told {
			continue
		}
		deadline := l.deadline(p)
		if now.Before(deadline) {
			continue
		}
		p.state = lost
		if l.missed != nil && l.missed(l.began.Add(p.sent), deadline) {
			p.state = overlooked
			l.totals.Void++
		}
	}
}

// settle counts the packets that nothing unknown is before, and says whether
// there were any.
func (l *ledger) settle() bool {
	before := l.settled
	for l.settled < len(l.packets) && l.packets[l.settled].state != waiting {
		p := l.packets[l.settled]
		switch p.state {
		case answered:
			l.totals.Received++
		case lost, late:
			l.totals.Lost++
		}
		if p.tells() && l.settles != nil {
			l.settles(p)
		}
		l.settled++
	}
	return l.settled > before
}

// renew gives up what is out, without a word on it: the host has another address.
func (l *ledger) renew(to netip.Addr) {
	l.to, l.moved = to, l.first+len(l.packets)
	for i := l.settled; i < len(l.packets); i++ {
		if p := &l.packets[i]; p.state == waiting {
			p.state = void
			l.totals.Void++
		}
	}
}

// packet is the one with that number; nil if it is forgotten.
func (l *ledger) packet(seq int) *packet {
	i := seq - l.first
	if i < 0 {
		return nil
	}
	if l.packets == nil {
		l.packets = make([]packet, 0, l.keep+under)
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

// window is what became of the latest n settled packets, of those that tell.
func (l *ledger) window(n int) []Packet {
	latest := make([]Packet, 0, n)
	for i := max(0, l.settled-n); i < l.settled; i++ {
		if p := l.packets[i]; p.tells() {
			latest = append(latest, Packet{Lost: p.lost(), Late: p.state == late, Refused: p.refused, RTT: p.rtt.duration(), before: l.first+i < l.moved})
		}
	}
	return latest
}

// among is how many of the latest n settled packets are so.
func (l *ledger) among(n int, is func(packet) bool) int {
	count := 0
	for _, p := range l.packets[max(0, l.settled-n):l.settled] {
		if is(p) {
			count++
		}
	}
	return count
}

// tells says that p tells something of the path.
func (p packet) tells() bool { return p.state < void }

func (p packet) overlooked() bool { return p.state == overlooked }

func (p packet) lost() bool { return p.state == lost || p.state == late }
