package main

import (
	"context"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/history"
	"milepost/lib/trips"
)

// keepPatience is how long the disk may take for what was learnt.
const keepPatience = time.Minute

// recall is what was learnt of hosts before this start.
func (m *monitor) recall() (map[string]learnt, error) {
	ctx, cancel := context.WithTimeout(context.Background(), keepPatience)
	defer cancel()
	m.recallTrips(ctx, time.Now())
	baselines, err := m.past.Baselines(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]learnt, len(baselines))
	for _, b := range baselines {
		l := learnt{Spacing: b.Spacing, Updated: b.Updated}
		l.Kept, l.Starts, l.Lost, l.Repeats = b.Kept, b.Starts, b.Lost, b.Repeats
		all[b.Host] = l
	}
	return all, nil
}

// remember keeps what was learnt of hosts over a restart.
func (m *monitor) remember(all map[string]learnt) error {
	ctx, cancel := context.WithTimeout(context.Background(), keepPatience)
	defer cancel()
	now := time.Now()
	if err := m.past.KeepLeasts(ctx, m.leasts(now), trips.Since(now)); err != nil {
		return err
	}
	baselines := make([]history.Baseline, 0, len(all))
	for host, l := range all {
		baselines = append(baselines, history.Baseline{
			Host: host, Spacing: l.Spacing, Kept: l.Kept, Starts: l.Starts, Lost: l.Lost, Repeats: l.Repeats, Updated: l.Updated,
		})
	}
	return m.past.KeepBaselines(ctx, baselines, now)
}

// leasts are the least round trips of the days that are not kept yet: today, and
// yesterday, of which the end may not be.
func (m *monitor) leasts(now time.Time) []history.Least {
	var all []history.Least
	place, yesterday := placeOf(m.watching()), trips.Since(now.Add(trips.Week))-1
	for d := range m.trips.Days(now) {
		if d.Day >= yesterday {
			all = append(all, history.Least{Host: d.Host, Day: d.Day, Address: d.To, Place: place, RTT: d.RTT})
		}
	}
	return all
}

// recallTrips reads the least round trips of the last week that were measured from
// here: from elsewhere, they say nothing of where a host can be.
func (m *monitor) recallTrips(ctx context.Context, now time.Time) {
	kept, err := m.past.Leasts(ctx, trips.Since(now))
	if err != nil {
		m.log.Warn("the least round trips of the last week are not known", "why", err)
		return
	}
	f := m.watching()
	place, known := placeOf(f), map[string]bool{}
	for _, host := range names(f) {
		known[host] = true
	}
	m.trips.Restore(now, func(yield func(trips.Day) bool) {
		for _, l := range kept {
			if l.Place == place && known[l.Host] && !yield(trips.Day{Host: l.Host, To: l.Address, Day: l.Day, RTT: l.RTT}) {
				return
			}
		}
	})
}

// placeOf is where the monitor of f is, in a word; 0,0 if nobody said.
func placeOf(f *fleet.Fleet) string { return place(f.Vantage.Coordinates()).Point.String() }
