package maintenance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Weekly is a stretch of the week by the clock on the wall: "Sun 02:00-04:00",
// "Mon-Fri 22:00-01:30", "Sat,Sun 00:00-24:00". One that ends before it begins ends on
// the next day. The zero Weekly is none.
type Weekly struct {
	days       []time.Weekday // on which it begins
	begin, end int            // minutes after midnight; end may be beyond 24 hours
	text       string
}

// IsZero says that there is none.
func (w Weekly) IsZero() bool { return w.text == "" }

// String is w as it was written.
func (w Weekly) String() string { return w.text }

// MarshalText is String.
func (w Weekly) MarshalText() ([]byte, error) { return []byte(w.text), nil }

var (
	errWeekly = errors.New(`write it as "Sun 02:00-04:00", "Sat,Sun 22:00-02:00" or "Mon-Fri 03:00-03:30"`)
	dayNames  = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

const day = 24 * 60

// UnmarshalText reads a stretch of the week.
func (w *Weekly) UnmarshalText(text []byte) error {
	days, hours, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	begin, end, dash := strings.Cut(strings.TrimSpace(hours), "-")
	if !ok || !dash {
		return fmt.Errorf("%q is no time of the week: %w", text, errWeekly)
	}
	next := Weekly{text: strings.TrimSpace(string(text))}
	var err error
	if next.days, err = weekdays(days); err != nil {
		return err
	}
	if next.begin, err = minutes(begin); err != nil {
		return err
	}
	if next.end, err = minutes(end); err != nil {
		return err
	}
	switch {
	case next.begin == day || next.begin == next.end:
		return fmt.Errorf("%q has no length: %w", hours, errWeekly)
	case next.end < next.begin:
		next.end += day
	}
	*w = next
	return nil
}

// weekdays reads "Sun", "Sat,Sun" and "Mon-Fri".
func weekdays(text string) ([]time.Weekday, error) {
	var all []time.Weekday
	for part := range strings.SplitSeq(text, ",") {
		from, to, span := strings.Cut(part, "-")
		first, err := weekday(from)
		if err != nil {
			return nil, err
		}
		last := first
		if span {
			if last, err = weekday(to); err != nil {
				return nil, err
			}
		}
		for d := first; ; d = (d + 1) % 7 {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
			if d == last {
				break
			}
		}
	}
	return all, nil
}

// weekday reads "Sun" and "Sunday".
func weekday(text string) (time.Weekday, error) {
	name := strings.ToLower(text)
	for d := range time.Saturday + 1 {
		if name == dayNames[d] || name == strings.ToLower(d.String()) {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is no day of the week: %w", text, errWeekly)
}

// minutes reads "02:00", up to "24:00".
func minutes(text string) (int, error) {
	var h, m int
	if len(text) == len("02:00") {
		if n, err := fmt.Sscanf(text, "%2d:%2d", &h, &m); err == nil && n == 2 && h >= 0 && m >= 0 && m < 60 && h*60+m <= day {
			return h*60 + m, nil
		}
	}
	return 0, fmt.Errorf("%q is no time of day: %w", text, errWeekly)
}

// at is the stretch that now lies in, in the zone. Where clocks are set forward over
// its edge, the edge is the moment they are; where they are set back over it, it
// begins the first time and ends the second.
func (w Weekly) at(now time.Time, zone *time.Location) (from, until time.Time, in bool) {
	if w.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	year, month, date := now.In(zone).Date()
	for back := range 2 { // it began today or yesterday
		begun := time.Date(year, month, date-back, 12, 0, 0, 0, zone)
		if !slices.Contains(w.days, begun.Weekday()) {
			continue
		}
		from, _ = wall(year, month, date-back, w.begin, zone)
		_, until = wall(year, month, date-back, w.end, zone)
		if !now.Before(from) && now.Before(until) {
			return from, until, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// wall is when the clocks of the zone show so many minutes after the midnight of a
// day: for the first and for the last time. If they never do, it is when they jump.
func wall(year int, month time.Month, date, minutes int, zone *time.Location) (first, last time.Time) {
	naive := time.Date(year, month, date, 0, minutes, 0, 0, time.UTC)
	var shown []time.Time
	for _, near := range []time.Duration{-day * time.Minute, day * time.Minute} {
		_, offset := naive.Add(near).In(zone).Zone()
		t := naive.Add(-time.Duration(offset) * time.Second).In(zone)
		_, there := t.Zone()
		if there == offset {
			shown = append(shown, t)
		}
	}
	if len(shown) == 0 {
		_, jump := naive.Add(-day * time.Minute).In(zone).ZoneBounds()
		return jump, jump
	}
	slices.SortFunc(shown, time.Time.Compare)
	return shown[0], shown[len(shown)-1]
}
