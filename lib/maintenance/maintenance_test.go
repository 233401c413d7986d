package maintenance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func weekly(t *testing.T, text string) Weekly {
	t.Helper()
	var w Weekly
	if err := w.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return w
}

// In New York clocks go from 02:00 to 03:00 on 8 March 2026, and from 02:00 back to
// 01:00 on 1 November 2026, both Sundays.
func TestWeekly(t *testing.T) {
	const york, berlin = "America/New_York", "Europe/Berlin"
	for _, row := range []struct{ situation, weekly, zone, now, from, until string }{
		{"in it", "Sun 02:00-04:00", york, "2026-11-22T08:00:00Z", "2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z"},
		{"the first second", "Sun 02:00-04:00", york, "2026-11-22T07:00:00Z", "2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z"},
		{"a second before", "Sun 02:00-04:00", york, "2026-11-22T06:59:59Z", "", ""},
		{"its end is not in it", "Sun 02:00-04:00", york, "2026-11-22T09:00:00Z", "", ""},
		{"another day", "Sun 02:00-04:00", york, "2026-11-23T08:00:00Z", "", ""},
		{"in summer the same wall time is an hour earlier", "Sun 02:00-04:00", york, "2026-07-19T06:30:00Z", "2026-07-19T06:00:00Z", "2026-07-19T08:00:00Z"},
		{"the hour that does not exist is left out", "Sun 02:00-04:00", york, "2026-03-08T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"},
		{"all of it in the hour that does not exist", "Sun 02:15-02:45", york, "2026-03-08T07:00:00Z", "", ""},
		{"the hour that comes twice is in it twice", "Sun 01:00-02:00", york, "2026-11-01T06:30:00Z", "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z"},
		{"behind the hour that comes twice", "Sun 02:00-04:00", york, "2026-11-01T07:30:00Z", "2026-11-01T07:00:00Z", "2026-11-01T09:00:00Z"},
		{"over midnight, before it", "Sat 23:00-01:00", berlin, "2026-11-21T22:30:00Z", "2026-11-21T22:00:00Z", "2026-11-22T00:00:00Z"},
		{"over midnight, behind it", "Sat 23:00-01:00", berlin, "2026-11-21T23:30:00Z", "2026-11-21T22:00:00Z", "2026-11-22T00:00:00Z"},
		{"over midnight into a new month", "Mon 23:00-01:00", berlin, "2026-11-30T23:30:00Z", "2026-11-30T22:00:00Z", "2026-12-01T00:00:00Z"},
		{"the night before is not in it", "Sat 23:00-01:00", berlin, "2026-11-20T23:30:00Z", "", ""},
		{"a whole day", "Sat,Sun 00:00-24:00", "UTC", "2026-11-22T23:59:59Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"days from to, around the end of the week", "Fri-Mon 03:00-03:30", "UTC", "2026-11-23T03:10:00Z", "2026-11-23T03:00:00Z", "2026-11-23T03:30:00Z"},
		{"days in full", "Sunday 02:00-04:00", "UTC", "2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z", "2026-11-22T04:00:00Z"},
		{"half an hour off", "Mon 01:00-02:00", "Asia/Kolkata", "2026-11-22T19:45:00Z", "2026-11-22T19:30:00Z", "2026-11-22T20:30:00Z"},
		{"a midnight that does not exist", "Sun 00:00-01:30", "America/Santiago", "2026-09-06T04:10:00Z", "2026-09-06T04:00:00Z", "2026-09-06T04:30:00Z"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, row.now)
			if err != nil {
				t.Fatal(err)
			}
			from, until, in := weekly(t, row.weekly).at(now, zone(t, row.zone))
			got := [2]string{}
			if in {
				got = [2]string{from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)}
			}
			if got != [2]string{row.from, row.until} {
				t.Errorf("got %v, want %q %q", got, row.from, row.until)
			}
		})
	}
}

func TestWeeklyRefuses(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", `"" is no time of the week`},
		{"Sun", `"Sun" is no time of the week`},
		{"Sun 02:00", `"Sun 02:00" is no time of the week`},
		{"Son 02:00-04:00", `"Son" is no day of the week`},
		{"Sun 2:00-04:00", `"2:00" is no time of day`},
		{"Sun 02:60-04:00", `"02:60" is no time of day`},
		{"Sun 02:00-24:01", `"24:01" is no time of day`},
		{"Sun 02:00-02:00", `has no length`},
		{"Sun 24:00-02:00", `has no length`},
		{"Mon-Fry 02:00-03:00", `"Fry" is no day of the week`},
	} {
		var w Weekly
		if err := w.UnmarshalText([]byte(row.text)); err == nil || !strings.Contains(err.Error(), row.want) || !w.IsZero() {
			t.Errorf("%q: %v, want %q", row.text, err, row.want)
		}
	}
}

func TestValidate(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	hosts := []string{"a"}
	for _, row := range []struct {
		window Window
		want   string
	}{
		{Window{Hosts: hosts, From: now, To: now.Add(1)}, ""},
		{Window{Groups: []string{"eu"}, Weekly: weekly(t, "Sun 02:00-04:00")}, ""},
		{Window{From: now, To: now.Add(1)}, "neither hosts nor groups"},
		{Window{Hosts: hosts}, "neither weekly nor from and to"},
		{Window{Hosts: hosts, From: now}, "one of from and to"},
		{Window{Hosts: hosts, From: now, To: now}, "is not after from"},
		{Window{Hosts: hosts, From: now, To: now.Add(1), Weekly: weekly(t, "Sun 02:00-04:00")}, "either once or every week"},
	} {
		err := row.window.Validate()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", row.window, err, row.want)
		}
	}
}

func TestCalendar(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "maintenance.json")
	open := func() *Calendar {
		c, err := Open(path, now)
		if err != nil {
			t.Fatal(err)
		}
		c.Replace([]Window{{Groups: []string{"eu"}, Weekly: weekly(t, "Mon 11:00-13:00"), Reason: "provider window"}})
		return c
	}
	c := open()
	by, err := c.Start(Window{Hosts: []string{"fra-1"}, From: now, To: now.Add(2 * time.Hour), Reason: "disk"}, now)
	if err != nil {
		t.Fatal(err)
	}
	reason := func(host, group string, now time.Time) string {
		w, _, _, in := c.At(host, group, now)
		if !in {
			return "-"
		}
		return w.Reason
	}
	for range 2 { // the second time after a restart
		for _, row := range []struct {
			situation, host, group string
			after                  time.Duration
			want                   string
		}{
			{"the host", "fra-1", "", 0, "disk"},
			{"another host", "fra-2", "", 0, "-"},
			{"another of the group", "fra-2", "eu", 0, "provider window"},
			{"both: the one that lasts longer", "fra-1", "eu", 0, "disk"},
			{"a group is not a host", "eu", "", 0, "-"},
			{"the group's is over", "fra-2", "eu", time.Hour, "-"},
			{"its own is over", "fra-1", "eu", 2 * time.Hour, "-"},
		} {
			if got := reason(row.host, row.group, now.Add(row.after)); got != row.want {
				t.Errorf("%s: %s, want %s", row.situation, got, row.want)
			}
		}
		c = open()
	}
	if n := len(c.List(now)); n != 2 {
		t.Errorf("%d windows are listed", n)
	}
	if _, err := c.End([]string{by.ID, "fra-9"}, now); err == nil || !strings.Contains(err.Error(), `no window "fra-9" was started by hand`) || len(c.List(now)) != 2 {
		t.Errorf("%v, and %d are left", err, len(c.List(now)))
	}
	if ended, err := c.End([]string{"fra-1"}, now); err != nil || len(ended) != 1 || reason("fra-1", "", now) != "-" {
		t.Errorf("%v %v", ended, err)
	}
	if c = open(); reason("fra-1", "", now) != "-" {
		t.Error("a window that was ended is back after a restart")
	}
	if _, err := c.Start(Window{Hosts: []string{All}, From: now.Add(-2), To: now.Add(-1)}, now); err == nil {
		t.Error("a window that is over was started")
	}
	all, err := c.Start(Window{Hosts: []string{All}, From: now, To: now.Add(1)}, now)
	if err != nil || reason("whoever", "", now) != "" || all.ID == "" {
		t.Errorf("all hosts: %v %q", err, reason("whoever", "", now))
	}
}

// A window of every week that was started by hand is kept with its zone.
func TestWeeklyByHand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "maintenance.json")
	sunday := time.Date(2026, 11, 22, 7, 30, 0, 0, time.UTC) // 02:30 in New York
	c, err := Open(path, sunday)
	if err != nil {
		t.Fatal(err)
	}
	w := Window{Hosts: []string{"a"}, Weekly: weekly(t, "Sun 02:00-04:00")}
	if w.Zone, err = ParseZone("America/New_York"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(w, sunday); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time after a restart
		for at, want := range map[time.Time]bool{sunday: true, sunday.Add(-5 * time.Hour): false, sunday.AddDate(1, 0, -1): true, sunday.AddDate(1, 0, 0): false} {
			if _, _, _, in := c.At("a", "", at); in != want {
				t.Errorf("at %v: %v, want %v", at, in, want)
			}
		}
		if c, err = Open(path, sunday.AddDate(1, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if all := c.List(sunday); len(all) != 1 || all[0].Zone.String() != "America/New_York" {
		t.Errorf("%+v", all)
	}
	if _, err := c.End([]string{"a"}, sunday); err != nil {
		t.Fatal(err)
	}
	if c, err = Open(path, sunday); err != nil || len(c.List(sunday)) != 0 {
		t.Errorf("after its end: %v, %v", c.List(sunday), err)
	}
}

func TestDamagedCalendar(t *testing.T) {
	now := time.Now()
	for _, text := range []string{"", "{", `[{"id":"x"}]`, `[{"id":"","hosts":["a"],"weekly":"Sun 02:00-04:00"}]`, `[{"id":"x","hosts":["a"],"weekly":"Sunny"}]`, `[{"id":"x","hosts":["a"],"weekly":"Sun 02:00-04:00","timezone":"Mars"}]`} {
		path := filepath.Join(t.TempDir(), "maintenance.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(path, now)
		if err == nil || !strings.Contains(err.Error(), "it is damaged") {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := c.Start(Window{Hosts: []string{"a"}, From: now, To: now.Add(time.Hour)}, now); err != nil {
			t.Errorf("a calendar whose file is damaged does not work: %v", err)
		}
	}
}

func FuzzWeekly(f *testing.F) {
	for _, s := range []string{"Sun 02:00-04:00", "Mon-Fri 22:00-01:30", "Sat,Sun 00:00-24:00", "Sun"} {
		f.Add(s, int64(1800000000))
	}
	places := []*time.Location{time.UTC}
	for _, name := range []string{"America/New_York", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"} {
		if z, err := time.LoadLocation(name); err == nil {
			places = append(places, z)
		}
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		var w Weekly
		if w.UnmarshalText([]byte(text)) != nil {
			return
		}
		now := time.Unix(unix%4_000_000_000, 0)
		for _, z := range places {
			from, until, in := w.at(now, z)
			if in && (now.Before(from) || !now.Before(until) || until.Sub(from) > 26*time.Hour) {
				t.Errorf("%q at %v in %v: %v to %v", text, now, z, from, until)
			}
			if in && !slices.Contains(w.days, from.In(z).Weekday()) && from.In(z).Hour() > 1 {
				t.Errorf("%q begins on a %v", text, from.In(z).Weekday())
			}
		}
	})
}
