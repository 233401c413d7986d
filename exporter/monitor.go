package main

import (
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"milepost/lib/check"
	"milepost/lib/control"
	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/maintenance"
	"milepost/lib/metric"
	"milepost/lib/prom"
	"milepost/lib/schedule"
	"milepost/lib/selfcheck"
	"milepost/lib/standing"
	"milepost/lib/statusbar"
	"milepost/lib/version"
)

// A monitor is a running exporter.
type monitor struct {
	flags flags
	log   *slog.Logger

	board      *schedule.Board
	scheduler  *schedule.Scheduler
	bar        *statusbar.Bar
	collector  *prom.Collector
	billing    *billing
	past       *past
	pings      *pinging
	news       publisher
	trips      *remembered
	refusals   *refusals
	standings  *standing.Fleet
	calendar   *maintenance.Calendar
	opinions   *opinions
	electorate *electorate // nil = this vantage judges alone

	states      statusbar.HostStatusFile
	reloadAsked chan chan error
	hangup      <-chan os.Signal // SIGHUP; nil = nobody sends any
	stateDir    string
	unsaved     complaint // of whoever saves
	undelivered complaint
	drilling    atomic.Bool // a drill is under way
	ending      atomic.Bool // answers that are under way are finished, and no more

	mu        sync.Mutex
	inventory *fleet.Fleet       // as serve runs it
	checker   *selfcheck.Checker // of the references that the inventory names
	renewed   chan struct{}      // closed when checker is another one
	dataAt    time.Time          // when the newest round was completed
	reloaded  time.Time          // when the inventory was last read without a fault
	reloadOK  bool
}

// newChecker is a checker of the references that f names. Kept is the file of the last
// good addresses.
func newChecker(f *fleet.Fleet, kept string) (*selfcheck.Checker, error) {
	return selfcheck.New(checkerConfig(f, kept))
}

func checkerConfig(f *fleet.Fleet, kept string) selfcheck.Config {
	return selfcheck.Config{
		Resolve: f.References.Resolve, Resolvers: f.References.Resolvers, Ping: f.References.Ping,
		Vantage: selfcheck.Vantage{Name: f.Vantage.Name, Provider: f.Vantage.Provider, Region: f.Vantage.Region},
		Kept:    kept,
	}
}

func newMonitor(f flags, inventory *fleet.Fleet, log *slog.Logger) (*monitor, error) {
	dir, err := stateDir(inventory.StateDir, f.StateDir)
	if err == nil {
		err = control.Free(context.Background(), dir)
	}
	if err != nil {
		return nil, err
	}
	m := &monitor{
		flags: f, log: log, board: &schedule.Board{}, stateDir: dir, news: newPublisher(),
		reloadAsked: make(chan chan error), renewed: make(chan struct{}),
		reloadOK: true, reloaded: time.Now(), unsaved: complaint{what: unsaved}, undelivered: complaint{what: undelivered},
	}
	m.standings = &standing.Fleet{Work: m.work, Changed: m.hostChanged}
	m.standings.Believe(hoststate.Monitor{Total: 1})
	m.opinions = newOpinions(m.standings, m.lookup)
	if m.electorate, err = newElectorate(m, inventory); err != nil {
		return nil, err
	}
	m.scheduler = &schedule.Scheduler{
		Board: m.board, Every: inventory.Interval,
		Again: m.again, RoundDone: m.roundDone,
		Confirm: m.confirm,
	}
	m.pings = m.newPinging(inventory)
	if m.checker, err = m.newChecker(inventory); err != nil {
		return nil, err
	}
	m.inventory = inventory
	if m.calendar, err = maintenance.Open(filepath.Join(dir, calendarFile), time.Now()); err != nil {
		log.Error("maintenance that was started by hand is forgotten", "why", err)
	}
	if m.billing, err = openBilling(inventory, dir, log); err != nil {
		return nil, err
	}
	m.collector = &prom.Collector{
		Outcomes: m.board.All, Classic: m.hasClassic,
		Dropped: func(err error) { log.Warn("a metric was left out", "why", err) },
	}
	m.trips = &remembered{pinger: byItself()}
	m.refusals = openRefusals(dir, log)
	m.past = openPast(context.Background(), dir, log)
	m.past.heard = func(host string) string { return m.standings.Heard(host).Said }
	m.bar = statusbar.New(m.barConfig(inventory, dir), publicHosts(inventory), time.Now())
	if err := m.bar.Restore(time.Now()); err != nil {
		log.Warn("the last snapshot is not shown", "why", err)
	}
	m.adopt(inventory)
	m.collector.Counted = m.pings.Histograms()
	if f.Compat == smokepingProber {
		m.collector.More = append(m.collector.More, newSmokeping(m.pings.streams, m.lastReload))
	}
	m.collector.Others = []iter.Seq[metric.Sample]{
		m.samples, m.placeSamples, m.pings.Samples(), m.past.Samples, m.bar.Samples(), m.scheduler.Samples(), m.billing.samples, m.billing.squidSamples,
		func(yield func(metric.Sample) bool) { m.check().Samples()(yield) },
	}
	within := hoststate.RedWithin(inventory.Interval, inventory.Timeout, hoststate.Retry)
	if m.electorate != nil {
		within = m.electorate.redWithin(inventory.Timeout)
	}
	log.Info("an outage is shown as down", "within", within.String())
	return m, nil
}

func (m *monitor) barConfig(f *fleet.Fleet, dir string) statusbar.Config {
	return statusbar.Config{
		Page:     statusbar.Page{ID: f.Status.Page.ID, Name: f.Status.Page.Name, URL: f.Status.Page.URL},
		Interval: f.Interval, StateDir: dir, Bytes: m.bytes,
		Days: m.past.days, Changes: m.past.changes, Operator: m.operatorSees(), PublishDir: f.Status.PublishDir,
	}
}

// bytes is what the ledger knows of hosts: of the one it counts on.
func (m *monitor) bytes() map[string]statusbar.Bytes { return m.billing.bytes() }

func publicHosts(f *fleet.Fleet) []statusbar.Host {
	var all []statusbar.Host
	for _, h := range f.Hosts {
		all = append(all, publicHost(h))
	}
	return all
}

func publicHost(h fleet.Host) statusbar.Host {
	return statusbar.Host{ID: h.Name, Group: h.Group, City: h.City, Country: h.Country}
}

// calendarFile and addressesFile are their names in the state directory.
const (
	calendarFile  = "maintenance.json"
	addressesFile = "addresses.json"
)

// newChecker is a checker that knows of this process: its clock's references, how late
// its own work is, and what happened to the packets of all hosts at once.
func (m *monitor) newChecker(f *fleet.Fleet) (*selfcheck.Checker, error) {
	k, err := newChecker(f, filepath.Join(m.stateDir, addressesFile))
	if err != nil {
		return nil, err
	}
	k.Lag, k.Paths = m.scheduler.Lag, m.pings.Common
	if servers := f.References.NTP; len(servers) > 0 {
		k.Prove = proving(servers)
	}
	return k, nil
}

// watching is the inventory of now.
func (m *monitor) watching() *fleet.Fleet {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inventory
}

// check is the checker of now.
func (m *monitor) check() *selfcheck.Checker {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.checker
}

// watch runs the checks, the self-checks and the counting until ctx ends.
func (m *monitor) watch(ctx context.Context) {
	m.tellNothing()
	defer m.tellNothing()
	var all crew.Crew
	all.Go(func() { m.control(ctx) })
	m.believe(m.check().Now(ctx)) // a verdict stands on a self-check before it
	all.Go(func() { m.statesAge(ctx) })
	all.Go(func() { m.scheduler.Run(ctx) })
	all.Go(func() { m.selfchecks(ctx) })
	all.Go(func() { m.opinions.run(ctx) })
	if m.electorate != nil {
		all.Go(func() { m.electorate.run(ctx) })
	}
	all.Go(func() { m.billing.follow(ctx) })
	all.Go(func() { m.pingAndKeep(ctx) })
	all.Go(func() { m.news.run(ctx, m.publish) })
	all.Go(func() { m.postPaths(ctx) })
	all.Go(func() { m.refusals.run(ctx) })
	all.Wait()
}

// pingAndKeep sends packets, and writes what is to be kept, until ctx ends. What the
// packets taught is the last that is written.
func (m *monitor) pingAndKeep(ctx context.Context) {
	defer m.past.close()
	var pinging crew.Crew
	defer pinging.Wait()
	pinging.Go(func() { m.pings.Run(ctx) })
	m.past.keep(ctx, m.save)
}

// selfchecks looks whether this monitor may be believed, with the references of
// the inventory of now.
func (m *monitor) selfchecks(ctx context.Context) {
	for ctx.Err() == nil {
		m.mu.Lock()
		checker, renewed := m.checker, m.renewed
		m.mu.Unlock()
		until, stop := context.WithCancel(ctx)
		var waiting crew.Crew
		waiting.Go(func() {
			select {
			case <-renewed:
				stop()
			case <-until.Done():
			}
		})
		checker.Run(until, 0, m.believe)
		stop()
		waiting.Wait()
	}
}

// confirm makes a self-check that begins now, and says that there was time for it.
func (m *monitor) confirm(ctx context.Context) bool {
	asked := time.Now()
	return m.check().Now(ctx).At.After(asked)
}

// sightOf is how far a monitor that found this of itself may be believed.
func sightOf(s selfcheck.State) hoststate.Monitor {
	m := hoststate.Monitor{Total: 1, Healthy: 1, Reasons: s.Reasons()}
	if s.Sight == selfcheck.Blind {
		m.Healthy = 0
	}
	return m
}

// believe takes the result of a self-check.
func (m *monitor) believe(s selfcheck.State) {
	m.board.Doubt(s.Why, s.Reason, s.At)
	sight := sightOf(s)
	if !m.standings.Believe(sight) {
		return
	}
	if s.Why != "" {
		m.log.Warn("this monitor cannot be believed: its failures count as unknown", "why", s.Why)
	} else {
		m.log.Info("this monitor may be believed", "sight", sight.Sight())
	}
	for _, n := range s.Notes {
		m.log.Warn(n)
	}
	m.news.soon()
}

// again takes a round of a host into its state. A host that changed is published at
// once, and so is what was looked at out of turn: neither waits for the rest of the fleet.
func (m *monitor) again(r schedule.Round) (time.Duration, bool) {
	changed, after, again := m.standings.Take(r.Host, r.Outcomes, r.Ended)
	if changed || r.Again {
		m.news.soon()
	}
	return after, again
}

// roundDone publishes what a round of the fleet amounts to.
func (m *monitor) roundDone(at time.Time) {
	m.mu.Lock()
	m.dataAt = at
	m.mu.Unlock()
	m.news.soon()
}

// alive returns once everything that the work goes through can be had: what has
// locked itself out does not feed the watchdog.
func (m *monitor) alive() {
	m.mu.Lock()
	_ = m.standings.Seen()
	m.mu.Unlock()
	_ = m.board.Of("")
	_, _ = m.scheduler.Lag()
}

// publish is for the publisher alone: history, files and snapshots are told in order.
func (m *monitor) publish(now time.Time) {
	m.mu.Lock()
	if m.dataAt.IsZero() {
		m.mu.Unlock()
		return // no round of the fleet was completed: there is nothing to tell yet
	}
	var all []statusbar.Component
	states := map[string]hoststate.Status{}
	for _, h := range m.inventory.Hosts {
		standing := m.standings.Stand(h.Name, now)
		states[h.Name] = standing.Status
		all = append(all, statusbar.Component{
			Host: publicHost(h), Standing: standing, Outcomes: sentences(m.board.Of(h.Name)),
		})
	}
	f, dataAt, sight := m.inventory, m.dataAt, m.standings.Seen()
	m.mu.Unlock()
	m.past.tell(now, f.Interval, all)
	m.bar.Publish(now, dataAt, all, sight)
	m.past.write(now)
	m.tellStates(f, dataAt, func(name string) hoststate.Status { return states[name] })
}

// sentences is what of outcomes is told to people. What was measured is most of their
// memory, and is Prometheus', which asks the board.
func sentences(outcomes []check.Outcome) []check.Outcome {
	for i := range outcomes {
		outcomes[i].Findings = nil
	}
	return outcomes
}

// What is told of a state directory, and of a directory for others, that take nothing.
const (
	unsaved     = "the snapshot is not kept over a restart"
	undelivered = "the status is not published as files"
)

// save puts the newest snapshot where it outlives this process.
func (m *monitor) save() {
	m.unsaved.take(m.log, m.bar.Save())
	m.undelivered.take(m.log, m.bar.Deliver())
}

// adopt makes f the inventory that is watched.
func (m *monitor) adopt(f *fleet.Fleet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var hosts []schedule.Host
	for i, h := range f.Hosts {
		for j := range h.Checks {
			c := &f.Hosts[i].Checks[j]
			*c = m.trips.feed(*c)
			c.Lookup = m.lookup
			*c = m.refusals.remembered(m.pings.followed(*c))
		}
		hosts = append(hosts, schedule.Host{Name: h.Name, Every: f.Interval, Checks: f.Hosts[i].Checks})
	}
	m.inventory = f
	m.calendar.Replace(f.Maintenance)
	var doubt func(standing.Suspicion)
	if f.Status.SecondOpinion {
		doubt = m.opinions.doubt
	}
	if note := opinionNote(f); note != "" {
		m.log.Warn(note)
	}
	m.standings.Watch(rosterOf(f, doubt))
	m.pings.keep(f)
	m.trips.keep(f)
	m.scheduler.Replace(hosts)
}

// lookup resolves names as the self-check of now knows to.
func (m *monitor) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return m.check().Lookup(ctx, network, host)
}

// lastReload is when the inventory was last read without a fault, and whether the last
// time was without.
func (m *monitor) lastReload() (at time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reloaded, m.reloadOK
}

// samples are the exporter's own.
func (m *monitor) samples(yield func(metric.Sample) bool) {
	at, ok := m.lastReload()
	for _, s := range []metric.Sample{
		{Metric: "config_last_reload_successful", Help: "Whether the inventory was read without a fault the last time it was read.", Value: truth(ok)},
		{Metric: "config_last_reload_success_timestamp_seconds", Help: "When the inventory was last read without a fault.", Value: float64(at.UnixMilli()) / 1000},
		{Metric: "build_info", Help: "Which milepost this is.", Labels: []string{"version", version.String()}, Value: 1},
	} {
		if !yield(s) {
			return
		}
	}
}
