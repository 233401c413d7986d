package history

import (
	"math/rand/v2"
	"testing"
	"time"

	"milepost/lib/hoststate"
)

// TestAgainstASecondBySecondCount tells a host's states in every way that they come,
// dated back, lost and found again, flushed and packed at any time, and holds what is
// left to an array with a place for every second.
func TestAgainstASecondBySecondCount(t *testing.T) {
	const length = 9 * 3600
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		h, _ := begun(t)
		h.opened = 0
		truth := make([]hoststate.Status, length)
		at := func(second int) time.Time { return noon.Add(time.Duration(second) * time.Second) }
		state, since := up, 0
		for now := 1 + r.IntN(100); now < length; now += 1 + r.IntN(100) {
			switch r.IntN(12) {
			case 0: // it changed, some time ago
				state, since = hoststate.Status(r.IntN(5)), max(now-r.IntN(400), 0)
			case 1: // nobody looked for a while
				now = min(now+r.IntN(1000), length-1)
				since = now - r.IntN(60)
			}
			h.State("a", at(since), at(now), state)
			for second := max(since, now-amendable); second < now; second++ {
				truth[second] = state
			}
			if r.IntN(10) == 0 {
				flush(t, h, at(now))
			}
		}
		flush(t, h, at(length))
		h.packed = 0
		flush(t, h, at(length+6*3600)) // all of it is in blocks
		for _, step := range []int{60, 300, 3600, length} {
			slots, err := h.Range(t.Context(), "a", noon, at(length), time.Duration(step)*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if len(slots) == 0 {
				t.Fatalf("seed %d: nothing is known", seed)
			}
			for _, s := range slots {
				begin := int(s.Start.Sub(noon).Seconds())
				var want Seconds
				for second := max(begin, 0); second < min(begin+step, length); second++ {
					want[truth[second]]++
				}
				got := s.States
				got[unknown], want[unknown] = 0, 0
				if got != want {
					t.Fatalf("seed %d: from second %d for %d: %v, want %v", seed, begin, step, got, want)
				}
			}
		}
		var want Seconds
		for _, s := range truth {
			want[s]++
		}
		got := h.Days("a", at(length))[89]
		got[unknown], want[unknown] = 0, 0
		if got != want {
			t.Errorf("seed %d: in memory %v, want %v", seed, got, want)
		}
	}
}
