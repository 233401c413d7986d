package geo

import (
	"fmt"
	"testing"
	"time"
)

// TestWhoIsSuspected: one place sees all others, and some of them answer sooner than
// light allows.
func TestWhoIsSuspected(t *testing.T) {
	for _, tt := range []struct {
		name         string
		hosts, false int
		want         string
	}{
		{"two of a hundred: the two", 100, 2, "[1 2]"},
		{"all of two: who sees them", 2, 2, "[0]"},
		{"half of a hundred: who sees them", 100, 50, "[0]"},
	} {
		m := Mesh{Places: []Place{At("monitor", Point{})}}
		for i := range tt.hosts {
			m.Places = append(m.Places, At("host", Point{Latitude: 45, Longitude: float64(i)}))
			rtt := 300 * time.Millisecond
			if i < tt.false {
				rtt = time.Millisecond
			}
			m.Add(0, i+1, rtt)
		}
		suspects := map[int]bool{}
		var order []int
		for _, r := range m.Refuted() {
			if !suspects[r.A] {
				suspects[r.A] = true
				order = append(order, r.A)
			}
		}
		if got := fmt.Sprint(order); got != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, got, tt.want)
		}
	}
}
