// Package trips remembers the least round trips of each of the last minutes, by host: what
// a path is judged by, where packets go out all the time anyway.
package trips

import (
	"slices"
	"sync"
	"time"
)

const minutes = 10

// Over is for how long a round trip is remembered: long enough to outlast a queue, and
// short enough to show a new route soon.
const Over = minutes * time.Minute

// A Memory is the round trips of many hosts. The zero Memory is ready; its methods may be
// called at the same time.
type Memory struct {
	mu    sync.Mutex
	hosts map[string]*lately
}

// Lately is the least round trip of each minute; 0 = none.
type lately struct {
	least [minutes]time.Duration
	last  int64 // the minute that was written last, since 1970
}

// Add takes the round trips to host that were measured at about that time. If the least
// is 0, they are none.
func (m *Memory) Add(host string, at time.Time, rtts []time.Duration) {
	if len(rtts) == 0 {
		return
	}
	rtt := slices.Min(rtts)
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hosts[host]
	if h == nil {
		if m.hosts == nil {
			m.hosts = map[string]*lately{}
		}
		h = &lately{}
		m.hosts[host] = h
	}
	minute := h.turn(at)
	if known := h.least[minute]; rtt > 0 && (known == 0 || rtt < known) {
		h.least[minute] = rtt
	}
}

// turn forgets what is too old, and is the place of the minute of at.
func (h *lately) turn(at time.Time) int64 {
	now := at.Unix() / 60
	for m := max(h.last+1, now-minutes+1); m <= now; m++ {
		h.least[m%minutes] = 0
	}
	h.last = max(h.last, now)
	return now % minutes
}

// Keep forgets all hosts but these.
func (m *Memory) Keep(hosts []string) {
	keep := map[string]bool{}
	for _, host := range hosts {
		keep[host] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for host := range m.hosts {
		if !keep[host] {
			delete(m.hosts, host)
		}
	}
}

// Of is the least round trip of each minute before now in which there was one, in no
// order; none of a host that nothing is known of.
func (m *Memory) Of(host string, now time.Time) []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hosts[host]
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
