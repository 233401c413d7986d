// Package trips remembers round trips by host: the least of each of the last minutes, which
// a path is judged by where packets go out all the time anyway, and the least of each
// of the last days, which tells where a host can be at all.
package trips

import (
	"net/netip"
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

// Lately is the least round trip of each minute to an address; 0 = none.
type lately struct {
	to    netip.Addr
	least [minutes]time.Duration
	last  int64 // the minute that was written last, since 1970
	week  week
}

// Add takes the round trips to the host, at that address, which were measured at about
// that time. If the least is 0, they are none. What is known of another address of the
// host's is forgotten: it was another machine, or the same elsewhere.
func (m *Memory) Add(host string, to netip.Addr, at time.Time, rtts []time.Duration) {
	if len(rtts) == 0 {
		return
	}
	rtt, second := least(rtts)
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
	if h.to != to {
		*h = lately{to: to}
	}
	if rtt <= 0 {
		return
	}
	minute := h.turn(at)
	if known := h.least[minute]; known == 0 || rtt < known {
		h.least[minute] = rtt
	}
	if second > 0 {
		h.week.add(dayOf(at), second)
	}
}

// least are the two least of rtts; 0 = there is none. What is believed for a week takes
// two packets: this machine's clock may have been set while one of them came in.
func least(rtts []time.Duration) (first, second time.Duration) {
	first = rtts[0]
	for _, rtt := range rtts[1:] {
		switch {
		case rtt < first:
			first, second = rtt, first
		case second == 0 || rtt < second:
			second = rtt
		}
	}
	return first, second
}

// turn forgets what is too old, and is the place of the minute of at.
func (h *lately) turn(at time.Time) int64 {
	now := at.Unix() / 60
	if now < h.last-1 { // the clock was set back by more than over the turn of a minute
		h.least, h.last = [minutes]time.Duration{}, now
	}
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
