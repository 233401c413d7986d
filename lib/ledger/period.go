package ledger

import (
	"math"
	"slices"
	"time"
)

// A period is the span of time, in seconds since the epoch, whose lines are
// summed together: which one the time at belongs to. name is its bucket.
type period func(at int64) (name, starts, ends int64)

// quarters are the ledger's own buckets.
func quarters(at int64) (name, starts, ends int64) {
	starts = at - at%bucketSize
	return starts, starts, starts + bucketSize
}

// ever is one period: nobody asks when.
func ever(int64) (name, starts, ends int64) { return earliest / 1000, 0, math.MaxInt64 }

// daysIn are a zone's days. Noon names one: every day of every zone has it.
func daysIn(zone *time.Location) period {
	return func(at int64) (name, starts, ends int64) {
		y, m, d := time.Unix(at, 0).In(zone).Date()
		return time.Date(y, m, d, 12, 0, 0, 0, zone).Unix(), midnight(y, m, d, zone).Unix(), midnight(y, m, d+1, zone).Unix()
	}
}

// midnight is a day's first moment. Where clocks change at midnight,
// time.Date may give one of the day before.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if t.Hour() > 12 {
		t = t.Add(time.Hour)
	}
	return t
}

// isMidnight says that t is a day's first moment, or no time at all.
func isMidnight(t time.Time) bool {
	y, m, d := t.Date()
	return t.IsZero() || t.Equal(midnight(y, m, d, t.Location()))
}

// period is the longest one that the query can be answered from.
func (q Query) period() period {
	if slices.Contains(q.By, "hour") || !isMidnight(q.From) || !isMidnight(q.To) {
		return quarters
	}
	if slices.Contains(q.By, "day") || slices.Contains(q.By, "month") || !q.From.IsZero() || !q.To.IsZero() {
		return daysIn(q.Zone)
	}
	return ever
}
