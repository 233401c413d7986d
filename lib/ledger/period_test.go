package ledger

import (
	"reflect"
	"testing"
	"time"
)

func TestMidnight(t *testing.T) {
	for _, row := range []struct{ situation, zone, day, want string }{
		{"an ordinary day", "Europe/Berlin", "2026-11-20", "2026-11-20T00:00:00+01:00"},
		{"half an hour off", "Australia/Adelaide", "2026-11-20", "2026-11-20T00:00:00+10:30"},
		{"clocks go forward at midnight", "Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00"},
		{"clocks go back at midnight", "Africa/Cairo", "2026-10-30", "2026-10-30T00:00:00+02:00"},
		{"clocks go forward at midnight, west", "America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"},
		{"clocks go forward at midnight, long ago", "America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"},
	} {
		zone, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, row.day)
		if err != nil {
			t.Fatal(err)
		}
		got := midnight(day.Year(), day.Month(), day.Day(), zone)
		if got.Format(time.RFC3339) != row.want || !isMidnight(got) {
			t.Errorf("%s: %s, want %s", row.situation, got.Format(time.RFC3339), row.want)
		}
		name, starts, ends := daysIn(zone)(got.Unix())
		if starts != got.Unix() || time.Unix(name, 0).In(zone).Format(time.DateOnly) != row.day || ends-starts < 22*3600 || ends-starts > 26*3600 {
			t.Errorf("%s: the day %d is from %d to %d", row.situation, name, starts, ends)
		}
	}
}

func TestParseMoment(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ situation, text, want string }{
		{"the hour that there is twice", "2025-10-26T02:00", "2025-10-26T02:00:00+02:00"},
		{"half past it", "2025-10-26T02:30", "2025-10-26T02:30:00+02:00"},
		{"the hour after", "2025-10-26T03:00", "2025-10-26T03:00:00+01:00"},
		{"the second of the two, by its zone", "2025-10-26T02:00:00+01:00", "2025-10-26T02:00:00+01:00"},
		{"a month", "2025-12", "2025-12-01T00:00:00+01:00"},
		{"to the second", "2025-12-01 10:00:01", "2025-12-01T10:00:01+01:00"},
	} {
		if got, err := ParseMoment(row.text, berlin); err != nil || got.Format(time.RFC3339) != row.want {
			t.Errorf("%s: %v %v, want %s", row.situation, got, err, row.want)
		}
	}
}

// However lines are summed on the way, a query's answer is that of quarters.
func TestPeriodsAgree(t *testing.T) {
	cairo, err := time.LoadLocation("Africa/Cairo")
	if err != nil {
		t.Fatal(err)
	}
	c := config(t.TempDir())
	c.Timezone = cairo.String()
	first := time.Date(2026, 4, 20, 0, 0, 0, 0, cairo)
	for i := range 700 { // ten days; each line is out of order with its neighbour
		at := first.Add(time.Duration(i^1) * 20 * time.Minute)
		write(t, c.Globs[0], line(at, "TCP_MISS", 200, int64(i), []string{"alice", "bob"}[i%2]))
	}
	l := follow(t, c)
	defer l.Close()
	for _, q := range []Query{
		{},
		{By: []string{"user"}},
		{By: []string{"day"}},
		{By: []string{"user", "month"}},
		{By: []string{"hour"}},
		{By: []string{"user"}, From: time.Date(2026, 4, 25, 0, 0, 0, 0, cairo)},
		{By: []string{"day"}, From: first.Add(36 * time.Hour), To: first.Add(100 * time.Hour)},
	} {
		q.Zone = cairo
		stored, _, err := Usage(t.Context(), c.Path, q)
		if err != nil {
			t.Fatal(err)
		}
		counted, _, err := Count(t.Context(), c.Globs, c, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(stored, counted) || len(stored) == 0 {
			t.Errorf("%v: %v, want %v", q.By, counted, stored)
		}
	}
}
