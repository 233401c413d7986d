package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestMissingNumbers(t *testing.T) {
	for _, row := range []struct{ situation, numbers, want string }{
		{"none", "0 1 2 3", ""},
		{"counting begins in the middle", "70 71 72", ""},
		{"one is missing", "0 1 3 4", "2:1"},
		{"many are missing", "0 1 2 100 101", "3:97"},
		{"several gaps", "0 2 3 6", "1:1 4:2"},
		{"squid restarts", "0 1 2 0 1 2 3 4", ""},
		{"squid restarts and its first records are lost", "0 1 2 3 4 2 3 4", "0:2"},
		{"squid restarts and one is missing later", "0 1 2 3 0 1 3", "2:1"},
		{"two workers", "0 0 1 1 2 3 2 4 3", ""},
		{"two workers, one loses", "10 11 0 1 12 2 14 3 15", "13:1"},
		{"an older file is read late", "0 1 4 5 2 3 6", "2:2 2:-1 2:-1"},
		{"an older file is read late, and not whole", "0 1 5 3 6", "2:3 2:-1"},
		{"the older files of the first start are read late", "50 51 10 11 12 52", ""},
		{"a gap of before a restart is not filled by what comes after", "0 5 0 1 2 3 4 5 6", "1:4"},
		{"a number comes twice", "7 8 8 9", ""},
		{"a number comes twice after the first", "1 2 2 3", ""},
		{"a number comes three times, and one is missing", "1 2 2 2 3 5", "4:1"},
		{"two workers from the middle, as far as each other", "7 7 8 8 9 10 9 11 10", ""},
		{"a malformed record has a number too", "0 1 x 3", ""},
		{"a malformed record and a lost one", "0 1 x 4", "2:1"},
	} {
		s, got := sequences{}, []string{}
		for _, word := range strings.Fields(row.numbers) {
			n, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				s.Broken++
				continue
			}
			if from, _, count := s.saw(n, 1); count != 0 {
				got = append(got, fmt.Sprintf("%d:%d", from, count))
			}
		}
		if said := strings.Join(got, " "); said != row.want {
			t.Errorf("%s: %s: got %q, want %q", row.situation, row.numbers, said, row.want)
		}
	}
}

// A file that is read late may be long: what comes after it is of the same process.
func TestALongFileIsReadLate(t *testing.T) {
	var s sequences
	s.saw(0, 1)
	s.saw(10_001, 1)
	var missing int64
	for n := range int64(10_000) {
		_, _, count := s.saw(n+1, 1)
		missing += count
	}
	if from, _, count := s.saw(10_003, 1); from != 10_002 || count != 1 || missing != -10_000 {
		t.Errorf("%d are missing from %d, and %d were found", count, from, -missing)
	}
}

// Lines that were copied into a log once more are not a process that started anew.
func TestNumbersOfLinesThatAreThereTwice(t *testing.T) {
	var s sequences
	for i, n := range []int64{5, 6, 7, 8, 5, 6, 7, 8, 9} {
		at := n * 1000
		if from, _, count := s.saw(n, at); count != 0 {
			t.Errorf("record %d: %d are missing from %d", i, count, from)
		}
	}
}

// However many processes and gaps there were, what is kept stays small.
func TestNumbersThatMakeNoSense(t *testing.T) {
	var s sequences
	for i := range int64(10_000) {
		s.saw(i*7919%104729, i)
		s.saw(0, i)
	}
	if len(s.Runs) > maxRuns || len(s.Gaps) > maxGaps {
		t.Errorf("%d runs and %d gaps are kept", len(s.Runs), len(s.Gaps))
	}
}

// What is missing is a hole, and fewer once it is found in a file that is read late.
func TestMissingRecordsAreHoles(t *testing.T) {
	c := config(t.TempDir())
	c.Format = "bill"
	records := func(numbers ...int) string {
		var b strings.Builder
		for _, n := range numbers {
			fmt.Fprintf(&b, "%d.000     12 127.0.0.1 TCP_MISS/200 1 1 GET alice %d 1795426814.405 http://h/\n", noon.Unix()+int64(n), n)
		}
		return b.String()
	}
	holes := func() string {
		_, all, err := Usage(t.Context(), c.Path, Query{})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, h := range all {
			said = append(said, fmt.Sprintf("%d %s %s", h.Count, h.Kind, h.At.Format("15:04:05")))
		}
		return strings.Join(said, ", ")
	}
	write(t, c.Globs[0], records(0, 1, 2))
	follow(t, c).Close()
	write(t, c.Globs[0], records(10, 11))
	follow(t, c).Close() // another process goes on with the numbers
	if got := holes(); got != "7 missing 12:00:02" {
		t.Errorf("%s", got)
	}
	write(t, c.Globs[0]+".1", records(3, 4, 5, 6))
	l := follow(t, c)
	defer l.Close()
	if got := holes(); got != "3 missing 12:00:02" {
		t.Errorf("%s", got)
	}
	for s := range l.Samples() {
		if s.Metric == "ledger_holes_total" && s.Labels[3] == missing && s.Value != 7 {
			t.Errorf("a counter went from 7 to %v", s.Value)
		}
	}
}
