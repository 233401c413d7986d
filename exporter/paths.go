package main

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/geo"
	"milepost/lib/matrix"
	"milepost/lib/metric"
	"milepost/lib/trips"
	"milepost/lib/verdict"
)

// place is coordinates as geo has them; the zero Place of unknown ones.
func place(c metric.Coordinates) geo.Place {
	if !c.Known {
		return geo.Place{}
	}
	return geo.At(c.Name, geo.Point{Latitude: c.Latitude, Longitude: c.Longitude})
}

// paths is what the checks found out about the paths from here, and week the least
// round trip of the last days to a host; 0 = not known.
func paths(f *fleet.Fleet, of func(host string) []check.Outcome, week func(host string) time.Duration, now time.Time) matrix.Matrix {
	m := matrix.Matrix{At: now, Over: trips.Over}
	here := matrix.Site{Name: cmp.Or(f.Vantage.Name, "this monitor"), At: place(f.Vantage.Coordinates())}
	if here.At.IsZero() {
		m.Notes = append(m.Notes, "Where this monitor is was not said: give the inventory's vantage its latitude and longitude.")
	}
	unknown := 0
	for _, h := range f.Hosts {
		site := matrix.Site{Name: h.Name, Address: h.Address, At: place(h.Coordinates())}
		if site.At.IsZero() {
			unknown++
		}
		if rtt := leastTrip(of(h.Name)); rtt > 0 {
			m.Put(here, site, rtt)
			m.PutWeek(here, site, week(h.Name))
		}
	}
	if unknown > 0 && !here.At.IsZero() {
		m.Notes = append(m.Notes, "Some hosts have neither latitude and longitude nor a well-known city in the inventory: their paths have no speed.")
	}
	return m
}

// leastTrip is the least round trip among the outcomes of one host: of its path,
// else of its packets; 0 if nothing came back.
func leastTrip(outcomes []check.Outcome) time.Duration {
	for _, name := range []string{"path", "packet_loss"} {
		for _, o := range outcomes {
			if o.Check != name || o.Status == verdict.Unknown {
				continue
			}
			for _, f := range o.Findings {
				if f.Name == "rtt_min" && f.Value > 0 {
					return time.Duration(f.Value * float64(time.Second))
				}
			}
		}
	}
	return 0
}

// paths is the matrix of now: from here, and, where there is an engine that knows them,
// from all other monitors.
func (m *monitor) paths(ctx context.Context) matrix.Matrix {
	f := m.watching()
	now := time.Now()
	all := paths(f, m.board.Of, func(host string) time.Duration { return m.trips.LeastOf(host, now) }, now)
	if m.electorate == nil {
		return all
	}
	ctx, cancel := context.WithTimeout(ctx, pathPatience)
	defer cancel()
	others, err := m.electorate.client.Paths(ctx, now)
	if err != nil {
		all.Notes = append(all.Notes, "Only the paths from here are shown. "+err.Error())
		return all
	}
	known := map[string]matrix.Site{}
	for _, h := range f.Hosts {
		known[h.Name] = matrix.Site{Name: h.Name, Address: h.Address, At: place(h.Coordinates())}
	}
	for _, p := range others {
		if to, ok := known[p.Host]; ok && p.Vantage != f.Vantage.Name {
			from := matrix.Site{Name: p.Vantage, At: place(p.From)}
			if p.Week {
				all.PutWeek(from, to, p.RTT)
			} else {
				all.Put(from, to, p.RTT)
			}
		}
	}
	return all
}

// pathPatience is how long the page waits for what others measured.
const pathPatience = 10 * time.Second

// pathPage is /paths.
func (m *monitor) pathPage(w http.ResponseWriter, r *http.Request) {
	ownPage(w, "text/html; charset=utf-8")
	v := matrix.ParseView(r.URL.Query())
	_ = v.Of(m.paths(r.Context())).HTML(w, v) // a client that is gone misses nothing
}

// pathCSV is /paths.csv.
func (m *monitor) pathCSV(w http.ResponseWriter, r *http.Request) {
	ownPage(w, "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="paths.csv"`)
	v := matrix.ParseView(r.URL.Query())
	_ = v.Of(m.paths(r.Context())).CSV(w, v.By, v.Descending)
}

// ownPage is the headers of a page that loads nothing from elsewhere.
func ownPage(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'")
}

// placeSamples are where this monitor is, for whoever puts the monitors of a fleet together.
func (m *monitor) placeSamples(yield func(metric.Sample) bool) {
	m.mu.Lock()
	v := m.inventory.Vantage
	m.mu.Unlock()
	at := v.Coordinates()
	if !at.Known {
		return
	}
	labels := []string{"vantage", v.Name}
	_ = yield(metric.Sample{Metric: "vantage_latitude_degrees", Help: "Where this monitor is, north positive.", Labels: labels, Value: at.Latitude}) &&
		yield(metric.Sample{Metric: "vantage_longitude_degrees", Help: "Where this monitor is, east positive.", Labels: labels, Value: at.Longitude})
}
