package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/standing"
)

const (
	// opinionPatience is how long they may take: less than hoststate.Retry, so that
	// what they say is there when the next bad round is.
	opinionPatience = 5 * time.Second

	// suspectsAtOnce is of how many suspects others are asked at the same time, and
	// suspectsQueued how many wait. In an outage of a whole fleet nobody healthy is
	// left to ask, and who is not asked about is judged by our own evidence.
	suspectsAtOnce = 16
	suspectsQueued = 1000
)

// proxyCheck is how the host's proxy is asked; nil if it has none.
func proxyCheck(h fleet.Host) *check.Check {
	for _, c := range h.Checks {
		if isProxy(c) {
			return &c
		}
	}
	return nil
}

// opinions asks others about suspects, a few at a time.
type opinions struct {
	standings *standing.Fleet
	lookup    check.Lookup
	queue     chan standing.Suspicion
}

func newOpinions(s *standing.Fleet, lookup check.Lookup) *opinions {
	return &opinions{standings: s, lookup: lookup, queue: make(chan standing.Suspicion, suspectsQueued)}
}

// doubt has others asked soon; not if too many wait already.
func (o *opinions) doubt(q standing.Suspicion) {
	select {
	case o.queue <- q:
	default:
	}
}

// run asks until ctx ends.
func (o *opinions) run(ctx context.Context) {
	var all crew.Crew
	defer all.Wait()
	for range suspectsAtOnce {
		all.Go(func() {
			for {
				select {
				case q := <-o.queue:
					o.standings.Hear(q.Suspect.Target.Name, o.ask(ctx, q))
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// ask asks all helpers at once.
func (o *opinions) ask(ctx context.Context, q standing.Suspicion) standing.Opinion {
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, opinionPatience)
	defer cancel()
	at, err := o.address(ctx, q.Suspect.Target)
	if err != nil {
		return standing.Opinion{Asked: now, Said: err.Error()}
	}
	answers := make([]reached, len(q.Helpers))
	var asking crew.Crew
	for i, h := range q.Helpers {
		asking.Go(func() {
			from, err := o.address(ctx, h.Target)
			if err != nil {
				answers[i].said = err.Error()
				return
			}
			answers[i] = reach(ctx, h, from, q.Suspect, at)
		})
	}
	asking.Wait()
	heard := standing.Opinion{Asked: now}
	var said []string
	for i, a := range answers {
		word := "has no opinion"
		switch {
		case a.yes:
			word = "reaches it"
			heard.Reached++
		case a.voted:
			word = "does not reach it"
			heard.Not++
		}
		said = append(said, fmt.Sprintf("%s %s (%s)", q.Helpers[i].Target.Name, word, a.said))
	}
	slices.Sort(said)
	heard.Said = strings.Join(said, ", ")
	return heard
}

// address is where a host is, as the self-checks know to find it.
func (o *opinions) address(ctx context.Context, t metric.Target) (netip.Addr, error) {
	if a, err := netip.ParseAddr(t.Address); err == nil {
		return a.Unmap(), nil
	}
	all, err := o.lookup(ctx, "ip", t.Address)
	if err == nil && len(all) == 0 {
		err = errors.New("no address")
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolving %q: %w", t.Address, err)
	}
	return all[0].Unmap(), nil
}
