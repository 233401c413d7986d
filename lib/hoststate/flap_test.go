package hoststate

import (
	"math"
	"strings"
	"testing"
)

func TestFlapping(t *testing.T) {
	for _, row := range []struct {
		situation, rounds string
		flapping          bool
		was               string // the last state
	}{
		{"never measured", "", false, "?"},
		{"steady", "gggggggggggggggggggggggg", false, "u"},
		{"one blip", "gggbggg", false, "u"},
		{"two blips", "gggbggbgg", false, "u"},
		{"three blips", "ggbggbggbgg", true, "u"},
		{"one outage", "gggbbbbbbbbggggg", false, "u"},
		{"an outage that ends slowly", "gggbbbbddddgg", false, "u"},
		{"bad at every other round is not up", "gbgbgbgbgbgb", true, "d"},
		{"two good rounds are up again, and still flapping", "gbgbgbgbgg", true, "u"},
		{"three bad ones are down all the same", "gbgbgbgbbb", true, "X"},
		{"unknown rounds are no changes", "g?g?g?g?g?g?g?g?", false, "u"},
		{"bad at every other round, and the monitor blind now and then", "gb?gb?gb?gb", true, "d"},
		{"it ends when it was steady for long enough", "gbgbgbgb" + strings.Repeat("g", 20), false, "u"},
		{"and no sooner", "gbgbgbgb" + strings.Repeat("g", 9), true, "u"},
		{"what was before a gap does not count after it", "gbgbgbgb....g", false, "u"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			h, was := play(row.rounds)
			s := h.At(at(max(len(row.rounds)-1, 0)))
			if s.Flapping != row.flapping || !strings.HasSuffix("?"+was, row.was) {
				t.Errorf("flapping %v, %s after %s (%.3f)", s.Flapping, was, row.rounds, h.recent.changes())
			}
		})
	}
}

// The weights are those of Nagios: 0.75 for the oldest change, 1.25 for the newest,
// 20 in all.
func TestWeightOfChanges(t *testing.T) {
	for _, row := range []struct {
		situation, rounds string
		want              float64
	}{
		{"the newest change", strings.Repeat("g", 20) + "b", 1.25 / 20},
		{"the oldest change", "g" + strings.Repeat("b", 20), 0.75 / 20},
		{"a change every time", strings.Repeat("gb", 30), 1},
		{"none", strings.Repeat("b", 30), 0},
		{"the four newest", strings.Repeat("g", 17) + "bgbg", 0.242},
	} {
		if h, _ := play(row.rounds); math.Abs(h.recent.changes()-row.want) > 0.0005 {
			t.Errorf("%s: %v, want %v", row.situation, h.recent.changes(), row.want)
		}
	}
}
