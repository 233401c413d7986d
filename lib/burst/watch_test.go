package burst

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A path loses packets as a chain does.
type path struct {
	Chain
	random *rand.Rand
	lost   bool
}

func newPath(c Chain, seed uint64) *path { return &path{c, rand.New(rand.NewPCG(seed, 7)), false} }

func (p *path) next() bool {
	chance := p.start()
	if p.lost {
		chance = p.Repeat
	}
	p.lost = p.random.Float64() < chance
	return p.lost
}

func TestWatch(t *testing.T) {
	usual := Chain{0.02, 0.33}
	for _, tt := range []struct {
		name, story string // "." answered, "x" lost; with a number, so often
		want        State
	}{
		{"nothing yet", "", Usual},
		{"all well", "100.", Usual},
		{"a lost one", "10. 1x 10.", Usual},
		{"a short burst", "10. 5x 10.", Usual},
		{"dead", "10. 30x", Down},
		{"and back", "10. 30x 1.", Usual},
		{"every third", "3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x", Degraded},
		{"every third, then dead", "3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 30x", Down},
		{"every third, then well for long", "3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 300.", Usual},
		{"every third, then well for a moment", "3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 3. 1x 30.", Degraded},
	} {
		w := usual.Watch()
		var n int
		var what rune
		for rest := tt.story; rest != ""; {
			if _, err := fmt.Sscanf(rest, "%d%c", &n, &what); err != nil {
				t.Fatal(err)
			}
			for range n {
				w.Add(what == 'x')
			}
			rest = after(rest)
		}
		if w.State() != tt.want {
			t.Errorf("%s: %v with a score of %.1f after %d lost in a row, want %v", tt.name, w.State(), w.Score(), w.Run(), tt.want)
		}
	}
}

// after is what follows the first word.
func after(words string) string {
	for i, c := range words {
		if c == ' ' {
			return words[i+1:]
		}
	}
	return ""
}

func TestRecordFindsTheChain(t *testing.T) {
	for _, want := range []Chain{{0.001, 0.33}, {0.02, 0.02}, {0.02, 0.5}, {0.1, 0.5}, {0.3, 0.6}} {
		var r Record
		p, before := newPath(want, 1), false
		for range 400_000 {
			lost := p.next()
			r.Add(before, lost)
			before = lost
		}
		got := r.Chain()
		if math.Abs(got.Loss/want.Loss-1) > 0.15 || math.Abs(got.Repeat-want.Repeat) > 0.06 {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestRecord(t *testing.T) {
	empty := Record{}.Chain()
	if math.Abs(empty.Loss-0.003) > 0.0005 || math.Abs(empty.Repeat-1.0/3) > 1e-9 {
		t.Errorf("of nothing: %+v", empty)
	}
	r := Record{100, 10, 20, 5}
	if half := r.After(HalfLife); half != (Record{50, 5, 10, 2.5}) {
		t.Errorf("after a half-life: %+v", half)
	}
	if same := r.After(-time.Hour); same != r {
		t.Errorf("before its time: %+v", same)
	}
	for _, bad := range []Record{{-1, 0, 0, 0}, {1, 2, 0, 0}, {0, 0, 1, 2}, {math.NaN(), 0, 0, 0}, {math.Inf(1), 0, 0, 0}} {
		if bad.Valid() {
			t.Errorf("%+v can have been seen", bad)
		}
	}
}
