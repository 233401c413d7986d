package hoststate

import (
	"cmp"
	"slices"

	"milepost/lib/check"
	"milepost/lib/verdict"
)

// Evidence are the outcomes that are not OK, the one that tells best why the host is as
// it is first: of a host that is not up, those of the checks that make it so go before
// the operator's own (its clock, its path), and the worst before the others.
func (s Standing) Evidence(outcomes []check.Outcome) []check.Outcome {
	bad := slices.DeleteFunc(slices.Clone(outcomes), func(o check.Outcome) bool { return o.Status == verdict.OK })
	slices.SortStableFunc(bad, func(a, b check.Outcome) int {
		return cmp.Or(cmp.Compare(s.distance(a), s.distance(b)), verdict.WorstFirst(a.Status, b.Status))
	})
	return bad
}

// Proof are the outcomes that made the host what it is, the most telling first: only
// those of checks with a role, and only what says so. That a clock was not measured is no
// proof of anything that happened to a host. Where other vantages judged and the roles
// are not told, whatever is bad here goes for a host that is not up.
func (s Standing) Proof(outcomes []check.Outcome) []check.Outcome {
	proves := func(o check.Outcome) bool {
		switch {
		case len(s.Checks) > 0 && s.role(o.Check) < 0:
			return false
		case s.Status == Up:
			return o.Status == verdict.OK && len(s.Checks) > 0
		case s.Status == Unknown:
			return o.Status == verdict.Unknown && len(s.Checks) > 0
		default:
			return o.Status == verdict.Warning || o.Status == verdict.Critical
		}
	}
	all := slices.DeleteFunc(slices.Clone(outcomes), func(o check.Outcome) bool { return !proves(o) })
	slices.SortStableFunc(all, func(a, b check.Outcome) int {
		return cmp.Or(cmp.Compare(s.distance(a), s.distance(b)), verdict.WorstFirst(a.Status, b.Status), cmp.Compare(s.role(a.Check), s.role(b.Check)))
	})
	return all
}

// role is the place of the check among those with a role; -1 if it has none.
func (s Standing) role(name string) int {
	return slices.IndexFunc(s.Checks, func(w Word) bool { return w.Check == name })
}

// distance is how far an outcome is from the reason why the host is as it is.
func (s Standing) distance(o check.Outcome) int {
	hasRole := s.role(o.Check) >= 0
	switch {
	case s.Status == Up:
		return 0
	case hasRole && o.Reason == s.Reason:
		return 1
	case hasRole:
		return 2
	default:
		return 3
	}
}
