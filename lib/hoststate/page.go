package hoststate

import (
	"fmt"
	"slices"

	"milepost/lib/metric"
)

// A Sight is how far the monitor may be believed.
type Sight int

// The sights. The zero Sight is Blind: who was not shown to see, does not.
const (
	Blind    Sight = iota // no vantage may judge: everything is unknown
	Impaired              // some vantage, or some part of its own checks, is not well
	Clear
)

// String is the word of status.json's monitor.status.
func (s Sight) String() string {
	switch s {
	case Clear:
		return "ok"
	case Impaired:
		return "impaired"
	default:
		return "blind"
	}
}

// MarshalText is String.
func (s Sight) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a sight's word. A word that is none is Blind and no error.
func (s *Sight) UnmarshalText(text []byte) error {
	*s = Blind
	for _, known := range []Sight{Impaired, Clear} {
		if known.String() == string(text) {
			*s = known
		}
	}
	return nil
}

// A Monitor is what the self-checks of all vantages found.
type Monitor struct {
	Total   int             // vantages that should look
	Healthy int             // those that may judge
	Quorum  int             // how many of those it takes; 0 = one
	Reasons []metric.Reason // what is not well with them
}

// Sight is how far the monitor may be believed.
func (m Monitor) Sight() Sight {
	switch {
	case m.Healthy < max(m.Quorum, 1):
		return Blind
	case m.Healthy < m.Total || len(m.Reasons) > 0:
		return Impaired
	default:
		return Clear
	}
}

// Same says that two monitors see alike.
func (m Monitor) Same(o Monitor) bool {
	return m.Total == o.Total && m.Healthy == o.Healthy && m.Quorum == o.Quorum && slices.Equal(m.Reasons, o.Reasons)
}

// An Impact is how bad a page is, in the words of Statuspage's indicator.
type Impact string

// The impacts.
const (
	None     Impact = "none" // everything is up
	Minor    Impact = "minor"
	Major    Impact = "major"    // a tenth of the hosts outside maintenance is down
	Critical Impact = "critical" // half of them
)

// Counts is how many hosts are in each state.
type Counts struct {
	Up          int `json:"up"`
	Degraded    int `json:"degraded"`
	Down        int `json:"down"`
	Maintenance int `json:"maintenance"`
	Unknown     int `json:"unknown"`
}

// Total is how many hosts there are.
func (c Counts) Total() int { return c.Up + c.Degraded + c.Down + c.Maintenance + c.Unknown }

// Of is how many hosts are in the state.
func (c Counts) Of(s Status) int {
	switch s {
	case Up:
		return c.Up
	case Degraded:
		return c.Degraded
	case Down:
		return c.Down
	case Maintenance:
		return c.Maintenance
	default:
		return c.Unknown
	}
}

func count(hosts []Standing) Counts {
	var c Counts
	for _, h := range hosts {
		switch h.Status {
		case Up:
			c.Up++
		case Degraded:
			c.Degraded++
		case Down:
			c.Down++
		case Maintenance:
			c.Maintenance++
		default:
			c.Unknown++
		}
	}
	return c
}

// A Page is what a fleet amounts to.
type Page struct {
	Status  Status
	Impact  Impact
	Sight   Sight
	Counts  Counts
	Summary string // "118 of 120 proxies working"
}

// RollUp is the page of these hosts. over says that its lease is: then nothing
// on it may be believed.
func RollUp(hosts []Standing, m Monitor, over bool) Page {
	p := Page{Sight: m.Sight(), Counts: count(hosts)}
	p.Status = p.Counts.status()
	if over || p.Sight == Blind {
		p.Status = Unknown
	}
	p.Impact = p.Counts.impact(p.Status)
	p.Summary = p.summary(m.Total > 0, over)
	return p
}

// status is the page's, of hosts that may be believed. Shares are of the hosts
// outside maintenance: work on half of the fleet neither hides an outage of the
// other half nor makes one.
func (c Counts) status() Status {
	watched := c.Total() - c.Maintenance
	switch {
	case c.Total() == 0:
		return Unknown
	case watched == 0:
		return Maintenance
	case 2*c.Down >= watched:
		return Down
	case c.Down > 0 || c.Degraded > 0:
		return Degraded
	case 2*c.Unknown > watched:
		return Unknown
	default:
		return Up
	}
}

func (c Counts) impact(page Status) Impact {
	switch {
	case page == Down:
		return Critical
	case page == Degraded && 10*c.Down >= c.Total()-c.Maintenance:
		return Major
	case page == Up && c.Up == c.Total():
		return None
	default:
		return Minor
	}
}

// summary counts p out. Before any vantage looked, nobody is called blind.
func (p Page) summary(looked, over bool) string {
	total := p.Counts.Total()
	noun := "proxies"
	if total == 1 {
		noun = "proxy"
	}
	switch {
	case total == 0:
		return "no proxies are watched"
	case p.Sight == Blind && looked:
		return fmt.Sprintf("state of %d %s unknown: the monitor cannot see", total, noun)
	case over:
		return fmt.Sprintf("state of %d %s unknown: nothing was measured lately", total, noun)
	case p.Counts.Unknown == total, p.Sight == Blind:
		return fmt.Sprintf("state of %d %s unknown", total, noun)
	}
	s := fmt.Sprintf("%d of %d %s working", p.Counts.Up, total, noun)
	if n := p.Counts.Maintenance; n > 0 {
		s += fmt.Sprintf(", %d under maintenance", n)
	}
	if n := p.Counts.Unknown; n > 0 {
		s += fmt.Sprintf(", %d unknown", n)
	}
	return s
}
