package geo

import "time"

// Rule D1. The slowest paths in use, however far they lead, took no longer than 55
// ms and a round trip at 110,000 km/s (Weinberg et al., "How to Catch when Proxies
// Lie", IMC 2018, take that for the slowest plausible path when they locate hosts).
const (
	slowAccess = 55 * time.Millisecond
	slowSpeed  = 110_000 * Kilometre
)

// Slowest is the longest round trip over that distance that is no detour by rule D1.
func Slowest(distance float64) time.Duration {
	return slowAccess + Fastest(distance, slowSpeed)
}
