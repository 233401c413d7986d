package ping

import (
	"context"
	"time"

	"milepost/lib/metric"
)

// RoundTrips are those of count packets to t, spacing apart: as many as were
// answered. With an error they are what is known nevertheless.
func (c Config) RoundTrips(ctx context.Context, t metric.Target, count int, spacing time.Duration) ([]time.Duration, error) {
	c.Count, c.Spacing = count, spacing
	var trips []time.Duration
	for r, err := range Measure(ctx, t, c) {
		trips = r.RoundTrips()
		if err != nil {
			return trips, err
		}
	}
	return trips, nil
}
