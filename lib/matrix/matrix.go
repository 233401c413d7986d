// Package matrix shows the paths between places: how long a round trip takes, how
// fast that is for the distance, and what is wrong with it, in sentences that an
// operator can send to a provider.
package matrix

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"milepost/lib/geo"
)

// A Site is a monitor or a host.
type Site struct {
	Name    string
	Address string    // what is pinged; "" of a monitor
	At      geo.Place // where it is said to be; zero = nobody said
}

// A Matrix is sites and the least round trips from some of them to others.
type Matrix struct {
	At    time.Time     // when it was true
	Over  time.Duration // of how long the round trips are the least; 0 = of a moment
	Notes []string      // what is missing, and why

	sites []Site
	trips map[[2]int]time.Duration // from, to
	week  map[[2]int]time.Duration // the same, the least of Week
}

// Week is of how long the least round trips tell where a host can be: what answered
// sooner a day ago is no farther away now, whatever way its packets go.
const Week = 7 * 24 * time.Hour

// site is the index of the site of that name. What is said of it first stands; an
// address or a place that nobody had said before is added.
func (m *Matrix) site(s Site) int {
	for i := range m.sites {
		if known := &m.sites[i]; known.Name == s.Name {
			known.Address = cmp.Or(known.Address, s.Address)
			if known.At.IsZero() {
				known.At = s.At
			}
			return i
		}
	}
	m.sites = append(m.sites, s)
	return len(m.sites) - 1
}

// Put takes the least round trip from one site to another. A site is known by its
// name: a monitor on a host has the host's.
func (m *Matrix) Put(from, to Site, rtt time.Duration) {
	pair := [2]int{m.site(from), m.site(to)}
	m.trips = put(m.trips, pair, rtt)
	m.week = put(m.week, pair, rtt)
}

// PutWeek takes the least round trip of the last Week.
func (m *Matrix) PutWeek(from, to Site, rtt time.Duration) {
	m.week = put(m.week, [2]int{m.site(from), m.site(to)}, rtt)
}

// put is known with rtt, if that is less.
func put(known map[[2]int]time.Duration, pair [2]int, rtt time.Duration) map[[2]int]time.Duration {
	if pair[0] == pair[1] || rtt <= 0 {
		return known
	}
	if known == nil {
		known = map[[2]int]time.Duration{}
	}
	if before, ok := known[pair]; !ok || rtt < before {
		known[pair] = rtt
	}
	return known
}

// OverWeek is m of the last Week: what its paths can do at their best.
func (m Matrix) OverWeek() Matrix {
	m.trips, m.Over = m.week, Week
	return m
}

// A Row is one path.
type Row struct {
	From, To Site
	RTT      time.Duration
	Distance float64 // metres; meaningful if Placed
	Placed   bool    // it is known where both ends are
	Near     bool    // they may be in one place: a speed means nothing

	least, most float64 // metres that it may be as well
}

// Speed is the path's in metres per second: as check_path tells it.
func (r Row) Speed() float64 {
	v, _, _ := geo.Credible(r.Distance, r.least, r.most, r.RTT)
	return v
}

// MilesPerMillisecond is Speed in the unit that people tell it in.
func (r Row) MilesPerMillisecond() float64 { return r.Speed() / geo.MilesPerMillisecond }

// Percent is Speed by that of light in fibre, 120.9 miles a millisecond.
func (r Row) Percent() float64 { return 100 * r.Speed() / geo.Usable }

// Fast says that the path has a speed.
func (r Row) Fast() bool { return r.Placed && !r.Near }

func (m Matrix) row(pair [2]int) Row {
	r := Row{From: m.sites[pair[0]], To: m.sites[pair[1]], RTT: m.trips[pair]}
	if r.Placed = !r.From.At.IsZero() && !r.To.At.IsZero(); r.Placed {
		r.Distance, r.least, r.most = geo.Between(r.From.At.Point, r.To.At.Point)
		r.Near = r.least == 0
	}
	return r
}

// An Order is what rows are sorted by.
type Order string

// The orders.
const (
	ByName     Order = "name"
	ByRTT      Order = "rtt"
	ByDistance Order = "distance"
	BySpeed    Order = "speed" // rows without a speed come last in either direction
)

// Orders are all of them; the first is what an unknown one becomes.
func Orders() []Order { return []Order{BySpeed, ByName, ByRTT, ByDistance} }

// Rows are the paths in that order.
func (m Matrix) Rows(by Order, descending bool) []Row {
	all := make([]Row, 0, len(m.trips))
	for pair := range m.trips {
		all = append(all, m.row(pair))
	}
	slices.SortFunc(all, func(a, b Row) int {
		c, last := 0, 0
		switch by {
		case ByName:
		case ByRTT:
			c = cmp.Compare(a.RTT, b.RTT)
		case ByDistance:
			c, last = cmp.Compare(a.Distance, b.Distance), placedFirst(a.Placed, b.Placed)
		default:
			c, last = cmp.Compare(a.Speed(), b.Speed()), placedFirst(a.Fast(), b.Fast())
		}
		names := cmp.Or(cmp.Compare(a.From.Name, b.From.Name), cmp.Compare(a.To.Name, b.To.Name))
		if by == ByName {
			c = names
		}
		if descending {
			c = -c
		}
		return cmp.Or(last, c, names)
	})
	return all
}

// placedFirst puts what has a value before what has none.
func placedFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// CSV writes the paths with a head: the columns of published tables. What is not
// known is empty. A name cannot become a formula in a spreadsheet.
func (m Matrix) CSV(w io.Writer, by Order, descending bool) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"from", "to", "rtt_ms", "distance_miles", "miles_per_ms", "percent_of_fibre"})
	for _, r := range m.Rows(by, descending) {
		row := []string{cell(r.From.Name), cell(r.To.Name), decimal(r.RTT.Seconds()*1000, 3), "", "", ""}
		if r.Placed {
			row[3] = decimal(r.Distance/geo.Mile, 0)
		}
		if r.Fast() {
			row[4], row[5] = decimal(r.MilesPerMillisecond(), 2), decimal(r.Percent(), 2)
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

func decimal(v float64, places int) string { return strconv.FormatFloat(v, 'f', places, 64) }

// cell is a name as text: with an apostrophe where a spreadsheet would calculate.
func cell(name string) string {
	if name != "" && slices.Contains([]byte("=+-@\t\r"), name[0]) {
		return "'" + name
	}
	return name
}
