package statusbar

import (
	"iter"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// Samples are host_status for every host and state, one of which is 1, and until
// when that may be believed: 0 if nothing was measured yet.
func (b *Bar) Samples() iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		e := b.now()
		until := metric.Sample{
			Metric: "status_valid_until_timestamp_seconds",
			Help:   "Until when the published status may be believed; readers show unknown after it.",
		}
		if !e.dataAt.IsZero() {
			until.Value = float64(e.lease().Until.Unix())
		}
		if !yield(until) {
			return
		}
		for _, h := range e.hosts {
			for _, s := range hoststate.Statuses() {
				one := metric.Sample{
					Metric: "host_status", Labels: []string{"host", h.ID, "status", s.String()},
					Help: "The published state of a host: 1 for the one it is in.",
				}
				if s == h.Status {
					one.Value = 1
				}
				if !yield(one) {
					return
				}
			}
		}
	}
}
