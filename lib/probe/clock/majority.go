package clock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"milepost/lib/crew"
)

// maxDistance is the root distance beyond which a server is no reference: MAXDIST
// of RFC 5905, section 7.2. Its interval would agree with everybody's.
const maxDistance = time.Second

// A vote is one server's word on the monitor's clock.
type vote struct {
	server string
	lo, hi time.Duration // the monitor's clock minus the true time lies between
	err    error         // why it is none
}

// majority asks all servers at once, until more than half of them agree. A server
// that lies is outvoted, one that is silent is not waited for.
func majority(ctx context.Context, servers []string) MonitorClock {
	ctx, cancel := context.WithCancel(ctx)
	var asking crew.Crew
	defer asking.Wait() // what was cancelled ends at once
	defer cancel()
	answered := make(chan vote, len(servers))
	for _, s := range servers {
		asking.Go(func() { answered <- ask(ctx, s) })
	}
	quorum := len(servers)/2 + 1
	var votes []vote
	agree := 0
	for range servers {
		select {
		case v := <-answered:
			votes = append(votes, v)
		case <-ctx.Done():
			return MonitorClock{By: outvoted(agree, servers, votes)}
		}
		var lo, hi time.Duration
		if lo, hi, agree = intersect(votes, quorum); agree >= quorum {
			return MonitorClock{Lo: lo, Hi: hi, By: fmt.Sprintf("%d of %d references", agree, len(servers)), Proven: true}
		}
	}
	return MonitorClock{By: outvoted(agree, servers, votes)}
}

// ask asks a server, and again if the packet was lost.
func ask(ctx context.Context, server string) vote {
	const again = 3 // of the time there is, one part is the first question's
	v := vote{server: server}
	first, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		first, cancel = context.WithTimeout(ctx, time.Until(end)/again)
	}
	defer cancel()
	r, err := queryNTP(first, server)
	if err != nil && silent(err) && ctx.Err() == nil {
		r, err = queryNTP(ctx, server)
	}
	switch {
	case err != nil && silent(err):
		v.err = errors.New("no answer")
	case err != nil:
		v.err = err
	case r.RootDistance > maxDistance:
		v.err = fmt.Errorf("root distance %s", short(r.RootDistance))
	default: // ClockOffset is what the monitor's clock lacks
		v.lo, v.hi = -r.ClockOffset-r.RootDistance, -r.ClockOffset+r.RootDistance
	}
	return v
}

// intersect is the least interval that holds every point which at least quorum
// votes agree on, and the greatest number that agree on any (Marzullo 1984;
// RFC 5905, section 11.2.1). If fewer than quorum do, the interval says nothing.
func intersect(votes []vote, quorum int) (lo, hi time.Duration, agree int) {
	type edge struct {
		at   time.Duration
		step int // 1 where a vote begins, -1 where it ends
	}
	var edges []edge
	for _, v := range votes {
		if v.err == nil {
			edges = append(edges, edge{v.lo, 1}, edge{v.hi, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.at, b.at), b.step-a.step) // votes that touch agree
	})
	inside, found := 0, false
	for _, e := range edges {
		if e.step < 0 && inside >= quorum {
			hi = e.at
		}
		inside += e.step
		if inside >= quorum && !found {
			lo, found = e.at, true
		}
		agree = max(agree, inside)
	}
	return lo, hi, agree
}

// outvoted says why there is no majority.
func outvoted(agree int, servers []string, votes []vote) string {
	said := make([]string, 0, len(servers))
	for _, server := range servers {
		i := slices.IndexFunc(votes, func(v vote) bool { return v.server == server })
		switch {
		case i < 0:
			said = append(said, server+": no answer")
		case votes[i].err != nil:
			said = append(said, fmt.Sprintf("%s: %v", server, votes[i].err))
		default:
			said = append(said, server+": "+span(votes[i].lo, votes[i].hi))
		}
	}
	return fmt.Sprintf("%d of %d references agree, which is no majority (%s)", agree, len(servers), strings.Join(said, "; "))
}
