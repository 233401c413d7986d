package ledger

import (
	"fmt"
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	tally := newTally(newSeeds())
	var all []string
	for i := range 5000 {
		all = append(all, fmt.Sprint("user", i), fmt.Sprint("a name of much more than 31 bytes: ", i), fmt.Sprint("somebody", i, "@example.com"), strings.Repeat("x", i%40))
	}
	all = append(all, "a\x00", "a", "a\x00\x00", "")
	want := map[string]int64{}
	line := []byte("before " + strings.Repeat("y", 100))
	for round := range 2 {
		for _, name := range all {
			// As part of a line, and as it is alone.
			part := append(append(line[:7:7], name...), " HIER_DIRECT/192.0.2.1 text/html"...)[7 : 7+len(name)]
			if round == 1 {
				part = []byte(name)
			}
			p := prefixOf(part)
			tally.pay([]owed{{name: part, prefix: p, hash: tally.hash(part, &p), sent: 1}}, false)
			want[name]++
		}
	}
	n := 0
	for name, s := range tally.all() {
		n++
		if s.Out != want[name] {
			t.Errorf("%d for %q, want %d", s.Out, name, want[name])
		}
	}
	if n != len(want) {
		t.Errorf("%d users, want %d", n, len(want))
	}
}
