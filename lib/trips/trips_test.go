package trips

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var first, second = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

// TestMemory: ten minutes are remembered, each by its least, and no longer.
func TestMemory(t *testing.T) {
	const ms = time.Millisecond
	noon := time.Unix(minutes*60*1000, 0)
	var known Memory
	if got := known.Of("fra-1", noon); len(got) > 0 {
		t.Errorf("of a host without packets it knows %v", got)
	}
	for _, tt := range []struct {
		name string
		at   time.Duration
		add  []time.Duration
		want string
	}{
		{"the first", 0, []time.Duration{80 * ms}, "[80ms]"},
		{"a longer one in its minute", 10 * time.Second, []time.Duration{90 * ms}, "[80ms]"},
		{"a shorter one", 20 * time.Second, []time.Duration{70 * ms}, "[70ms]"},
		{"none", 30 * time.Second, nil, "[70ms]"},
		{"one of no length", 40 * time.Second, []time.Duration{0}, "[70ms]"},
		{"of the next minute", time.Minute, []time.Duration{85 * ms}, "[70ms 85ms]"},
		{"nine minutes later the first is still known", 9 * time.Minute, []time.Duration{81 * ms}, "[70ms 85ms 81ms]"},
		{"ten minutes later it is not", Over, []time.Duration{82 * ms}, "[82ms 85ms 81ms]"},
		{"after a long silence only what is new", 5 * time.Hour, []time.Duration{83 * ms}, "[83ms]"},
	} {
		now := noon.Add(tt.at)
		known.Add("fra-1", first, now, tt.add)
		if got := fmt.Sprint(known.Of("fra-1", now)); got != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, got, tt.want)
		}
	}
	known.Add("par-1", first, noon.Add(5*time.Hour), []time.Duration{9 * ms})
	known.Keep([]string{"par-1", "rom-1"})
	if got := known.Of("fra-1", noon.Add(5*time.Hour)); len(got) > 0 {
		t.Errorf("of a host that is gone it keeps %v", got)
	}
	if got := fmt.Sprint(known.Of("par-1", noon.Add(5*time.Hour))); got != "[9ms]" {
		t.Errorf("of a host that is there still it knows %s", got)
	}
	if got := known.Of("par-1", noon.Add(8*time.Hour)); len(got) > 0 {
		t.Errorf("three hours later %v is still known", got)
	}
}
