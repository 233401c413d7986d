package trips

import (
	"iter"
	"net/netip"
	"time"
)

// A week is the least round trip of today and of each of the seven days before it, by
// UTC; 0 = none. Whoever answered so fast once is no farther away than that, however
// long the way is that packets go now.
type week struct {
	least [days]time.Duration
	last  int64 // the day that was written last
}

const days = 8

// Week is for how long the least round trip of a host is known: seven days, and what
// has passed of today.
const Week = 7 * 24 * time.Hour

func dayOf(at time.Time) int64 { return at.Unix() / 86400 }

// Since is the first day, since 1970, of the Week up to now.
func Since(now time.Time) int64 { return dayOf(now) - days + 1 }

// add takes a round trip of today.
func (w *week) add(day int64, rtt time.Duration) {
	if day < w.last-1 { // the clock was set back by more than over a midnight
		*w = week{}
	}
	w.put(day, rtt)
}

// put takes the least round trip of a day that is no more than a Week before the last.
func (w *week) put(day int64, rtt time.Duration) {
	for d := max(w.last+1, day-days+1); d <= day; d++ {
		w.least[d%days] = 0
	}
	w.last = max(w.last, day)
	if known := w.least[day%days]; known == 0 || rtt < known {
		w.least[day%days] = rtt
	}
}

// of is the least of the Week up to that day; 0 = none.
func (w *week) of(day int64) time.Duration {
	least := time.Duration(0)
	for d := max(w.last-days+1, day-days+1, 0); d <= min(w.last, day); d++ {
		if rtt := w.least[d%days]; rtt > 0 && (least == 0 || rtt < least) {
			least = rtt
		}
	}
	return least
}

// Least is the least round trip of the Week up to now to the host, if it still is at
// one of these addresses; 0 = not known.
func (m *Memory) Least(host string, now time.Time, at ...netip.Addr) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hosts[host]
	if h == nil {
		return 0
	}
	for _, a := range at {
		if a.Unmap() == h.to {
			return h.week.of(dayOf(now))
		}
	}
	return 0
}

// LeastOf is Least at whatever address the host was pinged last.
func (m *Memory) LeastOf(host string, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.hosts[host]; h != nil {
		return h.week.of(dayOf(now))
	}
	return 0
}

// A Day is the least round trip to a host on one day.
type Day struct {
	Host string
	To   netip.Addr
	Day  int64 // since 1970, UTC
	RTT  time.Duration
}

// Days is the Week of all hosts, in no order, for who keeps it over a restart.
func (m *Memory) Days(now time.Time) iter.Seq[Day] {
	return func(yield func(Day) bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for host, h := range m.hosts {
			for d := max(h.week.last-days+1, Since(now), 0); d <= min(h.week.last, dayOf(now)); d++ {
				if rtt := h.week.least[d%days]; rtt > 0 && !yield(Day{host, h.to, d, rtt}) {
					return
				}
			}
		}
	}
}

// Restore takes days that were kept, the newest first: what is of an address that the
// host had before is nothing now. What was measured since stands, and days to come are
// of a clock that was wrong.
func (m *Memory) Restore(now time.Time, all iter.Seq[Day]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for d := range all {
		if d.Day > dayOf(now) || d.Day < Since(now) || d.RTT <= 0 {
			continue
		}
		h := m.hosts[d.Host]
		if h == nil {
			if m.hosts == nil {
				m.hosts = map[string]*lately{}
			}
			h = &lately{to: d.To}
			m.hosts[d.Host] = h
		}
		if h.to == d.To {
			h.week.put(d.Day, d.RTT)
		}
	}
}
