package ping

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"milepost/lib/burst"
	"milepost/lib/echo"
)

// A flow is one host's stream: its packets, and what they teach.
type flow struct {
	host    string
	streams *Streams
	target  *echo.Target  // Streams' own
	spacing time.Duration // the same
	ready   chan struct{} // closed when there is something to be looked at

	mu       sync.Mutex
	ledger   ledger
	life     int // how often it began
	window   int // packets of a round
	looked   int // packets that were settled at the last look
	isReady  bool
	early    bool  // it was looked at before it could be judged
	trouble  error // why the latest packet could not be sent
	usual    Usual
	record   burst.Record
	before   bool // the packet before was lost
	watch    burst.Watch
	badSince time.Time // zero = it is not
	rtts     distribution
}

func newFlow(s *Streams, host string, r burst.Record) *flow {
	return &flow{host: host, streams: s, record: r, ready: make(chan struct{})}
}

// begin begins f, or begins it anew: what was counted and learnt stays.
func (f *flow) begin(to netip.Addr, spacing time.Duration, window int) (life int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spacing, f.window, f.looked, f.before = spacing, window, 0, false
	f.ledger = ledger{
		to: to, began: time.Now(), totals: f.ledger.totals, settles: f.settle,
		keep:   window + window/8, // a look that comes a little late finds all that is new
		missed: func(from, until time.Time) bool { return f.streams.echo.Overlooked(f.ledger.to, from, until) },
	}
	f.life++
	return f.life
}

// move has f go on at another address.
func (f *flow) move(to netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ledger.renew(to)
}

func (f *flow) isAt(a netip.Addr) bool { return f.address() == a.Unmap() }

func (f *flow) address() netip.Addr {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ledger.to
}

// hold says what the packets of f are held against: what c says, else what was learnt.
func (f *flow) hold(c Config) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.usual = c.usual()
	if _, given := c.Baseline.Value(); !given {
		f.usual = f.usual.from(f.record, f.spacing, "")
	}
	f.usual = f.usual.at(f.spacing)
	f.watch.Hold(f.usual.chain)
}

// hear books an event of f's life, if it is the one of now.
func (f *flow) hear(e echo.Event, life int) {
	changed, ready := f.book(e, life)
	if changed && f.streams.Changed != nil {
		f.streams.Changed(f.host)
	}
	if ready && f.streams.Ready != nil {
		f.streams.Ready(f.host)
	}
}

// book says whether the path became better or worse, and whether f can be judged only
// now that somebody has looked already.
func (f *flow) book(e echo.Event, life int) (changed, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if life != f.life {
		return false, false
	}
	before := f.watch.State()
	f.ledger.note(e)
	f.trouble = e.Err
	f.settleAll()
	f.ledger.forget()
	enough := f.ledger.first+f.ledger.settled >= min(few, f.window)
	if !f.isReady && (f.trouble != nil || enough) {
		f.isReady = true
		close(f.ready)
	}
	ready = f.early && enough
	f.early = f.early && !ready
	return f.watch.State() != before, ready
}

// tooEarly says that somebody looked at f before it could be judged.
func (f *flow) tooEarly() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early = true
}

// settleAll settles what can be: all that came before Heard is booked.
func (f *flow) settleAll() {
	f.ledger.expire(f.streams.until(f.ledger.to))
	f.ledger.settle()
}

// settle is told of each packet once. It is learnt from while all is as usual.
func (f *flow) settle(p packet) {
	lost := p.lost()
	if !lost {
		f.rtts.add(p.rtt.duration())
	}
	f.watch.Add(lost)
	if f.watch.Calm() && !f.streams.common.is() {
		f.record.Add(f.before, lost)
	}
	f.before = lost
	switch {
	case f.watch.State() == burst.Usual && f.watch.Run() < badRun:
		f.badSince = time.Time{}
	case f.badSince.IsZero():
		f.badSince = time.Now()
	}
}

// badRun is how many losses in a row make a path look bad beside others that do.
const badRun = 3

// bad says since when f is, if it is.
func (f *flow) bad() (since time.Time, is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settleAll()
	return f.badSince, !f.badSince.IsZero()
}

// look is what became of the packets since the look before: of at most a round's, and
// of a few at least.
func (f *flow) look() (Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settleAll()
	settled := f.ledger.first + f.ledger.settled
	fresh := settled - f.looked
	n := min(max(fresh, few), f.window)
	f.looked = settled
	f.forget(fresh)
	result := f.result(n, fresh)
	switch {
	case f.trouble != nil:
		f.early = f.early || settled < min(few, f.window)
		return result, unsendable(f.ledger.to, f.trouble)
	case result.Missed > len(result.Packets):
		if len(result.Packets) < few { // not even a fault is proven by so few
			result.Packets = nil
		}
		return result, fmt.Errorf("%w: %d of the latest %d: it is too busy, or net.core.rmem_max too small", echo.ErrOverlooked, result.Missed, n)
	default:
		return result, nil
	}
}

// forget has what was learnt fade while so many packets go by.
func (f *flow) forget(packets int) {
	f.record = f.record.After(time.Duration(packets) * f.spacing)
}

// result is what became of the latest n packets, and of the fresh ones.
func (f *flow) result(n, fresh int) Result {
	latest := f.ledger.window(max(n, fresh))
	last := func(n int) []Packet { return latest[len(latest)-f.ledger.among(n, packet.tells):] }
	packets := last(n)
	return Result{
		Stream:  &Stream{State: f.watch.State(), Score: f.watch.Score(), Run: f.watch.Run()},
		Packets: packets, Fresh: last(fresh), Missed: f.ledger.among(n, packet.overlooked),
		Plan: echo.Plan{To: f.ledger.to}, Totals: f.ledger.totals, Stray: f.ledger.stray, Refusal: f.ledger.refusal,
		Usual: f.usual.over(len(packets), f.spacing),
	}
}

// learnt is what f learnt up to now.
func (f *flow) learnt() Remembered {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Remembered{f.record, f.spacing.Seconds(), time.Now().UTC().Truncate(time.Second)}
}

// from is u as a record says, if that is long enough; newest is how old the latest of
// it is, for people.
func (u Usual) from(r burst.Record, spacing time.Duration, newest string) Usual {
	if n := r.Packets(); n < enough {
		u.Absent = fmt.Sprintf("insufficient history: %.0f of %d packets", n, enough)
		return u
	}
	from := fmt.Sprintf("learned from %.0f packets", r.Packets())
	if newest != "" {
		from += ", the newest " + newest + " old"
	}
	return u.learnt(r, spacing, from)
}

// enough is how many packets make a baseline.
const enough = 1000
