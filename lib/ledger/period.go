package ledger

import (
	"fmt"
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

// cutAt is a period that begins or ends at moments within it, too: those of a query need
// not be a quarter's.
func (p period) cutAt(moments ...time.Time) period {
	return func(at int64) (name, starts, ends int64) {
		name, starts, ends = p(at)
		for _, m := range moments {
			switch cut := m.Unix(); {
			case m.IsZero() || cut <= starts || cut >= ends:
			case at < cut:
				ends = cut
			default:
				name, starts = cut, cut
			}
		}
		return name, starts, ends
	}
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

// midnight is a day's first moment. Where clocks are put forward at midnight there
// is no 00:00, and time.Date may give a moment of the day before; where they are
// put back to it there are two, and it may give the second.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	day := time.Date(y, m, d, 12, 0, 0, 0, zone).Day()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if t.Day() != day {
		_, ends := t.ZoneBounds()
		return ends
	}
	return firstOf(t)
}

// firstOf is the first moment that clocks showed t: where they are put back they show
// an hour twice, and time.Date may give either.
func firstOf(t time.Time) time.Time {
	starts, _ := t.ZoneBounds()
	if starts.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := starts.Add(-time.Second).Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(starts) {
		return first
	}
	return t
}

// isMidnight says that t is a day's first moment, or no time at all.
func isMidnight(t time.Time) bool {
	y, m, d := t.Date()
	return t.IsZero() || t.Equal(midnight(y, m, d, t.Location()))
}

// ParseMoment reads a day or a month, whose first moment is meant, or a time, in
// the zone unless it names its own: the first of two where clocks are put back.
func ParseMoment(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01"} {
		if t, err := time.Parse(layout, text); err == nil {
			return midnight(t.Year(), t.Month(), t.Day(), zone), nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return firstOf(t), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no date: write 2026-11-01, 2026-11 (its first day), 2026-11-01T15:00, or RFC 3339 with a zone", text)
}

// period is the longest one that the query can be answered from.
func (q Query) period() period {
	if slices.Contains(q.By, "hour") || !isMidnight(q.From) || !isMidnight(q.To) {
		return period(quarters).cutAt(q.From, q.To)
	}
	if slices.Contains(q.By, "day") || slices.Contains(q.By, "month") || !q.From.IsZero() || !q.To.IsZero() {
		return daysIn(q.Zone)
	}
	return ever
}
