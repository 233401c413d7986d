package main

import (
	"context"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/trips"
)

// remembered is where the checks of paths get their round trips: packets go out all the
// time anyway.
type remembered struct {
	pinger // asked where there are none: it pings by itself
	trips.Memory
	place string // of the monitor, when it was looked last
}

// keep forgets the hosts that f has not; and all of them, if the monitor of f is
// elsewhere. It is for one caller at a time.
func (r *remembered) keep(f *fleet.Fleet) {
	hosts, place := names(f), placeOf(f)
	if r.place != "" && r.place != place {
		hosts = nil
	}
	r.place = place
	r.Keep(hosts)
}

// RoundTrips are the last minutes' least; of a host that is not pinged all the time,
// or not yet, those of count packets now.
func (r *remembered) RoundTrips(ctx context.Context, to metric.Target, count int, spacing time.Duration) ([]time.Duration, error) {
	if known := r.Of(to.Name, time.Now()); len(known) > 0 {
		return known, nil
	}
	return r.pinger.RoundTrips(ctx, to, count, spacing)
}

// past is the least round trip of the last week to a host.
func (r *remembered) past(t metric.Target) (least, over time.Duration) {
	return r.Least(t.Name, time.Now(), t.Addrs...), trips.Week
}

// feed makes c, if it is about a path, take its round trips from r.
func (r *remembered) feed(c check.Check) check.Check {
	if c.Name != "path" {
		return c
	}
	fed, err := c.With(fedBy(r, r.past))
	if err != nil {
		return c // what was valid without is valid with them
	}
	return fed
}
