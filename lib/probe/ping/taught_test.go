package ping

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"milepost/lib/burst"
	"milepost/lib/echo"
)

// A host keeps what was counted and learnt when its spacing or its address changes,
// and over a restart what was learnt.
func TestStreamsGoOn(t *testing.T) {
	var kept map[string]Remembered
	s := &Streams{
		Interval: time.Minute, Remember: func(all map[string]Remembered) error { kept = all; return nil },
		Failed: func(err error) { t.Error(err) },
	}
	c := Default()
	c.Spacing = time.Second
	w := newWatching("fra-1", s, c)
	w.play(strings.Repeat(".", 1200))
	w.judge()
	s.remember()
	moved := target()
	moved.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.8"), netip.MustParseAddr("192.0.2.9")}
	if f := s.flow(moved, w.config); f != w.flow || f.address() != moved.Addrs[0] {
		t.Error("another address is another stream")
	}
	faster := w.config
	faster.Spacing = 500 * time.Millisecond
	if f := s.flow(moved, faster); f != w.flow || f.ledger.totals.Received != 1200 {
		t.Error("another spacing begins to count anew")
	}
	s.Keep([]string{"fra-1"})
	if len(s.sorted()) != 1 {
		t.Error("a host that is kept is gone")
	}
	s.Keep(nil)
	if len(s.sorted()) != 0 {
		t.Error("a host that is not kept is there")
	}
	s.remember()
	if kept["fra-1"].Packets() < 1100 {
		t.Errorf("of a host that is away for a while %+v is kept", kept["fra-1"])
	}
	if w = newWatching("fra-1", s, faster); w.record.Packets() < 1100 || len(s.memory.hosts) > 0 {
		t.Error("a host that comes back begins anew")
	}
}

// What is kept over a restart is believed if it can have been seen, and is not of the
// future; what cannot be read is told, and left as it is.
func TestStreamsRecall(t *testing.T) {
	known := burst.Record{Kept: 1200, Starts: 0.1}
	for _, tt := range []struct {
		name string
		kept Remembered
		err  error
		want string
	}{
		{"as it was", Remembered{known, 1, time.Now()}, nil, "0/60 lost (0 %, 95 % CI 0-6 %), baseline 0.06 % (learned from 1260 packets), p=1"},
		{"a week ago", Remembered{known, 1, time.Now().Add(-7 * 24 * time.Hour)}, nil, "no baseline (insufficient history: 660 of 1000 packets; 0.5 % assumed), p=1"},
		{"of the future", Remembered{known, 1, time.Now().Add(time.Hour)}, nil, "no baseline (insufficient history: 60 of 1000 packets; 0.5 % assumed), p=1"},
		{"of packets at another distance", Remembered{known, 0.5, time.Now()}, nil, "no baseline (insufficient history: 60 of 1000 packets; 0.5 % assumed), p=1"},
		{"of what cannot be", Remembered{burst.Record{Kept: 5, Starts: 6}, 1, time.Now()}, nil, "no baseline (insufficient history: 60 of 1000 packets; 0.5 % assumed), p=1"},
		{"of no number", Remembered{burst.Record{Kept: math.NaN()}, 1, time.Now()}, nil, "no baseline (insufficient history: 60 of 1000 packets; 0.5 % assumed), p=1"},
		{"unreadable", Remembered{}, errors.New("the disk is on fire"), "no baseline (insufficient history: 60 of 1000 packets; 0.5 % assumed), p=1; told: the disk is on fire"},
	} {
		told, kept := "", false
		s := &Streams{
			Interval: time.Minute, Failed: func(err error) { told = "; told: " + err.Error() },
			Recall:   func() (map[string]Remembered, error) { return map[string]Remembered{"fra-1": tt.kept}, tt.err },
			Remember: func(map[string]Remembered) error { kept = true; return nil },
		}
		s.read.Do(s.recall)
		c := Default()
		c.Spacing = time.Second
		w := newWatching("fra-1", s, c)
		w.play(strings.Repeat(".", 60))
		if got := w.judge().Summary + told; !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if s.remember(); kept != (tt.err == nil) {
			t.Errorf("%s: written over: %v", tt.name, kept)
		}
	}
}

// Nothing is learnt while a path is bad, or may be: an outage must not become what is
// usual. What came before is learnt, and what comes once the path is well again.
func TestLearningIsFrozenDuringAlarms(t *testing.T) {
	c := Default()
	c.Spacing, c.Baseline = time.Second, Percent{2, true}
	w := newWatching("fra-1", &Streams{Interval: time.Minute}, c)
	good, bad := strings.Repeat(".", 100), strings.Repeat("..x", 60)
	w.play(good)
	w.judge()
	if w.record.Packets() < 95 {
		t.Errorf("of 100 packets it has learnt %v", w.record.Packets())
	}
	w.play(bad)
	w.judge()
	if w.watch.State() != burst.Degraded {
		t.Fatal("a path that loses a third is as usual")
	}
	frozen := w.record
	if frozen.Starts > 10 {
		t.Errorf("it has learnt %v bursts of an outage", frozen.Starts)
	}
	for range 10 {
		w.play(bad)
	}
	if w.record != frozen {
		t.Errorf("it learns while the path is degraded: %+v, and it was %+v", w.record, frozen)
	}
	w.play(strings.Repeat("x", 100))
	if w.watch.State() != burst.Down || w.record != frozen {
		t.Errorf("it learns while the path is down: %+v, and it was %+v", w.record, frozen)
	}
	for range 5 {
		w.play(good)
	}
	if w.watch.State() != burst.Usual || w.record == frozen {
		t.Error("it does not learn any more")
	}
}

// The round trips that tell where a host is are those to where it is now.
func TestLatest(t *testing.T) {
	c := Default()
	c.Spacing, c.Baseline = time.Second, Percent{2, true}
	var latest []string
	s := &Streams{Interval: time.Minute, Looked: func(host string, r Result) {
		to, rtts := r.Latest()
		latest = append(latest, fmt.Sprint(host, " ", to, " ", len(rtts)))
	}}
	w := newWatching("fra-1", s, c)
	w.play("...x..")
	w.judge()
	elsewhere := target()
	moved := netip.MustParseAddr("192.0.2.7")
	elsewhere.Addrs = []netip.Addr{moved}
	look := func() {
		for _, err := range Measure(t.Context(), elsewhere, w.config) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	look() // of its new address nothing is known
	for range 2 {
		w.hear(echo.Event{Seq: w.seq, At: w.now}, w.life)
		w.hear(echo.Event{Seq: w.seq, At: w.now.Add(time.Millisecond), From: moved}, w.life)
		w.seq++
	}
	look()
	want := "[fra-1 192.0.2.1 5 fra-1 192.0.2.7 0 fra-1 192.0.2.7 2]"
	if fmt.Sprint(latest) != want {
		t.Errorf("%v, want %s", latest, want)
	}
}
