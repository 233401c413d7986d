package echo

import (
	"testing"
	"time"
)

// A request of second 0 waits three seconds for its answer, while answers are dropped
// for a millisecond again and again.
func TestLosses(t *testing.T) {
	began := time.Now()
	at := func(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }
	for _, tt := range []struct {
		name              string
		first, last, step float64 // when they are dropped, in seconds
		want              bool
		spans             int
	}{
		{"before it left", -1, -0.5, 0.01, false, 1},
		{"while it was out", 1, 1, 1, true, 1},
		{"after its time", 3.5, 10, 0.01, false, 1},
		{"without an end, since it was out", 2.9, 60, 0.005, true, 1},
		{"now and then, for long after", 1, 30, 0.2, true, 146},
		{"now and then, for a minute: what is old is forgotten", 0.5, 60, 0.2, false, 151},
	} {
		var l losses
		n := int((tt.last-tt.first)/tt.step + 0.5)
		for i := range n + 1 {
			from := tt.first + float64(i)*tt.step
			l.add(at(from), at(from+0.001))
		}
		if got := l.within(at(0), at(3)); got != tt.want || len(l) != tt.spans {
			t.Errorf("%s: %v of %d spans, want %v of %d", tt.name, got, len(l), tt.want, tt.spans)
		}
	}
}
