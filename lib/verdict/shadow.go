package verdict

import (
	"math"

	"milepost/lib/metric"
)

// NeverWarns is the sample of the first limit whose CRITICAL alerts at everything that
// its WARNING alerts at, and at more, so that nothing could ever be a WARNING: its ranges
// were swapped, most likely. Equal ranges are a way to have CRITICAL alone, and so is a
// WARNING that never alerts.
func NeverWarns(limits []metric.Limit) (sample string, never bool) {
	for _, l := range limits {
		name, covered, more := "", len(l.Critical) > 0, false
		for n, critical := range l.Critical {
			warning := l.Warning[n]
			covered = covered && covers(critical, warning)
			more = more || !covers(warning, critical)
			if name == "" || n < name {
				name = n
			}
		}
		if covered && more {
			return name, true
		}
	}
	return "", false
}

// covers says that a alerts at every value at which b does, and b at some.
func covers(a, b metric.Range) bool {
	everything := math.IsInf(a.Start, -1) && math.IsInf(a.End, 1)
	nothing := !b.Inside && math.IsInf(b.Start, -1) && math.IsInf(b.End, 1)
	switch {
	case a.IsZero() || b.IsZero() || nothing:
		return false
	case a.Inside && b.Inside:
		return a.Start <= b.Start && b.End <= a.End
	case a.Inside:
		return everything
	case b.Inside:
		return b.End < a.Start || b.Start > a.End
	default:
		return b.Start <= a.Start && a.End <= b.End
	}
}
