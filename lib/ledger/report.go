package ledger

import (
	"slices"
	"strings"
	"time"
)

// A report adds sums up to rows.
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

// unknownTime is the hour, the day and the month of lines whose time is absurd.
const unknownTime = "unknown"

// A when is the hour, the day and the month of sums, as far as a row has them.
type when struct{ hour, day, month string }

// whenIn is that of a bucket in a zone.
func whenIn(bucket int64, zone *time.Location) when {
	if bucket == badTime {
		return when{unknownTime, unknownTime, unknownTime}
	}
	at := time.Unix(bucket, 0).In(zone)
	return when{at.Format("2006-01-02T15:00Z07:00"), at.Format(time.DateOnly), at.Format("2006-01")}
}

// add is what a user consumed in the bucket that starts at that time.
func (r *report) add(server, user string, bucket int64, s sums) {
	switch at := time.Unix(bucket, 0).In(r.query.Zone); {
	case bucket == badTime && !(r.query.From.IsZero() && r.query.To.IsZero()):
		return // nobody knows when it was
	case bucket != badTime && !r.query.covers(at):
		return
	}
	var w when
	if r.query.timed() {
		w = whenIn(bucket, r.query.Zone)
	}
	r.put(server, user, w, s)
}

// put adds sums to their row.
func (r *report) put(server, user string, w when, s sums) {
	keys := make([]string, len(r.query.By))
	for i, k := range r.query.By {
		switch k {
		case "user":
			keys[i] = user
		case "server":
			keys[i] = server
		case "hour":
			keys[i] = w.hour
		case "day":
			keys[i] = w.day
		case "month":
			keys[i] = w.month
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
	timed := r.query.timed()
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
