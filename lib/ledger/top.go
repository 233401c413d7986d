package ledger

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
)

// A ranked user is one with what it is ranked by.
type ranked struct {
	name string
	user
}

// before says that r comes before o: more bytes, and of equals the first by name.
func (r ranked) before(o ranked) bool {
	return cmp.Or(cmp.Compare(o.Out, r.Out), cmp.Compare(r.name, o.name)) < 0
}

// podium is a heap of the best so far with the last of them at its root.
type podium []ranked

// Len is part of heap.Interface.
func (p podium) Len() int { return len(p) }

// Less is part of heap.Interface.
func (p podium) Less(i, j int) bool { return p[j].before(p[i]) }

// Swap is part of heap.Interface.
func (p podium) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push is part of heap.Interface.
func (p *podium) Push(r any) { *p = append(*p, r.(ranked)) }

// Pop is part of heap.Interface.
func (p *podium) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// top is the n users with the most bytes, the first of them first, and the sums
// of the others. n = 0 names all.
func top(users iter.Seq2[string, user], n int) ([]ranked, sums) {
	var best podium
	var rest sums
	for name, u := range users {
		r := ranked{name, u}
		switch {
		case n <= 0:
			best = append(best, r)
		case len(best) < n:
			heap.Push(&best, r)
		case r.before(best[0]):
			rest = rest.plus(best[0].sums)
			best[0] = r
			heap.Fix(&best, 0)
		default:
			rest = rest.plus(u.sums)
		}
	}
	slices.SortFunc(best, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return best, rest
}

// restWith is the sums of the users without a name once more is committed. A counter
// must not fall: a user who gets a name takes nothing away from what was seen.
// The others have caught up with it soon.
func (l *Ledger) restWith(more map[string]sums) sums {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.served
	if l.config.TopUsers <= 0 || len(s.users)+len(more) <= l.config.TopUsers {
		return s.floor
	}
	_, rest := top(func(yield func(string, user) bool) {
		for name, u := range s.users {
			u.sums = u.plus(more[name])
			if !yield(name, u) {
				return
			}
		}
		for name, u := range more {
			if _, known := s.users[name]; !known && !yield(name, user{sums: u}) {
				return
			}
		}
	}, l.config.TopUsers)
	return rest.atLeast(s.floor)
}
