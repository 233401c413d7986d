// Package selfcheck answers whether this monitor may be believed: it looks at the
// monitor's own resolver, route and clock, so that their faults are not taken for
// those of the hosts that it watches.
//
// What is measured (resolver.go, route.go, clock.go) is kept apart from what it
// amounts to (judge.go), which is computed without any I/O.
package selfcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"milepost/lib/crew"
)

const (
	// Every is how often a monitor looks at itself.
	Every = 10 * time.Second

	// patience is how long one try of a test waits. Two tries, behind a self-check
	// that is under way already, take less than the ten seconds that a round waits
	// for its confirmation.
	patience = 2 * time.Second

	// apart is how far apart self-checks begin at least, whoever asks for them: a
	// fleet with many bad hosts must not become a flood for other people's resolvers.
	apart = time.Second

	// late is how late the monitor's own work may be before its failures may be its
	// own: half of the usual timeout.
	late = 5 * time.Second
)

// A Config says what this monitor must see before it may blame others. A list that
// is empty leaves its test out: what is not tested casts no doubt. The function
// fields are the outer world; nil is the real one.
type Config struct {
	Resolve   []string // names that exist for everybody, in zones of different owners
	Resolvers []string // other resolvers, ADDR or ADDR:PORT
	Ping      []string // ADDR: an ICMP echo; ADDR:PORT: a TCP connection
	Vantage   Vantage

	// System asks the machine's own resolver; network is ip, ip4 or ip6.
	System func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Ask asks one of Resolvers.
	Ask func(ctx context.Context, server netip.AddrPort, network, host string) ([]netip.Addr, error)
	// Reach is nil if a reference answers; port 0 stands for an ICMP echo.
	Reach func(ctx context.Context, ref netip.AddrPort) error
	// NoRoute tells of a missing default route, "" if there is one.
	NoRoute func() string
	// Clock is the wall clock and a monotonic one.
	Clock func() (wall time.Time, mono time.Duration)
	// Control is nil if what must work on this machine does, and what must fail does.
	Control func(ctx context.Context) error

	// Prove asks a majority of references how far this monitor's clock is off; nil =
	// there are none. It sees to it that they are not asked too often.
	Prove func(ctx context.Context) Proof
	// Lag is how late the monitor's own work is, and how long a round of it lasts;
	// nil = not known.
	Lag func() (lag, round time.Duration)
	// Paths is why so many paths became bad at once that the cause must be one, near
	// this monitor; "" = they did not; nil = nobody looks.
	Paths func() string

	// Kept is the file that keeps the addresses of names over a restart; "" = nowhere.
	Kept string
}

// A Vantage is the place this monitor looks from.
type Vantage struct{ Name, Provider, Region string }

// A Checker looks at the monitor that it is part of.
type Checker struct {
	Config

	resolvers []netip.AddrPort
	refs      []netip.AddrPort // port 0 = an ICMP echo
	known     memory
	trouble   error // with the file of known; guarded by turn

	turn chan struct{} // holds one while a self-check is made; guards hand and told
	hand reading       // of the clock, at the last self-check
	told func(State)

	mu   sync.Mutex
	last State
}

// New is a Checker that begins to watch the clock now. The error joins what is
// wrong with c's lists.
func New(c Config) (*Checker, error) {
	k := &Checker{Config: c, turn: make(chan struct{}, 1)}
	var faults [3]error
	faults[0] = names(c.Resolve)
	k.resolvers, faults[1] = servers("resolvers", c.Resolvers, 53)
	k.refs, faults[2] = servers("ping", c.Ping, 0)
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	if k.System == nil {
		k.System = (&net.Resolver{PreferGo: true}).LookupNetIP
	}
	if k.Ask == nil {
		k.Ask = ask
	}
	if k.Reach == nil {
		k.Reach = reach
	}
	if k.NoRoute == nil {
		k.NoRoute = func() string { return noDefaultRoute(k.refs) }
	}
	if k.Clock == nil {
		k.Clock = clock(time.Now())
	}
	if k.Control == nil {
		k.Control = control
	}
	k.hand = k.read()
	k.load()
	return k, nil
}

// Run makes a self-check at once and then whenever the time every (0 = Every) has
// passed, until ctx ends. Meanwhile told hears of every self-check, of those that Now makes
// too: one at a time, in order, and before Now returns; it must not call Now.
func (k *Checker) Run(ctx context.Context, every time.Duration, told func(State)) {
	if every <= 0 {
		every = Every
	}
	k.tell(told)
	defer k.tell(nil)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	defer k.save(0)
	for ctx.Err() == nil {
		k.Now(ctx)
		k.save(settled)
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
}

func (k *Checker) tell(told func(State)) {
	k.turn <- struct{}{}
	k.told = told
	<-k.turn
}

// Now is the result of a self-check that began after Now was called. Many who ask
// at once share one. If ctx ends first it is the last result, with its older At.
func (k *Checker) Now(ctx context.Context) State {
	asked := time.Now()
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return k.Last()
	}
	last := k.Last()
	if last.At.After(asked) {
		return last
	}
	k.rest(ctx, last)
	s, whole := k.look(ctx)
	if !whole {
		return k.Last()
	}
	k.mu.Lock()
	k.last = s
	k.mu.Unlock()
	if k.told != nil {
		k.told(s)
	}
	return s
}

// rest waits until it is polite to ask others again.
func (k *Checker) rest(ctx context.Context, last State) {
	if len(k.Resolve) == 0 && len(k.refs) == 0 {
		return
	}
	wait := time.NewTimer(time.Until(last.At.Add(apart)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// Last is the result of the last self-check; the zero State before the first.
func (k *Checker) Last() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// look makes all tests at once. A self-check that ctx cut short says nothing.
func (k *Checker) look(ctx context.Context) (s State, whole bool) {
	began := time.Now()
	hand := k.read()
	f := facts{names: k.Resolve, servers: k.resolvers, refs: k.Ping, jump: hand.jumpSince(k.hand)}
	var tests crew.Crew
	tests.Go(func() { f.own, f.others = k.resolver(ctx) })
	tests.Go(func() { f.route = k.route(ctx) })
	tests.Go(func() { f.proof = k.prove(ctx) })
	tests.Go(func() { f.control = k.Control(ctx) })
	tests.Wait()
	if k.Lag != nil {
		f.lag, f.round = k.Lag()
	}
	if k.Paths != nil {
		f.watched, f.common = true, k.Paths()
	}
	if ctx.Err() != nil {
		return State{}, false
	}
	if f.route.fails() {
		f.noRoute = k.NoRoute()
	}
	k.hand = hand
	s = judge(f)
	if k.trouble != nil {
		s.note("%v", k.trouble)
	}
	s.At, s.Took = began, time.Since(began)
	return s, true
}
