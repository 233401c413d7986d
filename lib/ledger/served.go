package ledger

import (
	"maps"
	"time"
)

// served is what is told of a ledger from memory: what was committed last.
type served struct {
	totals
	users     map[string]user
	billed    int64            // bytes out of all users together
	other     sums             // of the users that UserSamples does not name
	floor     sums             // what other was when it was last seen
	days      map[int64]int64  // bytes out by 15-minute bucket of the last day and a bit
	holes     map[string]int64 // by kind
	lag       int64            // bytes; -1 = not known yet
	committed int64            // milliseconds
	counting  bool             // false while another process does

	publication
}

// A publication is how far the fleet's ledger is.
type publication struct {
	publishing  bool
	publishedOK bool  // the last try went well
	published   int64 // when the last that did, in milliseconds
	unsent      int64 // commits
}

// A user is what one consumed, and since when it is known.
type user struct {
	sums
	since int64 // seconds
}

// set puts a stored total where it belongs.
func (s *served) set(name string, value int64) {
	const holes = "holes "
	switch {
	case name == "other out":
		s.other.Out = value
	case name == "other in":
		s.other.In = value
	case name == "other requests":
		s.other.Requests = value
	case len(name) > len(holes) && name[:len(holes)] == holes:
		s.holes[name[len(holes):]] = value
	default:
		s.totals.set(name, value)
	}
}

// remember adds what was committed to what is served.
func (l *Ledger) remember(b *batch, r roll, other sums, now time.Time) {
	lag := l.tail.Lag()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.served
	s.plus(b.counter.totals)
	for bucket, all := range b.counter.sums {
		for _, more := range all.all() {
			s.days[bucket] += more.Out
		}
	}
	for name, more := range r.users {
		u, known := s.users[name]
		if !known {
			u.since = now.Unix()
		}
		u.sums = u.plus(more)
		s.users[name] = u
		s.billed += more.Out
	}
	maps.DeleteFunc(s.days, func(bucket, _ int64) bool { return bucket < now.Add(-25*time.Hour).Unix() })
	for _, h := range b.holes {
		if h.Count > 0 {
			s.holes[h.Kind] += h.Count
		}
	}
	s.other, s.lag, s.committed = other, lag, now.UnixMilli()
}

// isNew says that nothing was counted yet.
func (l *Ledger) isNew() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.served.lines {
		if n > 0 {
			return false
		}
	}
	return true
}

func (l *Ledger) setLag(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served.lag = n
}

func (l *Ledger) setCounting(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served.counting = yes
}

// Bytes is what all users together were sent, ever and in the last 24 hours: nobody's
// requests are in it, those of excluded users are not.
func (l *Ledger) Bytes() (total, day uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Now().Add(-24 * time.Hour).Unix()
	for bucket, n := range l.served.days {
		if bucket >= since {
			day += uint64(n)
		}
	}
	return uint64(l.served.billed), day
}
