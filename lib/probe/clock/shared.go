package clock

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	// reask is how often the same servers are asked at most: the least poll interval
	// that public servers bear, MINPOLL of RFC 5905, section 7.2, is 16 s; clients of
	// pool.ntp.org begin with 64 s.
	reask = 64 * time.Second

	// believed is how long a majority is believed that cannot be asked again. What
	// the clock may drift meanwhile is added to its interval: half a second.
	believed = 1000 * time.Second
)

// A Shared is what majorities of servers said of this machine's clock, for all the
// checks that ask the same ones: the monitor's clock is one, and however many hosts
// are held against it, its references are asked once a minute. The zero Shared is
// ready; nil asks every time.
type Shared struct {
	mu     sync.Mutex
	proofs map[string]*proof

	now func() instant                               // nil = both clocks of this machine
	ask func(context.Context, []string) MonitorClock // nil = majority
}

// String is nothing: a Config with another Shared is the same Config.
func (s *Shared) String() string { return "" }

// A proof is what one set of servers said.
type proof struct {
	turn  chan struct{} // holds one while they are asked; guards the rest
	clock MonitorClock
	at    instant
}

// Prove is where the monitor's clock stands by a majority of the servers, at least
// three NTP servers by name or address.
func (s *Shared) Prove(ctx context.Context, servers []string) MonitorClock {
	if s == nil {
		return majority(ctx, servers)
	}
	p := s.of(strings.Join(servers, ","))
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return MonitorClock{By: "no answer in time"}
	}
	read, ask := s.now, s.ask
	if read == nil {
		read = now
	}
	if ask == nil {
		ask = majority
	}
	if p.clock.Proven && read().since(p.at) < reask {
		return p.clock.after(p.at, read())
	}
	fresh := ask(ctx, servers)
	at := read()
	switch {
	case fresh.Proven:
		p.clock, p.at = fresh, at
		return fresh
	case p.clock.Proven && at.since(p.at) < believed:
		return p.clock.after(p.at, at)
	default:
		return fresh
	}
}

func (s *Shared) of(key string) *proof {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proofs == nil {
		s.proofs = map[string]*proof{}
	}
	p := s.proofs[key]
	if p == nil {
		p = &proof{turn: make(chan struct{}, 1)}
		s.proofs[key] = p
	}
	return p
}

// after is what is known at now of a clock that was proven then: it moved by what it
// was set, and may have drifted.
func (c MonitorClock) after(then, now instant) MonitorClock {
	set, drift := now.stepped(then), time.Duration(maxSlew*float64(now.since(then)))
	c.Lo += set - drift
	c.Hi += set + drift
	return c
}
