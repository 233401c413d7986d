package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/history"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/statusbar"
)

// A past is the history as a monitor tells it. It is told of every snapshot by
// whoever publishes it, and written, as all that waits for a disk, on a goroutine
// of its own.
type past struct {
	*history.History
	log *slog.Logger
	due chan time.Time // there is something to write

	heard func(host string) string // what others say of a host that fails; nil = nobody is asked

	refused complaint // of whoever flushes

	mu   sync.Mutex
	last map[string]hoststate.Status // of each host's newest transition
	told map[string]hoststate.Told
}

// historyFile is its name in the state directory.
const historyFile = "history.db"

const unwritten = "the history was not written: what is new is kept for two hours"

// openPast opens the history. One that cannot be opened is no reason not to watch.
func openPast(ctx context.Context, dir string, log *slog.Logger) *past {
	h, err := history.Open(ctx, filepath.Join(dir, historyFile), time.Now(), func(notice string) { log.Error(notice) })
	if err != nil {
		log.Error("there is no history: uptimes begin with this start, and nothing is kept", "why", err)
	}
	p := &past{History: h, log: log, due: make(chan time.Time, 1), told: map[string]hoststate.Told{}, refused: complaint{what: unwritten}}
	if p.last, err = h.Last(ctx); err != nil {
		log.Error("the last changes of hosts are not known", "why", err)
		p.last = map[string]hoststate.Status{}
	}
	return p
}

// tell takes a snapshot into the history, and what the history knows into the
// snapshot. It waits for no disk. interval is how far two snapshots are apart.
func (p *past) tell(now time.Time, interval time.Duration, hosts []statusbar.Component) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range hosts {
		before := p.told[h.ID]
		from := before.From(h.Standing)
		if !from.IsZero() { // else it never was anything
			if before.Stayed(from, interval, h.Status) {
				p.State(h.ID, before.At, from, before.Status)
			}
			p.State(h.ID, from, now, h.Status)
		}
		if h.CheckedAt.After(before.CheckedAt) {
			p.Latency(h.ID, h.CheckedAt, h.Latency)
		}
		neverSeen := h.Status == hoststate.Unknown && h.CheckedAt.IsZero()
		if was := p.last[h.ID]; was != h.Status && !neverSeen {
			p.last[h.ID] = h.Status
			p.Transition(p.transition(was, h, from, now))
		}
		p.told[h.ID] = hoststate.Told{Standing: h.Standing, At: now}
	}
	p.shares(now, hosts)
}

// write has everything written that was told, soon.
func (p *past) write(now time.Time) {
	select {
	case p.due <- now:
	default: // the disk is slower than the rounds: what is due then writes all
	}
}

// transition is the change of h, with what made it so as its evidence.
func (p *past) transition(was hoststate.Status, h statusbar.Component, from, now time.Time) history.Transition {
	t := history.Transition{
		Host: h.ID, Since: from, Told: now, From: was, To: h.Status,
		Reason: h.Reason, Text: evidence(h.Standing, h.Outcomes),
	}
	if t.Since.IsZero() {
		t.Since = now
	}
	failing := h.Status == hoststate.Down || h.Status == hoststate.Degraded
	switch proof := h.Proof(h.Outcomes); {
	case len(proof) > 0 && h.Status != hoststate.Up:
		t.Fault = proof[0].Fault
	case failing && h.Votes != nil:
		t.Fault, t.Text = metric.FaultProxy, seenElsewhere
	}
	t.Others = p.others(h)
	return t
}

// seenElsewhere is the evidence of a change that this vantage has none for.
const seenElsewhere = "other vantages see it fail: from here all is well"

// others is who else sees h how, and what those said who were asked.
func (p *past) others(h statusbar.Component) string {
	var all []string
	if seen := statusbar.SeenBy(h.Votes, h.Regions); seen != "" {
		all = append(all, seen)
	}
	if p.heard == nil {
		return strings.Join(all, "; ")
	}
	if said := p.heard(h.ID); said != "" {
		all = append(all, "asked: "+said)
	}
	return strings.Join(all, "; ")
}

// evidence is the sentence that tells best why a host became what it is.
func evidence(s hoststate.Standing, outcomes []check.Outcome) string {
	proof := s.Proof(outcomes)
	if len(proof) == 0 {
		return ""
	}
	return proof[0].Check + ": " + proof[0].Summary
}

// keep writes what was told until ctx ends; close writes the rest. first is what else
// waits for a disk, and matters more.
func (p *past) keep(ctx context.Context, first func()) {
	defer first()
	if err := p.Load(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("the history is known in part", "why", err)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-p.due:
			first()
			p.flush(ctx, now)
		}
	}
}

func (p *past) flush(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.Flush(ctx, now); !errors.Is(err, context.Canceled) {
		p.refused.take(p.log, err)
	}
}

func (p *past) close() {
	p.flush(context.Background(), time.Now())
	if err := p.Close(); err != nil {
		p.log.Error("closing the history", "why", err)
	}
}

// shares fills in how much each host worked.
func (p *past) shares(now time.Time, hosts []statusbar.Component) {
	for i := range hosts {
		s := p.Shares(hosts[i].ID, now)
		hosts[i].Uptime = statusbar.Shares{Day: s.Day.Uptime, Month: s.Month.Uptime, Quarter: s.Quarter.Uptime}
		hosts[i].Coverage = statusbar.Shares{Day: s.Day.Coverage, Month: s.Month.Coverage, Quarter: s.Quarter.Coverage}
	}
}

// days is what became of the host's newest 90 days.
func (p *past) days(host string, now time.Time) []statusbar.Day {
	all := make([]statusbar.Day, 0, 90)
	for _, s := range p.Days(host, now) {
		all = append(all, statusbar.Day{
			Up: s[hoststate.Up], Degraded: s[hoststate.Degraded], Down: s[hoststate.Down],
			Maintenance: s[hoststate.Maintenance], Unknown: s[hoststate.Unknown],
		})
	}
	return all
}

// changes is the newest changes of all hosts, as the public may know them.
func (p *past) changes() []statusbar.Change {
	var all []statusbar.Change
	for _, t := range p.Recent() {
		all = append(all, statusbar.Change{
			Host: t.Host, Since: t.Since, Told: t.Told, From: t.From, To: t.To, Reason: string(t.Reason),
		})
	}
	return all
}
