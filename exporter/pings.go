package main

import (
	"context"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/history"
)

// A pinging is the streams of a fleet, and what a monitor does with them.
type pinging struct {
	*streams
	news chan string // hosts whose path has changed
}

// newPinging needs m.past and m.trips when its first packets are looked at.
func (m *monitor) newPinging(f *fleet.Fleet) *pinging {
	p := &pinging{news: make(chan string, 1024)}
	p.streams = &streams{
		Interval: f.Interval, Recall: m.recall, Remember: m.remember,
		Changed: func(host string) {
			select {
			case p.news <- host:
			default: // so many at once are seen in their next rounds
			}
		},
		Ready: m.scheduler.Soon,
		Looked: func(host string, r looked) {
			m.past.Pings(host, time.Now(), pingsOf(r))
			to, latest := r.Latest()
			m.trips.Add(host, to, time.Now(), latest)
		},
		Failed: func(err error) { m.log.Warn("what is usually lost is not kept over a restart", "why", err) },
	}
	return p
}

// pingsOf is what the history keeps of a look: each packet once, however often it is
// judged.
func pingsOf(r looked) history.Pings {
	sent, trips := r.New()
	return history.NewPings(uint32(sent), uint32(sent-len(trips)), trips)
}

// followed is c with the host's stream to look at, if it is a check of streams.
func (p *pinging) followed(c check.Check) check.Check {
	if c.Kind.Stream == nil {
		return c
	}
	with, err := c.With(following(p.streams))
	if err != nil {
		return c // what was valid without is valid with a stream
	}
	return with
}

// postPaths posts what is newly known of a path at once: it does not wait for its round.
func (m *monitor) postPaths(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case host := <-m.pings.news:
			if c, known := m.streamOf(host); known {
				m.board.Post(c.Run(ctx))
			}
		}
	}
}

// streamOf is the check of host that looks at its stream.
func (m *monitor) streamOf(host string) (check.Check, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.inventory.Hosts {
		if h.Name != host {
			continue
		}
		for _, c := range h.Checks {
			if c.Kind.Stream != nil {
				return c, true
			}
		}
	}
	return check.Check{}, false
}

// keep ends the streams of hosts that f has none for.
func (p *pinging) keep(f *fleet.Fleet) { p.Keep(pinged(f)) }
