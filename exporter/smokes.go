package main

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/geo"
	"milepost/lib/smoke"
)

// A stretch is a length of time that smoke is drawn of.
type stretch struct {
	asked string // ?range=
	name  string
	long  time.Duration
	step  time.Duration // of a round in the picture
}

func stretches() []stretch {
	const day = 24 * time.Hour
	return []stretch{
		{"3h", "3 hours", 3 * time.Hour, time.Minute},
		{"30h", "30 hours", 30 * time.Hour, 10 * time.Minute},
		{"10d", "10 days", 10 * day, time.Hour},
		{"400d", "400 days", 400 * day, 2 * day},
	}
}

// smokePage is /smoke/HOST, .svg and .csv: the page shows all but the longest.
func (m *monitor) smokePage(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("host")
	name, kind := file, path.Ext(file)
	host, known := m.host(name)
	if kind == ".svg" || kind == ".csv" {
		if h, ok := m.host(strings.TrimSuffix(file, kind)); ok {
			host, known = h, true
		}
	}
	if !known {
		http.Error(w, "no such host in the inventory", http.StatusNotFound)
		return
	}
	if host.Name == name { // a host may be called x.svg
		kind = ""
	}
	var all []smoke.Graph
	asked := r.FormValue("range")
	for i, s := range stretches() {
		if kind == "" && i < 3 || kind != "" && (s.asked == asked || asked == "" && i == 0) {
			g, err := m.smokeOf(r.Context(), host, s, time.Now())
			if err != nil {
				http.Error(w, "reading the history: "+err.Error(), http.StatusInternalServerError)
				return
			}
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		http.Error(w, "range is 3h, 30h, 10d or 400d", http.StatusBadRequest)
		return
	}
	m.writeSmoke(w, kind, host, all)
}

func (m *monitor) writeSmoke(w http.ResponseWriter, kind string, host fleet.Host, all []smoke.Graph) {
	switch kind {
	case ".svg":
		ownPage(w, "image/svg+xml")
		_ = all[0].SVG(w) // a client that is gone misses nothing
	case ".csv":
		ownPage(w, "text/csv; charset=utf-8")
		_ = all[0].CSV(w)
	default:
		ownPage(w, "text/html; charset=utf-8")
		_ = smoke.Page{Host: host.Name, Note: smokeNote(host), Graphs: all}.HTML(w)
	}
}

// smokeNote is why there may be nothing to see.
func smokeNote(h fleet.Host) string {
	for _, c := range h.Checks {
		if c.Kind.Stream != nil {
			return ""
		}
	}
	return "This host has no check packet_loss: no packets go out to it."
}

// host is the one of that name.
func (m *monitor) host(name string) (fleet.Host, bool) {
	for _, h := range m.watching().Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return fleet.Host{}, false
}

// smokeOf is the host's smoke of the stretch up to now.
func (m *monitor) smokeOf(ctx context.Context, h fleet.Host, s stretch, now time.Time) (smoke.Graph, error) {
	to := now.UTC().Truncate(time.Minute)
	g := smoke.Graph{Host: h.Name, Span: s.name, From: to.Add(-s.long), To: to, Light: m.lightTo(h)}
	slots, err := m.past.Range(ctx, h.Name, g.From, g.To, s.step)
	if err != nil {
		return g, fmt.Errorf("smoke of %q: %w", h.Name, err)
	}
	for _, slot := range slots {
		p := slot.Pings
		g.Rounds = append(g.Rounds, smoke.Round{Start: slot.Start, Length: slot.Length, Sent: int(p.Sent), Lost: int(p.Lost), RTT: p.RTT})
	}
	return g, nil
}

// lightTo is what light in fibre takes to the host and back; 0 = not known.
func (m *monitor) lightTo(h fleet.Host) time.Duration {
	m.mu.Lock()
	from := m.inventory.Vantage.Coordinates()
	m.mu.Unlock()
	to := h.Coordinates()
	if !from.Known || !to.Known {
		return 0
	}
	return geo.Fastest(geo.Distance(place(from).Point, place(to).Point), geo.Fibre)
}
