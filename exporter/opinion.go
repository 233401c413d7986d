package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

const (
	helpers = 3 // that are asked about a suspect

	// opinionPatience is how long they may take: less than hoststate.Retry, so that
	// what they say is there when the next bad round is.
	opinionPatience = 5 * time.Second

	// suspectsAtOnce is of how many suspects others are asked at the same time, and
	// suspectsQueued how many wait. In an outage of a whole fleet nobody healthy is
	// left to ask, and who is not asked about is judged by our own evidence.
	suspectsAtOnce = 16
	suspectsQueued = 1000
)

// An opinion is what others said of a host that fails here.
type opinion struct {
	hoststate.Opinion
	asked time.Time // when they were asked
	said  string    // for the operator: who said what
}

// A suspicion is whom to ask about whom.
type suspicion struct {
	suspect check.Check   // its squid_auth
	helpers []check.Check // theirs
}

// proxyCheck is how the host's proxy is asked.
func proxyCheck(h fleet.Host) (c check.Check, ok bool) {
	for _, c := range h.Checks {
		if isProxy(c) {
			return c, true
		}
	}
	return check.Check{}, false
}

// ask asks healthy proxies of other providers about w, of as many as there are.
func (s *standings) ask(w *watched) {
	suspect, ok := proxyCheck(w.host)
	if !ok {
		return
	}
	q := suspicion{suspect: suspect}
	now, asked := time.Now(), map[string]bool{provider(w.host): true}
	for _, other := range s.shuffled() {
		by := provider(other.host)
		c, ok := proxyCheck(other.host)
		if ok && !asked[by] && s.published(other, now).Status == hoststate.Up {
			asked[by] = true
			q.helpers = append(q.helpers, c)
		}
		if len(q.helpers) == helpers {
			break
		}
	}
	if len(q.helpers) > 0 {
		s.doubt(q)
	}
}

// shuffled is the hosts in another order each time, so that the same three are not
// asked about everybody.
func (s *standings) shuffled() []*watched {
	all := make([]*watched, 0, len(s.watched))
	for _, w := range s.watched {
		all = append(all, w)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// hear takes the answer of those who were asked about a host.
func (s *standings) hear(host string, o opinion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watched[host]; w != nil && o.asked.After(w.opinion.asked) {
		w.opinion = o
	}
}

// opinions asks others about suspects, a few at a time.
type opinions struct {
	standings *standings
	lookup    check.Lookup
	queue     chan suspicion
}

func newOpinions(s *standings, lookup check.Lookup) *opinions {
	return &opinions{standings: s, lookup: lookup, queue: make(chan suspicion, suspectsQueued)}
}

// doubt has others asked soon; not if too many wait already.
func (o *opinions) doubt(q suspicion) {
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
					o.standings.hear(q.suspect.Target.Name, o.ask(ctx, q))
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// ask asks all helpers at once.
func (o *opinions) ask(ctx context.Context, q suspicion) opinion {
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, opinionPatience)
	defer cancel()
	at, err := o.address(ctx, q.suspect.Target)
	if err != nil {
		return opinion{asked: now, said: err.Error()}
	}
	answers := make([]reached, len(q.helpers))
	var asking crew.Crew
	for i, h := range q.helpers {
		asking.Go(func() {
			from, err := o.address(ctx, h.Target)
			if err != nil {
				answers[i].said = err.Error()
				return
			}
			answers[i] = reach(ctx, h, from, q.suspect, at)
		})
	}
	asking.Wait()
	heard := opinion{asked: now}
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
		said = append(said, fmt.Sprintf("%s %s (%s)", q.helpers[i].Target.Name, word, a.said))
	}
	slices.Sort(said)
	heard.said = strings.Join(said, ", ")
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
