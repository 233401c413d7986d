package geo

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b Point
		want float64 // km on the sphere
	}{
		{"the same place", Point{48.8566, 2.3522}, Point{48.8566, 2.3522}, 0},
		{"a degree of a meridian", Point{0, 0}, Point{1, 0}, 111.195},
		{"a degree of the equator over the date line", Point{0, 179.5}, Point{0, -179.5}, 111.195},
		{"pole to pole", Point{90, 12}, Point{-90, -77}, 20015.115},
		{"antipodes, where rounding would leave the domain of asin", Point{33.3, 10}, Point{-33.3, -170}, 20015.115},
		{"Paris to New York, 5852 km on WGS84", Point{48.8566, 2.3522}, Point{40.7128, -74.0060}, 5837.24},
		{"Brisbane to Sydney, 732 km on WGS84", Point{-27.4698, 153.0251}, Point{-33.8688, 151.2093}, 732.4},
	} {
		if got := Distance(tt.a, tt.b) / Kilometre; math.Abs(got-tt.want) > 0.0005*tt.want {
			t.Errorf("%s: %.3f km, not %.3f", tt.name, got, tt.want)
		}
	}
}

func TestSpeeds(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"light in glass is 126.9 miles a millisecond", Fibre / MilesPerMillisecond, 126.9},
		{"light in a vacuum is 186.3 miles a millisecond", Light / MilesPerMillisecond, 186.3},
		{"the yardstick is 120.9 miles a millisecond", Usable / MilesPerMillisecond, 120.9},
		{"glass is 105 % of the yardstick", 100 * Fibre / Usable, 105},
		{"a vacuum is 154 % of it", 100 * Light / Usable, 154.1},
	} {
		if math.Abs(tt.got-tt.want) > 0.001*tt.want {
			t.Errorf("%s: %v", tt.name, tt.got)
		}
	}
}

func TestPossible(t *testing.T) {
	paris, milan := Point{48.8566, 2.3522}, Point{45.4642, 9.19}
	distance := Distance(paris, milan) // 640 km: 6.27 ms in glass, 4.27 ms at most
	for rtt, want := range map[time.Duration]string{
		7 * time.Millisecond: "true true",
		5 * time.Millisecond: "false true",
		4 * time.Millisecond: "false false",
	} {
		if got := fmt.Sprintln(Possible(distance, rtt)); got != want+"\n" {
			t.Errorf("%v over %.0f km: glass, vacuum %s, not %s", rtt, distance/Kilometre, got, want)
		}
	}
}

func TestSlowest(t *testing.T) {
	if got := Slowest(5500 * Kilometre); got != 155*time.Millisecond {
		t.Errorf("5500 km may take %v, not 155ms", got)
	}
}

// TestRefuted moves one of four cities: it is suspected, and none of the others.
func TestRefuted(t *testing.T) {
	m := Mesh{Places: []Place{
		At("Paris", Point{48.8566, 2.3522}), At("Milan", Point{45.4642, 9.19}),
		At("Singapore", Point{1.2897, 103.85}), At("New York", Point{40.7128, -74.006}),
	}}
	m.Add(0, 1, 21*time.Millisecond)
	m.Add(2, 0, 9*time.Millisecond) // it is in Europe
	m.Add(1, 2, 15*time.Millisecond)
	m.Add(3, 2, 80*time.Millisecond)
	m.Add(3, 0, 77*time.Millisecond)
	var got string
	for _, r := range m.Refuted() {
		got += fmt.Sprintf("%s by %s (within %.0f km, not even in a vacuum: %v); ", m.Places[r.A].Name, m.Places[r.B].Name, r.Within/Kilometre, r.Vacuum)
	}
	const want = "Singapore by Paris (within 919 km, not even in a vacuum: true); Singapore by Milan (within 1532 km, not even in a vacuum: true); " +
		"Singapore by New York (within 8169 km, not even in a vacuum: true); "
	if got != want {
		t.Errorf("refuted are\n%s, not\n%s", got, want)
	}
}

// TestNearby: what lies within how well the places are known proves nothing.
func TestNearby(t *testing.T) {
	m := Mesh{Places: []Place{At("here", Point{48.85, 2.35}), At("there", Point{48.95, 2.45})}}
	m.Add(0, 1, 40*time.Microsecond)
	if found := m.Refuted(); len(found) > 0 {
		t.Errorf("13 km apart by coordinates of a city each, and refuted: %v", found)
	}
	m.Add(0, 1, -time.Second)
	m.Add(1, 1, time.Second)
	if rtt, _ := m.RTT(1, 0); rtt != 40*time.Microsecond {
		t.Errorf("a round trip of less than nothing was taken: %v", rtt)
	}
}

// BenchmarkDetours is the whole matrix of a large fleet.
func BenchmarkDetours(b *testing.B) {
	m := Mesh{}
	for i := range 250 {
		m.Places = append(m.Places, At("", Point{float64(i%120) - 60, float64(i*7%360) - 180}))
	}
	for i := range m.Places {
		for j := range i {
			m.Add(i, j, 20*time.Millisecond+2*Fastest(Distance(m.Places[i].Point, m.Places[j].Point), Fibre))
		}
	}
	for b.Loop() {
		_ = m.Detours()
	}
}
