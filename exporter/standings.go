package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/standing"
)

// provider is who runs a host's machine, as far as the inventory tells.
func provider(h fleet.Host) string { return cmp.Or(h.Labels["provider"], h.Group) }

// rosterOf is whom f consists of, and how they are judged. doubt asks others about a host
// that is failing; nil = nobody is asked.
func rosterOf(f *fleet.Fleet, doubt func(standing.Suspicion)) standing.Roster {
	r := standing.Roster{Interval: f.Interval, Many: f.Status.Prometheus.URL != "", Doubt: doubt}
	for _, h := range f.Hosts {
		r.Members = append(r.Members, standing.Member{
			Name: h.Name, Group: h.Group, Provider: provider(h), Roles: rolesOf(f, h), Proxy: proxyCheck(h),
		})
	}
	return r
}

// opinionNote says about whose proxies nobody can be asked, or only those of whom nobody
// knows whether the same outage has them; "" if there is nothing to say.
func opinionNote(f *fleet.Fleet) string {
	var alone, unnamed []string
	proxies := map[string]int{} // by provider
	for _, h := range f.Hosts {
		if proxyCheck(h) != nil {
			proxies[provider(h)]++
		}
	}
	for _, h := range f.Hosts {
		switch {
		case proxyCheck(h) == nil:
		case provider(h) == "":
			unnamed = append(unnamed, h.Name)
		case len(proxies) == 1:
			alone = append(alone, h.Name)
		}
	}
	switch {
	case !f.Status.SecondOpinion:
		return ""
	case len(alone) > 1:
		return fmt.Sprintf("status.second_opinion: nobody can be asked about %s before they are shown as down: all are of one provider; labels: {provider: NAME} tell providers apart", some(alone))
	case len(unnamed) > 1:
		return fmt.Sprintf("status.second_opinion: nobody knows who runs %s: each is taken for a provider of its own, unless labels: {provider: NAME} says otherwise", some(unnamed))
	}
	return ""
}

// some is names for a sentence: of many the first.
func some(names []string) string {
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func rolesOf(f *fleet.Fleet, h fleet.Host) hoststate.Roles {
	var names, aimed []string
	for _, c := range h.Checks {
		names = append(names, c.Name)
		if c.Kind.IsAimed {
			aimed = append(aimed, c.Name)
		}
	}
	return hoststate.Roles{Down: f.Status.Down, Degraded: f.Status.Degraded}.Of(names, aimed)
}

// work is the maintenance that a host is under.
func (m *monitor) work(of standing.Member, now time.Time) (hoststate.Work, bool) {
	window, from, until, under := m.calendar.At(of.Name, of.Group, now)
	return hoststate.Work{From: from, Until: until, Reason: window.Reason}, under
}

// hostChanged logs what a host became.
func (m *monitor) hostChanged(c standing.Change) {
	m.log.Info("host changed", "host", c.Host, "from", c.From, "to", c.To.Status, "since", c.To.Since.UTC(),
		"evidence", evidence(c.To, m.board.Of(c.Host)), "others", c.Others)
}
