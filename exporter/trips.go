package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/metric"
)

// Trips are the least round trips of each of the last minutes, by host: what a path
// is judged by, where packets go out all the time anyway. They are long enough to
// outlast a queue, and short enough to show a new route soon.
type trips struct {
	pinger // asked where there are none: it pings by itself

	mu    sync.Mutex
	hosts map[string]*lately
}

// tripMinutes is how many minutes are remembered.
const tripMinutes = 10

// Lately is the least round trip of each minute; 0 = none.
type lately struct {
	least [tripMinutes]time.Duration
	last  int64 // the minute that was written last, since 1970
}

// newTrips is without any.
func newTrips(p pinger) *trips { return &trips{pinger: p, hosts: map[string]*lately{}} }

// add takes round trips to host.
func (t *trips) add(host string, at time.Time, rtts []time.Duration) {
	if len(rtts) == 0 {
		return
	}
	rtt := slices.Min(rtts)
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[host]
	if h == nil {
		h = &lately{}
		t.hosts[host] = h
	}
	minute := h.turn(at)
	if known := h.least[minute]; rtt > 0 && (known == 0 || rtt < known) {
		h.least[minute] = rtt
	}
}

// turn forgets what is too old, and is the place of the minute of at.
func (h *lately) turn(at time.Time) int64 {
	now := at.Unix() / 60
	for m := max(h.last+1, now-tripMinutes+1); m <= now; m++ {
		h.least[m%tripMinutes] = 0
	}
	h.last = max(h.last, now)
	return now % tripMinutes
}

// keep forgets all hosts but these.
func (t *trips) keep(f *fleet.Fleet) {
	hosts := map[string]bool{}
	for _, h := range f.Hosts {
		hosts[h.Name] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for host := range t.hosts {
		if !hosts[host] {
			delete(t.hosts, host)
		}
	}
}

// of is what is known of host.
func (t *trips) of(host string, now time.Time) []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[host]
	if h == nil {
		return nil
	}
	h.turn(now)
	var all []time.Duration
	for _, rtt := range h.least {
		if rtt > 0 {
			all = append(all, rtt)
		}
	}
	return all
}

// RoundTrips are the last minutes' least; of a host that is not pinged all the time,
// or not yet, those of count packets now.
func (t *trips) RoundTrips(ctx context.Context, to metric.Target, count int, spacing time.Duration) ([]time.Duration, error) {
	if known := t.of(to.Name, time.Now()); len(known) > 0 {
		return known, nil
	}
	return t.pinger.RoundTrips(ctx, to, count, spacing)
}

// feed makes c, if it is about a path, take its round trips from t.
func (t *trips) feed(c check.Check) check.Check {
	if c.Name != "path" {
		return c
	}
	fed, err := c.With(fedBy(t))
	if err != nil {
		return c // what was valid without is valid with them
	}
	return fed
}
