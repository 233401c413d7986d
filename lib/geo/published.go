package geo

import (
	_ "embed"
	"iter"
	"strings"
	"time"
)

// publishedTable is from, to, round trip in milliseconds, distance in miles, miles a
// millisecond and percent of 120.9 of those. The file says where it is from.
//
//go:embed published.csv
var publishedTable string

// A Trip is a round trip from one city to another.
type Trip struct {
	From, To string
	RTT      time.Duration
}

// Published are the round trips between ten cities that Places and the rules about
// detours are tested with: real ones, of 2011.
func Published() iter.Seq[Trip] {
	return func(yield func(Trip) bool) {
		for line := range strings.Lines(publishedTable) {
			row := strings.Split(line, ",")
			if strings.HasPrefix(line, "#") || len(row) < 3 {
				continue
			}
			ms, err := degree(row[2])
			if err != nil {
				continue // the head
			}
			if !yield(Trip{row[0], row[1], time.Duration(ms * float64(time.Millisecond))}) {
				return
			}
		}
	}
}
