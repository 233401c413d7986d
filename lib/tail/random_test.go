package tail_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRandomSituations plays scripts that nobody thought of. No line may be heard
// twice, and where nothing was lost, none be missed.
func TestRandomSituations(t *testing.T) {
	n := 40
	if s := os.Getenv("TAIL_RANDOM"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		pad := []int{0, 5000}[r.IntN(2)]
		naming := []naming{
			{"", "log", "log.%d"},
			{"follow a.log", "a.log", "a.%d.log"},
			{"follow a*.log*", "a.log", "a.%d.log"},
			{"dir old; follow log old/*", "log", "old/log.%d"},
		}[r.IntN(4)]
		script, words := naming.randomScript(r, 4+r.IntN(12))
		heard := strings.Fields(newWorld(t, pad).play(script))
		counts := map[string]int{}
		for _, w := range heard {
			counts[w]++
		}
		for _, w := range words {
			if counts[w] != 1 {
				t.Errorf("seed %d, lines of %d bytes: %s was heard %d times in %s: %v", seed, pad, w, counts[w], script, heard)
				break
			}
		}
	}
}

// A naming is what rotation calls its files.
type naming struct{ follow, log, rotated string }

// randomScript rotates a log in every way in which no line is lost.
func (n naming) randomScript(r *rand.Rand, steps int) (script string, words []string) {
	do := []string{n.follow}
	newest := fmt.Sprintf(n.rotated, 1)
	files := []string{} // the rotated ones, the newest first
	add := func(format string, args ...any) { do = append(do, fmt.Sprintf(format, args...)) }
	word := func() {
		w := fmt.Sprintf("w%d", len(words))
		words = append(words, w)
		add("+%s %s", n.log, w)
	}
	shift := func() {
		for i, name := range slices.Backward(files) {
			to := fmt.Sprintf(n.rotated, i+2)
			if strings.HasSuffix(name, ".gz") {
				to += ".gz"
			}
			add("mv %s %s", name, to)
			files[i] = to
		}
	}
	word()
	for range steps {
		switch r.IntN(9) {
		case 0, 1, 2:
			word()
		case 3:
			add("look")
		case 4:
			add("die")
		case 5: // copytruncate; the copy is whole
			shift()
			add("cp %s %s", n.log, newest)
			add("cut %s", n.log)
			files = slices.Insert(files, 0, newest)
			word()
		case 6, 7:
			shift()
			add("mv %s %s", n.log, newest)
			files = slices.Insert(files, 0, newest)
			word()
		case 8:
			if len(files) > 0 {
				if i := r.IntN(len(files)); !strings.HasSuffix(files[i], ".gz") {
					add("gz %s", files[i])
					files[i] += ".gz"
				}
			}
		}
	}
	add("wait")
	return strings.Join(do, "; "), words
}
