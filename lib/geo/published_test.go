package geo

import (
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A published is one row of the published table.
type published struct {
	from, to                        string
	rtt                             time.Duration
	miles, milesPerMillisecond, pct float64
}

func publishedPaths(t *testing.T) []published {
	t.Helper()
	r := csv.NewReader(strings.NewReader(publishedTable))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []published
	for _, row := range rows[1:] {
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[2+i], 64); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, published{row[0], row[1], time.Duration(v[0] * float64(time.Millisecond)), v[1], v[2], v[3]})
	}
	if len(all) != 90 {
		t.Fatalf("the table has %d rows: ten cities make 90", len(all))
	}
	return all
}

// TestPublishedSpeeds makes the table's last two columns of its first two.
func TestPublishedSpeeds(t *testing.T) {
	for _, p := range publishedPaths(t) {
		speed := Speed(p.miles*Mile, p.rtt)
		within(t, p.from+"-"+p.to+" miles/ms", speed/MilesPerMillisecond, p.milesPerMillisecond, 0.005)
		within(t, p.from+"-"+p.to+" percent", 100*speed/Usable, p.pct, 0.005)
	}
}

// TestPublishedDistances makes its distances of coordinates. They were converted at
// 1.6 km to the mile.
func TestPublishedDistances(t *testing.T) {
	for _, p := range publishedPaths(t) {
		distance := Distance(city(t, p.from).Point, city(t, p.to).Point)
		within(t, p.from+"-"+p.to, distance/Mile, p.miles, 0.01)
		within(t, p.from+"-"+p.to+" at 1.6 km to the mile", distance/1600, p.miles, 0.005)
	}
}

func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s: %.4g, published is %.4g: more than %v %% off", what, got, want, 100*share)
	}
}

func city(t *testing.T, name string) Place {
	t.Helper()
	p, err := City(name, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publishedMesh is the published cities and round trips.
func publishedMesh(t *testing.T) Mesh {
	t.Helper()
	var m Mesh
	index := map[string]int{}
	place := func(name string) int {
		if _, known := index[name]; !known {
			index[name] = len(m.Places)
			m.Places = append(m.Places, city(t, name))
		}
		return index[name]
	}
	n := 0
	for trip := range Published() {
		m.Add(place(trip.From), place(trip.To), trip.RTT)
		n++
	}
	if n != 90 {
		t.Fatalf("%d round trips were published: ten cities make 90", n)
	}
	return m
}

// TestPublishedDetours: these seven pairs of the 45, and what each rule says of them.
func TestPublishedDetours(t *testing.T) {
	m := publishedMesh(t)
	want := map[string]string{
		"Baltimore-New York": "D1, D2, D3, via Paris, through Dallas 103 ms less",
		"Paris-Zurich":       "D1, D2, through Milan 76 ms less",
		"Brisbane-Moscow":    "D1",
		"Moscow-Sydney":      "D1",
		"Dallas-Paris":       "D2, through New York 17 ms less",
		"Fremont-Paris":      "D2, through New York 20 ms less",
		"Milan-New York":     "D2, through Paris 13 ms less",
	}
	for _, d := range m.Detours() {
		name := m.Places[d.A].Name + "-" + m.Places[d.B].Name
		if m.Places[d.A].Name > m.Places[d.B].Name {
			name = m.Places[d.B].Name + "-" + m.Places[d.A].Name
		}
		got := d.Rules()
		if d.Via >= 0 {
			got += ", via " + m.Places[d.Via].Name
		}
		if d.Relay >= 0 {
			got += fmt.Sprintf(", through %s %.0f ms less", m.Places[d.Relay].Name, d.Gain.Seconds()*1000)
		}
		if got != want[name] {
			t.Errorf("%s: %q, not %q", name, got, want[name])
		}
		delete(want, name)
	}
	for name, rules := range want {
		t.Errorf("%s is not found: %s", name, rules)
	}
	if refuted := m.Refuted(); len(refuted) > 0 {
		t.Errorf("places that all are where they are said to be are refuted: %v", refuted)
	}
}
