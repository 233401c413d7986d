// Package statusbar presents what hoststate decided: status.json, the page, the
// badges, and the same in the spelling of Statuspage. It decides nothing.
//
// What is shown is a snapshot, built once per completed round and never changed.
// A handler picks its bytes and stamps nothing, so an engine that hangs cannot
// renew the lease on what it measured before.
package statusbar

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// Config is what a Bar shows besides the states of hosts.
type Config struct {
	Page     Page
	Interval time.Duration // one round
	StateDir string        // keeps the last snapshot over a restart; "" = nowhere

	// PublishDir gets the newest snapshot as files; "" = it is not written.
	PublishDir string

	// Bytes is what the ledger knows, by host. It is asked once per snapshot and
	// must answer at once; nil = nothing is known.
	Bytes func() map[string]Bytes

	// Days is the host's newest 90 days up to now, and Changes the newest changes of
	// all hosts, the newest first. Both answer at once; nil = nothing is known.
	Days    func(host string, now time.Time) []Day
	Changes func() []Change

	Operator Operator
}

// An Operator is where the operator's pages get what nobody else may see. Each field
// may be nil.
type Operator struct {
	Labels func(host string) map[string]string
	Usage  func() []Usage                                   // of squid's users, the greatest first
	Others func(host string) (said string, asked time.Time) // who was asked about a host that fails, and said what; "" = nobody
	// Past is the host's time up to now in stretches of step, and Events its newest
	// changes with their evidence, the newest first. They may ask a disk.
	Past   func(ctx context.Context, host string, from, to time.Time, step time.Duration) ([]Stretch, error)
	Events func(ctx context.Context, host string) ([]Event, error)
}

// A Page is what the page is called.
type Page struct{ ID, Name, URL string }

// A Host is what the public may know of a host apart from its state.
type Host struct {
	ID      string // the inventory's name
	Name    string // as people call it; "" = ID
	Group   string
	City    string
	Country string
}

// A Component is a host and what it is now.
type Component struct {
	Host
	hoststate.Standing
	Uptime, Coverage Shares
	Outcomes         []check.Outcome `json:"-"` // the latest of each check, for the operator's page alone
}

// Shares are ratios, 0 to 1, of the last day, 30 days and 90 days; nil = not known.
type Shares struct {
	Day     *float64 `json:"24h"`
	Month   *float64 `json:"30d"`
	Quarter *float64 `json:"90d"`
}

// A Bar holds the newest snapshot and serves it.
type Bar struct {
	drawn *drawings

	mu     sync.Mutex // one Publish, Restore or Reconfigure at a time
	config Config
	seq    int64
	newest time.Time // the now of the last Publish

	saving sync.Mutex // one Save at a time

	delivering  sync.Mutex // one Deliver at a time, which alone knows
	delivered   *edition   // what it wrote last,
	deliveredTo string     // and where to

	current atomic.Pointer[snapshot]
}

// New is a Bar that says of every host that nothing was measured yet.
//
// The numbers of its snapshots start at the time in Unix seconds. Snapshots are
// built more seldom than once a second, so those of a later process are greater,
// even if the kept snapshot was lost. Restore sees to it where the clock was set
// back.
func New(config Config, hosts []Host, now time.Time) *Bar {
	b := &Bar{drawn: draw(), config: config, seq: now.Unix()}
	components := make([]Component, len(hosts))
	for i, h := range hosts {
		components[i] = Component{Host: h, Standing: hoststate.Host{}.At(now)}
	}
	nothingYet := hoststate.Monitor{Reasons: []metric.Reason{metric.ReasonNotMeasured}}
	b.publish(content{generatedAt: now, hosts: components, monitor: nothingYet})
	return b
}

// Reconfigure changes what the next snapshots are built with.
func (b *Bar) Reconfigure(config Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.config = config
}

// Publish builds a snapshot of the hosts as they stand at now. dataAt is when
// the newest round was completed: the lease counts from it, whatever now is. As
// long as it is zero, no round was completed, and what is shown stays. The hosts
// and what they point to belong to the Bar from here on.
func (b *Bar) Publish(now, dataAt time.Time, hosts []Component, m hoststate.Monitor) {
	if dataAt.IsZero() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.newest) {
		return // two were built at once, and the older comes last
	}
	b.newest = now
	// Seconds are what status.json shows: nobody may believe the rest of one more
	// than its readers do. Add keeps the monotonic reading, Truncate would not.
	dataAt = dataAt.Add(-time.Duration(dataAt.Nanosecond()))
	b.publish(content{generatedAt: now, dataAt: dataAt, hosts: hosts, monitor: m})
}

// publish completes c and shows it.
func (b *Bar) publish(c content) {
	b.seq++
	c.interval, c.seq = b.config.Interval, b.seq
	b.show(c)
}

// show makes c what the handlers serve.
func (b *Bar) show(c content) {
	c.page, c.operator = b.config.Page, b.config.Operator
	for i := range c.hosts {
		if c.hosts[i].Name == "" {
			c.hosts[i].Name = c.hosts[i].ID
		}
	}
	c.fleet = b.fleet(c)
	b.remember(&c)
	b.set(c)
}

// set makes a snapshot of c the one that is served. What everybody polls is encoded by
// then: until it is, the last one is served, and nobody waits.
func (b *Bar) set(c content) {
	s := newSnapshot(b.drawn, c)
	s.live.find("/status.json")
	b.current.Store(s)
}

// content is what a snapshot says, before it is spelled.
type content struct {
	page        Page
	interval    time.Duration
	seq         int64
	dataAt      time.Time // zero: nothing was measured yet
	generatedAt time.Time
	hosts       []Component
	monitor     hoststate.Monitor
	fleet       fleetDocument
	days        func() [][]Day // of each of hosts, pastDays of them
	changes     []Change
	operator    Operator
	lapsed      bool // the lease is over
}

func (c content) lease() hoststate.Lease { return hoststate.Lend(c.dataAt, c.interval) }

func (c content) rollUp() hoststate.Page {
	standings := make([]hoststate.Standing, len(c.hosts))
	for i, h := range c.hosts {
		standings[i] = h.Standing
	}
	return hoststate.RollUp(standings, c.monitor, c.lapsed)
}

// afterLease is c once its lease is over: the same evidence, not believed any more.
func (c content) afterLease() content {
	hosts := make([]Component, len(c.hosts))
	for i, h := range c.hosts {
		h.Standing = h.Lapsed()
		hosts[i] = h
	}
	c.hosts, c.lapsed = hosts, true
	c.monitor.Reasons = append(slices.Clone(c.monitor.Reasons), metric.ReasonStale)
	return c
}

// A snapshot is a content with its spellings, during its lease and after.
type snapshot struct {
	lease  hoststate.Lease
	live   *edition
	lapsed func() *edition
}

func newSnapshot(d *drawings, c content) *snapshot {
	return &snapshot{
		lease:  c.lease(),
		live:   newEdition(d, c),
		lapsed: sync.OnceValue(func() *edition { return newEdition(d, c.afterLease()) }),
	}
}

// at is what may be said at now. What was never measured has no lease to lose.
func (s *snapshot) at(now time.Time) *edition {
	if !s.lease.From.IsZero() && s.lease.Over(now) {
		return s.lapsed()
	}
	return s.live
}

// now is what may be said now.
func (b *Bar) now() *edition { return b.current.Load().at(time.Now()) }
