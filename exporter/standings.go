package main

import (
	"cmp"
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
