package ledger

import (
	"cmp"
	"maps"
	"slices"

	"milepost/lib/tail"
)

// A streak is records whose numbers (%sn) follow each other.
type streak struct {
	from, next int64
	at, last   int64 // milliseconds: when the first and the last of them were logged
	before     int64 // milliseconds: when the record before them was; 0 = not known
	broken     int64 // how many malformed records are right before them
}

// streaks are the numbers of a part of a log, counted before the parts that precede
// it: what is missing is told once all are there, by sequences.
type streaks struct {
	all    []streak
	recent []int // the ones that may go on, by index, the one that was seen last first
	last   int64 // when the last record was logged
	broken int64 // how many malformed records came since
}

// maxStreaks is how many a part may have, so that numbers that make no sense take no
// memory to speak of: a streak for each gap and each process are but few.
const maxStreaks = 1 << 16

// saw takes the number of a record. What is missing it cannot tell yet.
func (s *streaks) saw(n, at int64) (from, when, count int64) {
	before, broken := s.last, s.broken
	s.last, s.broken = at, 0
	for i, k := range s.recent {
		if s.all[k].next == n {
			s.all[k].next, s.all[k].last = n+1, at
			copy(s.recent[1:i+1], s.recent[:i])
			s.recent[0] = k
			return 0, 0, 0
		}
	}
	if len(s.all) < maxStreaks {
		s.recent = slices.Insert(s.recent[:min(len(s.recent), maxRuns-1)], 0, len(s.all))
		s.all = append(s.all, streak{from: n, next: n + 1, at: at, last: at, before: before, broken: broken})
	}
	return 0, 0, 0
}

func (s *streaks) broke() { s.broken++ }

// missingIn is the records that are missing in logs: squid counts on when the file is
// another, and each log has a count of its own.
func missingIn(pieces []*piece) []Hole {
	var paths []string
	for _, p := range pieces {
		paths = append(paths, p.path)
	}
	logs := map[string][]*piece{}
	for i, log := range tail.Logs(paths) {
		logs[log] = append(logs[log], pieces[i])
	}
	var holes []Hole
	for _, log := range slices.Sorted(maps.Keys(logs)) {
		var s sequences
		for _, p := range inTime(logs[log]) {
			for _, k := range p.numbers.all {
				s.sawAll(k, func(from, when, count int64) {
					at := seconds(when)
					holes = append(holes, Hole{Kind: missing, Path: log, At: at, Until: at, From: from, To: from + max(count, 0), Count: count})
				})
			}
			s.Broken += p.numbers.broken
		}
	}
	return slices.DeleteFunc(merged(holes), func(h Hole) bool { return h.Count <= 0 })
}

// inTime is pieces with those of the file first whose first record is the oldest.
func inTime(pieces []*piece) []*piece {
	first := map[string]int64{}
	for _, p := range pieces {
		if _, known := first[p.path]; !known && len(p.numbers.all) > 0 {
			first[p.path] = p.numbers.all[0].at
		}
	}
	slices.SortStableFunc(pieces, func(a, b *piece) int { return cmp.Compare(first[a.path], first[b.path]) })
	return pieces
}

// sawAll takes a streak, and tells what turns out to be missing, or, below 0, to be found.
func (s *sequences) sawAll(k streak, tell func(from, when, count int64)) {
	s.Broken += k.broken
	if k.before != 0 {
		s.Last = k.before
	}
	for n := k.from; n < k.next; n++ {
		if from, when, count := s.saw(n, k.at); count != 0 {
			tell(from, when, count)
		}
		if len(s.Runs) > 0 && s.Runs[0].Next == n+1 { // and the others after it
			s.Lines += k.next - n - 1
			s.Runs[0] = run{Next: k.next, Seen: s.Lines}
			break
		}
	}
	s.Last = k.last
}
