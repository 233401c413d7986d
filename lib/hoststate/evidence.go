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

// distance is how far an outcome is from the reason why the host is as it is.
func (s Standing) distance(o check.Outcome) int {
	hasRole := slices.ContainsFunc(s.Checks, func(w Word) bool { return w.Check == o.Check })
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
