package echo

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How a Stream sends and reads. What costs is to wake up, so it does so seldom and
// then sends and reads all there is.
const (
	perTurn   = 100 // requests that it waits for before it wakes up
	mostATurn = 4 * perTurn
	shortest  = 5 * time.Millisecond   // from turn to turn
	longest   = 100 * time.Millisecond // the same, while requests are due
	idle      = time.Second            // the same, while none is
	unread    = 64                     // requests that are sent before answers are read: what the least queue holds, four times over
	openAgain = 30 * time.Second       // after a socket could not be opened
)

// A Stream asks many hosts for ever. Its methods may be called from any goroutine;
// the zero Stream is ready.
type Stream struct {
	mu       sync.Mutex
	targets  map[uint32]*Target
	at       map[netip.Addr][]*Target
	due      agenda
	last     uint32        // number of a target
	rate     float64       // requests a second
	closest  time.Duration // the least spacing there ever was
	families [2]family     // IPv4, IPv6: these belong to Run, but for heard and losses
	batch    []request
	broken   uint64 // sockets that could not be read
}

// A Target is one host of a Stream.
type Target struct {
	tell    func(Event)
	to      netip.Addr
	spacing time.Duration
	number  uint32
	packets uint32 // that were due so far
	next    time.Time
	place   int // on the agenda
}

// A request is one that is due.
type request struct {
	*Target
	to     netip.Addr
	packet uint32
}

// A family is one address family's part.
type family struct {
	*socket
	err     error     // why there is no socket
	tried   time.Time // when it was last opened, or not
	heard   time.Time // what came before that was told
	dropped uint64    // answers that the kernel dropped because we did not read in time
	losses  losses    // when it did so
}

func familyOf(a netip.Addr) int {
	if a.Is6() {
		return 1
	}
	return 0
}

// Add asks to every spacing from now on, beginning anywhere within the first. tell
// is called on the goroutine of Run, in order, and must be quick. After Remove it may
// be called for what was under way.
func (s *Stream) Add(to netip.Addr, spacing time.Duration, tell func(Event)) *Target {
	t := &Target{tell: tell, to: to, spacing: spacing, next: time.Now().Add(rand.N(spacing))}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets == nil {
		s.targets, s.at = map[uint32]*Target{}, map[netip.Addr][]*Target{}
	}
	s.last++
	t.number = s.last
	s.targets[t.number] = t
	s.at[to] = append(s.at[to], t)
	s.rate += 1 / spacing.Seconds()
	if s.closest == 0 || spacing < s.closest {
		s.closest = spacing
	}
	heap.Push(&s.due, t)
	return t
}

// Remove asks t no more.
func (s *Stream) Remove(t *Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets[t.number] != t {
		return
	}
	delete(s.targets, t.number)
	s.leave(t)
	s.rate -= 1 / t.spacing.Seconds()
	heap.Remove(&s.due, t.place)
}

// Move asks t at another address.
func (s *Stream) Move(t *Target, to netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets[t.number] == t {
		s.leave(t)
		t.to = to
		s.at[to] = append(s.at[to], t)
	}
}

// leave takes t from those at its address.
func (s *Stream) leave(t *Target) {
	s.at[t.to] = slices.DeleteFunc(s.at[t.to], func(o *Target) bool { return o == t })
	if len(s.at[t.to]) == 0 {
		delete(s.at, t.to)
	}
}

// Heard is until when all that came in from addresses like a was told.
func (s *Stream) Heard(a netip.Addr) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.families[familyOf(a)].heard
}

// Dropped is how many answers the kernel dropped because they were not read in time.
func (s *Stream) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.families[0].dropped + s.families[1].dropped
}

// Broken is how often a socket could not be read, and another had to be opened.
func (s *Stream) Broken() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Overlooked says that answers of addresses like a were dropped between these times:
// that one is missing says nothing. It is known for remembered.
func (s *Stream) Overlooked(a netip.Addr, from, to time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.families[familyOf(a)].losses.within(from, to)
}

// Run sends and hears until ctx ends.
func (s *Stream) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for i := range s.families {
				s.families[i].shut(nil)
			}
			return
		case <-timer.C:
		}
		s.turn()
		timer.Reset(s.rest())
	}
}

// turn sends what is due, and reads what has come.
func (s *Stream) turn() {
	for i, r := range s.dueNow(time.Now()) {
		if i%unread == unread-1 {
			s.hear()
		}
		at, err := s.send(r)
		r.tell(Event{Seq: int(r.packet), At: at, Err: err})
	}
	s.hear()
}

// dueNow takes the requests that are due from the agenda, and plans the next of each.
func (s *Stream) dueNow(now time.Time) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = s.batch[:0]
	for len(s.due) > 0 && len(s.batch) < mostATurn && !s.due[0].next.After(now) {
		t := s.due[0]
		s.batch = append(s.batch, request{t, t.to, t.packets})
		t.packets++
		if now.Sub(t.next) > t.spacing {
			t.next = now // what was missed is not made up for
		}
		t.next = t.next.Add(t.spacing + shake(t.spacing))
		heap.Fix(&s.due, 0)
	}
	return s.batch
}

// rest is how long it may sleep.
func (s *Stream) rest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) == 0 {
		return idle
	}
	turn := min(longest, s.closest/2)
	if s.rate > 0 {
		turn = min(turn, time.Duration(perTurn/s.rate*float64(time.Second)))
	}
	turn = max(turn, shortest)
	return min(max(turn, time.Until(s.due[0].next)), idle)
}

// send sends r over its family's socket, which it opens.
func (s *Stream) send(r request) (at time.Time, err error) {
	f := &s.families[familyOf(r.to)]
	if f.socket == nil {
		if now := time.Now(); f.tried.IsZero() || now.Sub(f.tried) > openAgain {
			f.tried = now
			f.socket, f.err = open(r.to.Is6())
		}
		if f.socket == nil {
			return time.Time{}, f.err
		}
	}
	return f.socket.send(r.to, number{r.number, r.packet})
}

// hear reads what has come, and tells it.
func (s *Stream) hear() {
	for i := range s.families {
		f := &s.families[i]
		if f.socket == nil {
			continue
		}
		before, dropped := f.empty, f.socket.dropped
		err := f.hear(func(a answer) {
			if t, to, seq := s.whose(a); t != nil {
				t.tell(a.event(seq, to))
			}
		})
		s.mu.Lock()
		f.heard = f.empty
		if n := f.socket.dropped - dropped; n > 0 { // the kernel's counter wraps, and so does this
			f.dropped += uint64(n)
			f.losses.add(before, time.Now())
		}
		s.mu.Unlock()
		if err != nil {
			s.mu.Lock()
			s.broken++
			s.mu.Unlock()
			f.shut(err)
		}
	}
}

// shut closes the socket.
func (f *family) shut(why error) {
	if f.socket != nil {
		f.socket.close()
		f.socket, f.err = nil, why
	}
}

// whose target a is for, at which address, and which of its requests; nil = nobody's
// any more. One without its full number is the latest request to that address that
// it fits.
func (s *Stream) whose(a answer) (t *Target, to netip.Addr, seq int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.sealed {
		if t := s.targets[a.target]; t != nil {
			return t, t.to, int(a.packet)
		}
		return nil, netip.Addr{}, 0
	}
	for _, t := range s.at[a.to] {
		back := uint16(t.packets) - uint16(a.packet)
		if back > 0 && uint32(back) <= min(t.packets, recent) {
			return t, t.to, int(t.packets - uint32(back))
		}
	}
	return nil, netip.Addr{}, 0
}

// recent is how many of a target's latest requests half a number is taken for.
const recent = 64

// An agenda is the targets in a heap, the next to be asked first.
type agenda []*Target

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].next.Before(a[j].next) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

// Push is heap.Interface's.
func (a *agenda) Push(x any) {
	t := x.(*Target)
	t.place = len(*a)
	*a = append(*a, t)
}

// Pop is heap.Interface's.
func (a *agenda) Pop() any {
	old := *a
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return t
}
