package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"milepost/lib/geo"
)

// A Finding is something that is wrong with a path.
type Finding struct {
	What     string // "detour", "faster through a third place", "cannot be there"
	From, To string
	Rules    string        // "D1, D2, D3"; "" of a false place
	Cost     time.Duration // what it costs: the round trip that could be saved
	Sentence string        // for whoever can change it
}

// Findings are what is wrong, places that cannot be first, then what costs most.
func (m Matrix) Findings() []Finding {
	mesh, sites := m.mesh(m.trips)
	long, monitored := m.mesh(m.week)
	var all []Finding
	for _, r := range long.Refuted() {
		all = append(all, m.refuted(monitored[r.A], monitored[r.B], r))
	}
	impossible := len(all)
	for _, d := range mesh.Detours() {
		all = append(all, m.detour(mesh, sites, d))
	}
	slices.SortStableFunc(all[impossible:], func(a, b Finding) int { return cmp.Compare(b.Cost, a.Cost) })
	return all
}

// mesh is the sites whose place is known, and which they are. Monitors come last:
// where two accuse each other, the first is suspected, and a monitor's place was
// written down by whoever runs it.
func (m Matrix) mesh(trips map[[2]int]time.Duration) (geo.Mesh, []Site) {
	monitor := map[int]bool{}
	for pair := range trips {
		monitor[pair[0]] = true
	}
	var mesh geo.Mesh
	var sites []Site
	index := map[int]int{}
	for _, monitors := range [2]bool{false, true} {
		for i, s := range m.sites {
			if !s.At.IsZero() && monitor[i] == monitors {
				index[i] = len(sites)
				sites = append(sites, s)
				mesh.Places = append(mesh.Places, s.At)
			}
		}
	}
	for pair, rtt := range trips {
		from, ok := index[pair[0]]
		to, also := index[pair[1]]
		if ok && also {
			mesh.Add(from, to, rtt)
		}
	}
	return mesh, sites
}

// detour spells d. The longer way is told to somebody who knows neither this page
// nor its rules.
func (m Matrix) detour(mesh geo.Mesh, sites []Site, d geo.Detour) Finding {
	a, b := m.direction(sites[d.A], sites[d.B])
	f := Finding{What: "faster through a third place", From: a.Name, To: b.Name, Rules: d.Rules(), Cost: d.Gain}
	text := fmt.Sprintf("From %s to %s, %s, a round trip takes at least %s (%s). Light in fibre needs %s.",
		named(a), named(b), apart(d.Distance), millis(d.RTT), m.when(), millis(geo.Fastest(d.Distance, geo.Fibre)))
	if d.TooSlow {
		_, _, most := geo.Between(mesh.Places[d.A].Point, mesh.Places[d.B].Point)
		usual := geo.Slowest(most)
		f.What, f.Cost = "detour", max(f.Cost, d.RTT-usual)
		text += fmt.Sprintf(" No usual path of that length takes longer than %s.", millis(usual))
	}
	if d.Relay >= 0 {
		text += fmt.Sprintf(" By way of %s the same packets would take %s, %s less.", sites[d.Relay].Name, millis(d.Faster), millis(d.Gain))
	}
	if d.Via >= 0 {
		f.What = "detour through " + sites[d.Via].Name
		text += fmt.Sprintf(" It takes as long as going by way of %s does (%s), which is where it seems to go.", sites[d.Via].Name, millis(d.Through))
	}
	f.Sentence = text + " Please look at the routes between the two."
	return f
}

// direction is a and b in the order that somebody measured.
func (m Matrix) direction(a, b Site) (from, to Site) {
	if _, measured := m.trips[m.index(a.Name, b.Name)]; measured {
		return a, b
	}
	return b, a
}

// now says that the round trip between the two is of now, in either direction.
func (m Matrix) now(a, b string, rtt time.Duration) bool {
	return m.trips[m.index(a, b)] == rtt || m.trips[m.index(b, a)] == rtt
}

// index is the pair of those sites.
func (m Matrix) index(from, to string) [2]int {
	of := func(name string) int {
		return slices.IndexFunc(m.sites, func(s Site) bool { return s.Name == name })
	}
	return [2]int{of(from), of(to)}
}

// refuted spells r.
func (m Matrix) refuted(a, b Site, r geo.Refuted) Finding {
	needs := millis(geo.Fastest(r.Least, geo.Fibre)) + " in fibre"
	if r.Vacuum {
		needs += " and " + millis(geo.Fastest(r.Least, geo.Light)) + " even in a vacuum"
	}
	answers, when := "answers", m.when()
	if !m.now(a.Name, b.Name, r.RTT) {
		answers, when = "answered", m.whenOver(Week)
	}
	return Finding{
		What: "cannot be there", From: b.Name, To: a.Name,
		Sentence: fmt.Sprintf("%s is said to be %s from %s, and %s after %s (%s). However near in their cities the two are, light needs %s there and back: what answers is within %s of %s. Please tell us where this machine is.",
			named(a), kilometres(r.Distance), b.Name, answers, millis(r.RTT), when, needs, kilometres(r.Within), b.Name),
	}
}

// when is what the round trips were measured over.
func (m Matrix) when() string { return m.whenOver(m.Over) }

func (m Matrix) whenOver(over time.Duration) string {
	at := m.At.UTC().Format("2006-01-02 15:04 UTC")
	if over == 0 {
		return "at " + at
	}
	return fmt.Sprintf("the least of %s to %s", span(over), at)
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}

// named is the site with its address.
func named(s Site) string {
	if s.Address == "" || s.Address == s.Name {
		return s.Name
	}
	return s.Name + " (" + s.Address + ")"
}

func apart(distance float64) string {
	return fmt.Sprintf("%s (%.0f miles) apart", kilometres(distance), distance/geo.Mile)
}

func kilometres(m float64) string { return fmt.Sprintf("%.0f km", m/geo.Kilometre) }

func millis(d time.Duration) string {
	if d < 100*time.Microsecond {
		return fmt.Sprintf("%.4f ms", d.Seconds()*1000)
	}
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
}
