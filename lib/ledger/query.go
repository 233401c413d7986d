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
	for _, end := range []struct {
		option string
		at     time.Time
	}{{"--from", q.From}, {"--to", q.To}} {
		if !end.at.IsZero() && !end.at.Equal(end.at.Truncate(bucketSize*time.Second)) {
			return fmt.Errorf("%s %s: sums are kept by the quarter of an hour: write a time at :00, :15, :30 or :45", end.option, end.at.Format("2006-01-02T15:04:05"))
		}
	}
	return nil
}

// covers says that the time belongs to what is asked.
func (q Query) covers(at time.Time) bool {
	return !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To))
}

// A report adds buckets up to rows.
type report struct {
	query Query
	rows  map[string]*row
}

// A row is a Row that grows.
type row struct {
	keys []string
	sums
}

func newReport(q Query) (*report, error) {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	return &report{query: q, rows: map[string]*row{}}, q.validate()
}

// add is what a user consumed in the bucket that starts at that time.
func (r *report) add(server, user string, bucket int64, s sums) {
	at := time.Unix(bucket, 0).In(r.query.Zone)
	if bucket == badTime {
		if !r.query.From.IsZero() || !r.query.To.IsZero() {
			return // nobody knows when it was
		}
	} else if !r.query.covers(at) {
		return
	}
	keys := make([]string, len(r.query.By))
	for i, k := range r.query.By {
		switch k {
		case "user":
			keys[i] = user
		case "server":
			keys[i] = server
		case "hour":
			keys[i] = at.Format("2006-01-02T15:00Z07:00")
		case "day":
			keys[i] = at.Format(time.DateOnly)
		case "month":
			keys[i] = at.Format("2006-01")
		}
		if bucket == badTime && k != "user" && k != "server" {
			keys[i] = "unknown"
		}
	}
	id := strings.Join(keys, "\x00")
	sum := r.rows[id]
	if sum == nil {
		sum = &row{keys: keys}
		r.rows[id] = sum
	}
	sum.sums = sum.plus(s)
}

// sorted is the rows: by time where there is one, and else the largest first.
func (r *report) sorted() []Row {
	var all []Row
	for _, sum := range r.rows {
		one := Row{Keys: sum.keys, BytesOut: sum.Out, Requests: sum.Requests}
		if !sum.Blind {
			one.BytesIn = &sum.In
		}
		all = append(all, one)
	}
	timed := slices.ContainsFunc(r.query.By, func(k string) bool { return k == "hour" || k == "day" || k == "month" })
	slices.SortFunc(all, func(a, b Row) int {
		if !timed && a.BytesOut != b.BytesOut {
			if a.BytesOut > b.BytesOut {
				return -1
			}
			return 1
		}
		return slices.Compare(a.Keys, b.Keys)
	})
	return all
}
