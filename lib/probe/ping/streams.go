package ping

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"milepost/lib/burst"
	"milepost/lib/crew"
	"milepost/lib/echo"
	"milepost/lib/metric"
)

// Streams ping many hosts for ever. A Config that has one measures by looking at what
// became of the packets since the look before, at most a round's: the same test, on
// the same numbers, as that of as many packets sent for it. The first look begins a
// host's stream. The fields are set before the first use.
type Streams struct {
	Interval time.Duration               // one round
	Changed  func(host string)           // told when a path became better or worse; quick; nil = nobody
	Ready    func(host string)           // told when a stream that was looked at too early can be judged; quick; nil = nobody
	Looked   func(host string, r Result) // sees what became of the packets since the look before; nil = nobody

	// Recall and Remember keep what was learnt of hosts, by name, over a restart; nil =
	// nothing does. Remember is told of all hosts that anything is known of.
	Recall   func() (map[string]Remembered, error)
	Remember func(map[string]Remembered) error
	Failed   func(error) // told why either did not do it; nil = nobody

	heard  func(netip.Addr) time.Time // until when all that came in was told; nil = by echo
	echo   echo.Stream
	read   sync.Once // of the memory
	mu     sync.Mutex
	hosts  map[string]*flow
	memory memory // of hosts that have no stream
	common common
}

// Times of Streams.
const (
	lookAround = time.Second     // from one look for a common cause to the next
	rememberTo = 5 * time.Minute // from one writing of the memory to the next
)

// Run pings until ctx ends.
func (s *Streams) Run(ctx context.Context) {
	var all crew.Crew
	all.Go(func() { s.echo.Run(ctx) })
	all.Go(func() { every(ctx, lookAround, s.lookForCause) })
	all.Go(func() {
		every(ctx, rememberTo, s.remember)
		s.remember()
	})
	all.Wait()
}

// every calls do again and again until ctx ends.
func every(ctx context.Context, wait time.Duration, do func()) {
	ticker := time.NewTicker(wait)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

// Keep ends the streams of all hosts but these. Theirs go on as they are.
func (s *Streams) Keep(hosts []string) {
	kept := map[string]bool{}
	for _, name := range hosts {
		kept[name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, f := range s.hosts {
		if !kept[name] {
			s.echo.Remove(f.target)
			s.keep(name, f.learnt()) // it may come back
			delete(s.hosts, name)
		}
	}
}

// measure looks at t's stream.
func (s *Streams) measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		s.read.Do(s.recall)
		f := s.flow(t, c)
		f.hold(c)
		doing := doing(t, f.address())
		select {
		case <-f.ready:
		case <-ctx.Done():
			f.tooEarly()
			yield(Result{}, &metric.Interrupted{Stage: doing + ": its first packets are still out", Err: ctx.Err()})
			return
		}
		result, trouble := f.look()
		result.Doing, result.Stream.Common = doing, s.common.text()
		if s.Looked != nil {
			s.Looked(t.Name, result)
		}
		if trouble != nil {
			trouble = fmt.Errorf("%s: %w", doing, trouble)
		}
		yield(result, trouble)
	}
}

// flow is the stream of t, which begins if it is not there. One whose address is none
// of t's any more goes to the first of them; one whose spacing is another begins anew
// at that, with what was learnt.
func (s *Streams) flow(t metric.Target, c Config) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := t.Addrs[0].Unmap()
	f := s.hosts[t.Name]
	switch {
	case f == nil:
		f = newFlow(s, t.Name, s.memory.of(t.Name, c.Spacing))
		delete(s.memory.hosts, t.Name)
		if s.hosts == nil {
			s.hosts = map[string]*flow{}
		}
		s.hosts[t.Name] = f
	case f.spacing != c.Spacing:
		s.echo.Remove(f.target)
	case slices.ContainsFunc(t.Addrs, f.isAt):
		return f
	default:
		s.echo.Move(f.target, to)
		f.move(to)
		return f
	}
	life := f.begin(to, c.Spacing, s.window(c))
	f.target = s.echo.Add(to, c.Spacing, func(e echo.Event) { f.hear(e, life) })
	return f
}

// until is when all that came in from addresses like a was told.
func (s *Streams) until(a netip.Addr) time.Time {
	if s.heard != nil {
		return s.heard(a)
	}
	return s.echo.Heard(a)
}

// window is how many packets a round has.
func (s *Streams) window(c Config) int {
	return min(max(int(s.Interval/c.Spacing), few), maxPackets)
}

// Judged is how many packets a round that long has of a stream, and how many of these,
// the latest, are judged and drawn: more would cost an exact test too much.
func (c Config) Judged(interval time.Duration) (judged, all int) {
	all = int(interval / c.Spacing)
	return min(all, maxPackets), all
}

// each calls do for every stream.
func (s *Streams) each(do func(host string, f *flow)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for host, f := range s.hosts {
		do(host, f)
	}
}

// lookForCause looks whether many paths became worse at once.
func (s *Streams) lookForCause() {
	now := time.Now()
	var all, bad, fresh int
	s.each(func(_ string, f *flow) {
		all++
		if since, is := f.bad(); is {
			bad++
			if now.Sub(since) <= atOnce {
				fresh++
			}
		}
	})
	s.common.next(now, all, bad, fresh, max(s.Interval, atOnce))
}

// Common is why so many hosts lose packets at once that this monitor's own path must be
// at fault; "" = they do not.
func (s *Streams) Common() string { return s.common.text() }

// recall reads the memory.
func (s *Streams) recall() {
	if s.Recall == nil {
		return
	}
	hosts, err := s.Recall()
	if err != nil {
		s.fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = memory{hosts: hosts, unreadable: err != nil}
}

// keep notes what was learnt of host. It is for who holds s.mu.
func (s *Streams) keep(host string, r Remembered) {
	if r.Packets() == 0 {
		return
	}
	if s.memory.hosts == nil {
		s.memory.hosts = map[string]Remembered{}
	}
	s.memory.hosts[host] = r
}

// remember writes the memory. One that could not be read is left as it is.
func (s *Streams) remember() {
	s.mu.Lock()
	unreadable, learnt := s.memory.unreadable, maps.Clone(s.memory.hosts)
	s.mu.Unlock()
	if s.Remember == nil || unreadable {
		return
	}
	if learnt == nil {
		learnt = map[string]Remembered{}
	}
	s.each(func(host string, f *flow) {
		if r := f.learnt(); r.Packets() > 0 {
			learnt[host] = r
		}
	})
	if err := s.Remember(learnt); err != nil {
		s.fail(err)
	}
}

func (s *Streams) fail(err error) {
	if s.Failed != nil {
		s.Failed(err)
	}
}

// A common is a cause that many paths have in common: this monitor's own.
type common struct {
	mu    sync.Mutex
	why   string    // "" = none
	until time.Time // that packets of its time are still judged
}

// What a common cause is: that much of all paths, and that many, within that time.
const (
	commonShare = 0.3
	commonLeast = 3
	atOnce      = time.Minute
)

// next takes how many paths there are, how many are bad, and how many of them became
// so lately. What was lost in its time is judged for one window more.
func (c *common) next(now time.Time, all, bad, fresh int, window time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	many := func(n int) bool { return n >= commonLeast && float64(n) >= commonShare*float64(all) }
	switch {
	case many(fresh), c.why != "" && many(bad):
		c.why = fmt.Sprintf("%d of %d hosts lose packets since the same minute: this monitor's own path is at fault, or one that they share", bad, all)
		c.until = now.Add(window)
	case now.After(c.until):
		c.why = ""
	}
}

func (c *common) is() bool { return c.text() != "" }

func (c *common) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// A Stream is what is known of a host that is pinged for ever, beside its packets.
type Stream struct {
	State  burst.State
	Score  float64 // evidence that more is lost than usual: see burst.Onset
	Run    int     // how many packets in a row were lost last
	Common string  // the cause that many hosts have in common; "" = none
}
