package hoststate

import (
	"fmt"
	"testing"
	"time"
)

func TestTold(t *testing.T) {
	noon := time.Date(2026, 9, 28, 12, 0, 0, 0, time.UTC)
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	told := func(at int, s Status, since int) Told {
		return Told{Standing{Status: s, Since: minute(since)}, minute(at)}
	}
	for _, row := range []struct {
		situation string
		told      Told
		now       Status
		since     int    // minutes after noon
		want      string // from which minute it changes what was told, and whether it stayed as told up to it
	}{
		{"nothing was told yet", Told{}, Up, -3, "-3 false"},
		{"up all the time", told(4, Up, 0), Up, 0, "4 false"},
		{"up again, told as up", told(4, Up, 0), Up, 5, "5 false"},
		{"it fell after it was told", told(4, Up, 0), Down, 6, "6 true"},
		{"an outage is dated back", told(6, Up, 0), Down, 4, "4 false"},
		{"it fell when it was told", told(6, Up, 0), Down, 6, "6 false"},
		{"down as before", told(6, Down, 4), Down, 4, "6 false"},
		{"maintenance hid that it is up", told(8, Maintenance, 4), Up, 0, "8 false"},
		{"it fell under maintenance", told(6, Maintenance, 2), Down, 4, "4 false"},
		{"nobody could tell for a while", told(8, Unknown, 3), Up, 0, "8 false"},
		{"the first verdict is dated back", Told{Standing{}, minute(2)}, Down, 1, "1 false"},
		{"just within the lease", told(4, Up, 0), Down, 4 + 15, "19 true"},
		{"nobody looked for longer than a lease", told(4, Up, 0), Down, 4 + 16, "20 false"},
	} {
		from := row.told.From(Standing{Status: row.now, Since: minute(row.since)})
		stayed := row.told.Stayed(from, 5*time.Minute, row.now)
		if got := fmt.Sprint(int(from.Sub(noon).Minutes()), stayed); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
	var nothing Told
	if from := nothing.From(Standing{}); !from.IsZero() {
		t.Errorf("a host that never was anything is it from %v", from)
	}
}
