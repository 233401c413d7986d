package history

import (
	"math"
	"time"

	"milepost/lib/hoststate"
)

const (
	hoursKept = 25
	daysKept  = 90
)

// A Share is how much of a time a host worked, and how much of that time anybody
// knows; both 0 to 1 and rounded down. nil = there is nothing to tell.
type Share struct{ Uptime, Coverage *float64 }

// Shares are those of the newest 24 hours, 30 days and 90 days, the begun hour
// and the begun day in UTC among them.
type Shares struct{ Day, Month, Quarter Share }

// leastCoverage is how much of a time must be known before it has an uptime: what
// half an hour tells of a quarter is no uptime of a quarter.
const leastCoverage = 0.5

// Share is that of s in a time of length seconds. Slow is up; maintenance is left
// out of the time; unknown counts neither as up nor as down, and lowers the
// coverage.
func (s Seconds) Share(length int64) Share {
	watched := float64(length - int64(s[hoststate.Maintenance]))
	if watched <= 0 {
		return Share{}
	}
	known := float64(s.Known())
	coverage := down(min(known/watched, 1))
	share := Share{Coverage: &coverage}
	if known > 0 && known/watched >= leastCoverage {
		uptime := down((known - float64(s[hoststate.Down])) / known)
		share.Uptime = &uptime
	}
	return share
}

// down is x rounded down to four digits: 99.999 % is not 100 %.
func down(x float64) float64 {
	const digits = 1e4
	return math.Floor(x*digits+1e-7) / digits // 0.9993 is a little less in binary
}

// Shares is how much the host worked, up to now.
func (h *History) Shares(host string, now time.Time) Shares {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, at := h.tracks[host], now.Unix()
	if t == nil {
		t = newTrack(at)
	}
	share := func(sums []sum, from int64) Share { return t.since(sums, from, at).Share(at - from) }
	return Shares{
		Day:     share(t.hours, floor(at, hour)-23*hour),
		Month:   share(t.days, floor(at, day)-29*day),
		Quarter: share(t.days, floor(at, day)-(daysKept-1)*day),
	}
}

// Days is what became of the newest 90 days in UTC, the begun one the last. Each
// has as many seconds as the day has so far, unknown among them.
func (h *History) Days(host string, now time.Time) []Seconds {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, at := h.tracks[host], now.Unix()
	first := floor(at, day) - (daysKept-1)*day
	days := make([]Seconds, daysKept)
	if t != nil {
		for _, one := range t.days {
			if i := (one.start - first) / day; one.start >= first && i < daysKept {
				days[i] = one.Seconds
			}
		}
		for from := max(t.settled, first); from < at; from = floor(from, day) + day {
			i := (floor(from, day) - first) / day
			days[i] = days[i].add(t.between(from, min(floor(from, day)+day, at)))
		}
	}
	for i := range days {
		start := first + int64(i)*day
		days[i] = days[i].of(min(start+day, at) - start)
	}
	return days
}
