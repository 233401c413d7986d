package hoststate

import "time"

// A landslide is more than this share of a fleet, of so many providers at least,
// that begins to fail within one round. The likelier cause is the monitor.
const (
	landslideShare     = 0.3
	landslideProviders = 3
)

// A Member is one host of a fleet as a landslide is told by: when it fell (Host.Fell)
// and who runs its machine; "" = nobody knows, so it is a provider of its own.
type Member struct {
	Provider string
	Fell     time.Time // zero: it stands
}

// Landslide says that so much of the fleet fell within one interval of at that
// nobody should be called down before it was looked at once more (Round.Braked). A
// real outage of everything is shown within RedWithin all the same, if the looks at
// what stalls do not wait for Retry.
func Landslide(fleet []Member, at time.Time, interval time.Duration) bool {
	fallen, unnamed, providers := 0, 0, map[string]bool{}
	for _, m := range fleet {
		if !m.Fell.IsZero() && m.Fell.Sub(at).Abs() <= interval {
			fallen++
			if m.Provider == "" {
				unnamed++
			} else {
				providers[m.Provider] = true
			}
		}
		if float64(fallen) > landslideShare*float64(len(fleet)) && len(providers)+unnamed >= landslideProviders {
			return true
		}
	}
	return false
}
