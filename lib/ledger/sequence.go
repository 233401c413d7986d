package ledger

import "slices"

// missing is the kind of the holes that sequences find.
const missing = "missing"

// sequences follow squid's own count of the records of one log (%sn). It goes up
// by one with each record, starts again when squid does, and each of squid's
// workers has its own. A number that never comes is a record that was lost: by
// squid, by its log daemon, or with a file.
type sequences struct {
	Runs   []run // the one that was seen last first
	Gaps   []gap // what may still be found in a file that is read late; the oldest first
	Lines  int64 // how many were seen
	Last   int64 // when the last one was logged, in milliseconds
	Broken int64 // how many malformed records came since: each had a number
}

// A run is one process's count.
type run struct {
	Next int64
	Seen int64 // what Lines was when it was seen last
}

// A gap is numbers that were not seen.
type gap struct {
	From, To int64 // To is not in it
	Key, At  int64 // From and when, in milliseconds, as it was told
	Told     bool
}

const (
	maxRuns = 64
	maxGaps = 64
	// idle is for how many lines of others a run must have been silent until it
	// is taken for one of a process that has ended.
	idle = 4096
)

// saw takes the number of a record that was logged at that time. count is how
// many numbers turn out to be missing since from, or, below 0, to be found after
// they were told missing.
func (s *sequences) saw(n, at int64) (from, when, count int64) {
	s.Lines++
	broken, last, logged := s.Broken, s.Last, at
	s.Broken, s.Last = 0, at
	if last != 0 {
		at = last // a gap is where the record before it is
	}
	for i := range s.Runs {
		if s.Runs[i].Next == n {
			s.goesOn(i, n)
			return 0, 0, 0
		}
	}
	if from, when, count, found := s.fills(n); found {
		return from, when, count
	}
	if i := s.nearest(n); i >= 0 {
		from = s.Runs[i].Next
		s.goesOn(i, n)
		return s.miss(gap{From: from, To: n, Key: from, At: at, Told: true}, broken)
	}
	first := len(s.Runs) == 0 // what was before we began is not ours to miss
	again := s.again(n) || logged < last
	s.begin(n)
	if n == 0 || again {
		return 0, 0, 0
	}
	return s.miss(gap{From: 0, To: n, At: at, Told: !first}, broken)
}

func (s *sequences) broke() { s.Broken++ }

// goesOn moves a run to the number after n, and to the front.
func (s *sequences) goesOn(i int, n int64) {
	r := run{Next: n + 1, Seen: s.Lines}
	if i > 0 {
		copy(s.Runs[1:i+1], s.Runs[:i])
	}
	s.Runs[0] = r
}

// fills takes n out of a gap.
func (s *sequences) fills(n int64) (from, when, count int64, found bool) {
	for i, g := range slices.Backward(s.Gaps) {
		if n < g.From || n >= g.To {
			continue
		}
		left, right := g, g
		left.To, right.From = n, n+1
		var rest []gap
		for _, part := range []gap{left, right} {
			if part.From < part.To {
				rest = append(rest, part)
			}
		}
		s.Gaps = slices.Replace(s.Gaps, i, i+1, rest...)
		for j := range s.Runs { // whose gap it is goes on after it
			if s.Runs[j].Next > n {
				s.Runs[j].Seen = s.Lines
			}
		}
		if !g.Told {
			return 0, 0, 0, true
		}
		return g.Key, g.At, -1, true
	}
	return 0, 0, 0, false
}

// nearest is the run that n is most likely of; -1 if it is of none. One that has
// been silent for long is meant only if there is no other.
func (s *sequences) nearest(n int64) int {
	best := -1
	for i, r := range s.Runs {
		if r.Next > n {
			continue
		}
		if best < 0 || s.silent(i) != s.silent(best) && !s.silent(i) || s.silent(i) == s.silent(best) && r.Next > s.Runs[best].Next {
			best = i
		}
	}
	return best
}

// again says that the number of the record just seen comes once more: of a worker that
// is as far, or of a line that is there twice. So is one that was logged before the
// record before it. A process that starts anew, its first records lost, counts later and
// from near 0.
func (s *sequences) again(n int64) bool {
	return slices.ContainsFunc(s.Runs, func(r run) bool { return r.Next == n+1 })
}

func (s *sequences) silent(i int) bool { return s.Lines-s.Runs[i].Seen > idle }

// begin is a process's first record that was seen. What earlier ones missed will
// not come any more.
func (s *sequences) begin(n int64) {
	if n == 0 {
		s.Gaps = nil
	}
	s.Runs = slices.DeleteFunc(s.Runs, func(r run) bool { return s.Lines-r.Seen > idle })
	s.Runs = slices.Insert(s.Runs, 0, run{n + 1, s.Lines})
	s.Runs = s.Runs[:min(len(s.Runs), maxRuns)]
}

// miss notes a gap, less the records that are known to be malformed.
func (s *sequences) miss(g gap, broken int64) (from, when, count int64) {
	g.From += min(broken, g.To-g.From)
	if g.From == g.To {
		return 0, 0, 0
	}
	if s.Gaps = append(s.Gaps, g); len(s.Gaps) > maxGaps {
		s.Gaps = s.Gaps[1:]
	}
	if !g.Told {
		return 0, 0, 0
	}
	return g.Key, g.At, g.To - g.From
}
