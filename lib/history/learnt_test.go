package history

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What was learnt is there after a restart, the latest of it, and not for ever.
func TestWhatWasLearntIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	today, at := now.Unix()/86400, netip.MustParseAddr("2001:db8::1")
	old := Baseline{Host: "gone", Spacing: 1, Kept: 9, Updated: now.Add(-91 * 24 * time.Hour)}
	first := Baseline{Host: "fra-1", Spacing: 0.25, Kept: 1000.5, Starts: 2.25, Lost: 3, Repeats: 1, Updated: now}
	later := first
	later.Kept, later.Updated = 2000, now.Add(time.Minute)
	h, err := Open(t.Context(), path, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range [][]Baseline{{old, first}, {later}} {
		if err := h.KeepBaselines(t.Context(), all, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, rtt := range []time.Duration{9, 8} {
		if err := h.KeepLeasts(t.Context(), []Least{{"fra-1", today, at, "1,2", rtt}, {"fra-1", today - 9, at, "1,2", 5}}, today-7); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if h, err = Open(t.Context(), path, now, nil); err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if got, err := h.Baselines(t.Context()); err != nil || !reflect.DeepEqual(got, []Baseline{later}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := h.Leasts(t.Context(), 0); err != nil || !reflect.DeepEqual(got, []Least{{"fra-1", today, at, "1,2", 8}}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := h.db.Load().ExecContext(t.Context(), "DROP TABLE baseline"); err != nil {
		t.Fatal(err)
	}
	if err := h.KeepBaselines(t.Context(), nil, now); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("%v", err)
	}
}

// Without a file nothing is known, and nothing is wrong.
func TestNothingIsLearntWithoutAFile(t *testing.T) {
	var h History
	if err := h.KeepBaselines(t.Context(), []Baseline{{Host: "a"}}, time.Now()); err != nil {
		t.Error(err)
	}
	if got, err := h.Baselines(t.Context()); len(got) > 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}
