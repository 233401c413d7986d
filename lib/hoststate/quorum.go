package hoststate

import (
	"cmp"
	"slices"
)

// The shares of the votes that decide.
const (
	quorumShare   = 0.5 // of all providers, more than this must vote
	downShare     = 0.6 // of those that vote, from this on it is down
	regionalShare = 0.2 // and from this on it is degraded
	slowShare     = 0.6 // or from this on of those that see it less than well
	twoProviders  = 2   // that must agree, where there are two
	rounding      = 1e-9
)

// A Vote is what one vantage says of one host. A vantage that must not vote, or
// cannot, says Unknown: it was not there in time, does not trust itself, or could
// not measure.
type Vote struct {
	Vantage, Provider, Region string // Provider "" = one of its own
	Status                    Status // Up, Degraded, Down; Unknown = no vote
}

// Votes is how many vantages say what. Who sees a host work less than well sees it
// up.
type Votes struct {
	Up      int `json:"up"`
	Down    int `json:"down"`
	Unknown int `json:"unknown"`
}

// A Tally is what votes amount to.
type Tally struct {
	Status  Status // Unknown: there is no quorum
	Votes   Votes
	Regions []string // where all that vote say down, in order; nil unless Degraded or Down
	Split   bool     // down, but some say otherwise
}

// A share is what one provider says: its vantages share one vote.
type share struct{ voting, down, poor int }

func (s share) of(n int) float64 { return float64(n) / float64(s.voting) }

// Count counts the votes of every vantage that there should be, at most one of which
// a provider has. With W providers, E of them voting, and D the votes that say down:
//
//	E <= W/2, or fewer than two of two or more        unknown: the minority of a partition
//	D/E >= 0.6, and two providers or more say so      down
//	D/E >= 0.2, or all that vote in some region do    degraded
//	six tenths see it less than well                  degraded
//	else                                              up
//
// contrib/prometheus/rules/quorum.yml says the same to Prometheus.
func Count(all []Vote) Tally {
	t := Tally{Votes: tellers(all)}
	providers := shares(all, func(v Vote) string { return cmp.Or(v.Provider, "\x00"+v.Vantage) })
	var voting, down, poor float64
	sayDown := 0
	for _, p := range providers {
		if p.voting == 0 {
			continue
		}
		voting++
		down += p.of(p.down)
		poor += p.of(p.poor)
		if 2*p.down >= p.voting {
			sayDown++
		}
	}
	least := min(twoProviders, len(providers))
	regions := fallen(all)
	switch {
	case voting <= quorumShare*float64(len(providers)) || int(voting) < least:
		return t
	case down >= downShare*voting-rounding && sayDown >= least:
		t.Status, t.Regions = Down, regions
		t.Split = t.Votes.Up > 0
	case down >= regionalShare*voting-rounding || len(regions) > 0:
		t.Status, t.Regions = Degraded, regions
	case poor >= slowShare*voting-rounding:
		t.Status = Degraded
	default:
		t.Status = Up
	}
	return t
}

func tellers(all []Vote) Votes {
	var v Votes
	for _, one := range all {
		switch one.Status {
		case Down:
			v.Down++
		case Up, Degraded:
			v.Up++
		default:
			v.Unknown++
		}
	}
	return v
}

// shares sums votes up by whose they are.
func shares(all []Vote, whose func(Vote) string) map[string]share {
	sums := map[string]share{}
	for _, v := range all {
		s := sums[whose(v)]
		if v.Status != Unknown {
			s.voting++
		}
		if v.Status == Down {
			s.down++
		}
		if v.Status == Down || v.Status == Degraded {
			s.poor++
		}
		sums[whose(v)] = s
	}
	return sums
}

// fallen is the regions in which all that vote say down.
func fallen(all []Vote) []string {
	var regions []string
	for region, s := range shares(all, func(v Vote) string { return v.Region }) {
		if s.voting > 0 && s.down == s.voting {
			regions = append(regions, region)
		}
	}
	slices.Sort(regions)
	return regions
}
