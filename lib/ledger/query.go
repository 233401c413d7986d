package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Query is what of a ledger is wanted, and what a row is.
type Query struct {
	From, To time.Time // From is included, To is not; zero = open
	Zone     *time.Location
	By       []string // user, server, hour, day, month
}

// A Row is sums with the values of the keys that make it.
type Row struct {
	Keys     []string // one for each of Query.By; users as their key, not as they are shown
	BytesOut int64
	BytesIn  *int64 // nil: the log does not tell
	Requests int64
}

// Keys are what Query.By may name.
func Keys() []string { return []string{"user", "server", "hour", "day", "month"} }

func (q Query) validate() error {
	for i, k := range q.By {
		if !slices.Contains(Keys(), k) {
			return fmt.Errorf("key %q of --by is unknown: the keys are %s", k, strings.Join(Keys(), ", "))
		}
		if slices.Contains(q.By[:i], k) {
			return fmt.Errorf("key %q of --by is there twice", k)
		}
	}
	return nil
}

// inQuarters refuses what the ledger's buckets cannot answer.
func (q Query) inQuarters() error {
	return q.inSteps(bucketSize*time.Second, "sums are kept by the quarter of an hour: write a time at :00, :15, :30 or :45")
}

// inSeconds refuses what the lines of a log cannot answer.
func (q Query) inSeconds() error {
	return q.inSteps(time.Second, "logs are counted by the second: leave its fraction out")
}

func (q Query) inSteps(step time.Duration, why string) error {
	for _, end := range []struct {
		option string
		at     time.Time
	}{{"--from", q.From}, {"--to", q.To}} {
		if !end.at.IsZero() && !end.at.Equal(end.at.Truncate(step)) {
			return fmt.Errorf("%s %s: %s", end.option, end.at.Format("2006-01-02T15:04:05"), why)
		}
	}
	return nil
}

// covers says that the time belongs to what is asked.
func (q Query) covers(at time.Time) bool {
	return !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To))
}

// touches says that something of what a hole lost may belong to what is asked.
func (q Query) touches(h Hole) bool {
	return !h.Until.Before(q.From) && (q.To.IsZero() || h.At.Before(q.To))
}

// by says that the key is one of a row's.
func (q Query) by(key string) bool { return slices.Contains(q.By, key) }

// timed says that rows are apart by when they were.
func (q Query) timed() bool { return q.by("hour") || q.by("day") || q.by("month") }
