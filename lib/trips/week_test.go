package trips

import (
	"slices"
	"testing"
	"time"
)

// TestWeek: the least of seven days and of today that two packets had is known, by the
// address it is of.
func TestWeek(t *testing.T) {
	const ms, day = time.Millisecond, 24 * time.Hour
	noon := time.Unix(86400*20000+43200, 0)
	var known Memory
	for _, tt := range []struct {
		name string
		at   time.Duration
		rtt  time.Duration
		want time.Duration
	}{
		{"the first", 0, 80 * ms, 80 * ms},
		{"a longer one", time.Hour, 90 * ms, 80 * ms},
		{"a shorter one", 2 * time.Hour, 70 * ms, 70 * ms},
		{"on the next day it is known", day, 95 * ms, 70 * ms},
		{"seven days later it is", 7 * day, 96 * ms, 70 * ms},
		{"eight days later it is not", 8 * day, 97 * ms, 95 * ms},
		{"of no length", 8 * day, 0, 95 * ms},
		{"after a month only what is new", 40 * day, 99 * ms, 99 * ms},
		{"the clock was set back: what it told was wrong", 10 * day, 98 * ms, 98 * ms},
		{"just before midnight, and after it", 10*day + 12*time.Hour, 60 * ms, 60 * ms},
		{"and back over it", 10*day + 12*time.Hour - time.Second, 65 * ms, 65 * ms},
	} {
		known.Add("fra-1", first, noon.Add(tt.at), []time.Duration{tt.rtt, tt.rtt / 2, 2 * tt.rtt})
		if got := known.Least("fra-1", noon.Add(tt.at), second, first); got != tt.want {
			t.Errorf("%s: %v, not %v", tt.name, got, tt.want)
		}
	}
	now := noon.Add(11 * day)
	known.Add("fra-1", first, now, []time.Duration{ms}) // one packet is none
	if got := known.Least("fra-1", now, first); got != 60*ms {
		t.Errorf("one packet tells %v", got)
	}
	if got := known.Least("fra-1", now, second); got != 0 {
		t.Errorf("of an address that it never had: %v", got)
	}
	if got := known.Least("nobody", now, first); got != 0 || known.LeastOf("nobody", now) != 0 {
		t.Errorf("of nobody: %v", got)
	}
	known.Add("fra-1", second, now, []time.Duration{88 * ms, 88 * ms})
	if got := known.Least("fra-1", now, first); got != 0 {
		t.Errorf("of the address it had before: %v", got)
	}
	if got, of := known.Least("fra-1", now, second), known.LeastOf("fra-1", now); got != 88*ms || of != got {
		t.Errorf("of its new address: %v, %v", got, of)
	}
	if got := known.Of("fra-1", now); len(got) != 1 {
		t.Errorf("of the last minutes, which were to another address in part: %v", got)
	}
}

// TestRestore: what was kept is what was known, but for days to come and other
// addresses.
func TestRestore(t *testing.T) {
	const ms, day = time.Millisecond, 24 * time.Hour
	now := time.Unix(86400*20000+43200, 0)
	today := dayOf(now)
	var before, after Memory
	before.Add("fra-1", first, now.Add(-3*day), []time.Duration{70 * ms, 1 * ms})
	before.Add("fra-1", first, now, []time.Duration{80 * ms, 80 * ms})
	days := slices.Collect(before.Days(now))
	if len(days) != 2 || days[0] != (Day{"fra-1", first, today - 3, 70 * ms}) || days[1].RTT != 80*ms {
		t.Fatalf("%v", days)
	}
	slices.Reverse(days)
	days = append(
		days, Day{"fra-1", second, today - 4, ms}, // of an address that it had before
		Day{"fra-1", first, today + 1, ms},  // of the future
		Day{"fra-1", first, today - 30, ms}, // too old
		Day{"fra-1", first, today, -ms})     // nonsense
	after.Restore(now, slices.Values(days))
	if got := after.Least("fra-1", now, first); got != 70*ms {
		t.Errorf("%v", got)
	}
	var moved Memory
	moved.Add("fra-1", second, now, []time.Duration{99 * ms, 99 * ms})
	moved.Restore(now, slices.Values(days[:2]))
	if got := moved.LeastOf("fra-1", now); got != 99*ms {
		t.Errorf("what is measured at another address since does not stand: %v", got)
	}
}
