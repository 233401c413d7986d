package hoststate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"milepost/lib/metric"
)

// A world is a fleet that works for years on end, seen by vantages that err. What
// a vantage or a helper errs about is that it sees a host down which is up.
type world struct {
	vantages int
	errs     func(*rand.Rand, int) []bool // who of so many errs at one round, or at one question
	helpers  int                          // asked for a second opinion
}

// alone has everybody err for himself.
func alone(p float64) func(*rand.Rand, int) []bool {
	return func(random *rand.Rand, n int) []bool {
		err := make([]bool, n)
		for i := range err {
			err[i] = random.Float64() < p
		}
		return err
	}
}

// inPairs has everybody err as often, and never alone: every error is one of a pair.
func inPairs(p float64) func(*rand.Rand, int) []bool {
	return func(random *rand.Rand, n int) []bool {
		err := make([]bool, n)
		for i := range n {
			for j := range i {
				if random.Float64() < p/float64(n-1) {
					err[i], err[j] = true, true
				}
			}
		}
		return err
	}
}

// round is what the vantages make of one look at a host that is up.
func (w world) round(random *rand.Rand, n int) Round {
	err := w.errs(random, w.vantages)
	r := Round{At: epoch.Add(time.Duration(n) * Retry), Status: Up}
	if w.vantages == 1 {
		if err[0] {
			r.Status, r.Reason = Down, metric.ReasonConnectTimeout
		}
		return r
	}
	var all []Vote
	for i, wrong := range err {
		v := Vote{Provider: string(rune('a' + i)), Region: string(rune('A' + i)), Status: Up}
		if wrong {
			v.Status = Down
		}
		all = append(all, v)
	}
	t := Count(all)
	r.Status, r.Split = t.Status, t.Split
	return r
}

// opinion is what the helpers answer.
func (w world) opinion(random *rand.Rand) Opinion {
	var o Opinion
	for _, wrong := range w.errs(random, w.helpers) {
		if wrong {
			o.Not++
		} else {
			o.Reached++
		}
	}
	return o
}

// falseReds is how often hosts that were up for so many years in all were shown as
// down, with a round a minute. Years in which nothing happens take no time: what is
// drawn first is how often Fall bad rounds come in a row, for without them nobody is
// down, and each of those times is then played.
func (w world) falseReds(random *rand.Rand, years float64) (reds, played int) {
	const draws = 40_000
	var bad []Round // what bad rounds look like, as often as they do
	for range draws {
		if r := w.round(random, 0); r.Status == Down {
			bad = append(bad, r)
		}
	}
	q := float64(len(bad)) / draws
	rounds := years * 365.25 * 24 * 60
	played = int(math.Round(rounds * (1 - q) * math.Pow(q, Fall)))
	for range played {
		if w.excursion(random, bad) {
			reds++
		}
	}
	return reds, played
}

// excursion plays Fall bad rounds and what comes after them, until all is well.
func (w world) excursion(random *rand.Rand, bad []Round) (red bool) {
	h := Host{Interval: interval}.Next(Round{At: epoch, Status: Up})
	disputed := false
	for n := 1; n < 60; n++ {
		r := w.round(random, n)
		if n <= Fall {
			r = bad[random.IntN(len(bad))]
			r.At = epoch.Add(time.Duration(n) * Retry)
		}
		r.Disputed = disputed && r.Status == Down
		h = h.Next(r)
		if h.down.on {
			return true
		}
		if !h.poor.on && h.down.against+h.poor.against == 0 {
			return false
		}
		disputed = h.Suspect() && w.helpers > 0 && w.opinion(random).Disputes()
	}
	return false
}

// TestYearsWithoutAFalseRed simulates hosts that are up for thousands of years.
func TestYearsWithoutAFalseRed(t *testing.T) {
	for _, row := range []struct {
		situation string
		world     world
		years     float64
		most      float64 // false reds in 1,000 years
	}{
		{"one vantage with a second opinion, 1 % of all probes err", world{1, alone(0.01), 3}, 20_000, 1},
		{"three vantages, 1 % err", world{3, alone(0.01), 3}, 1e7, 0.1},
		{"three vantages without a second opinion, 1 % err", world{3, alone(0.01), 0}, 1e7, 0.1},
		{"three vantages, 5 % err, each for itself", world{3, alone(0.05), 3}, 20_000, 0.1},
		{"three vantages, 5 % err, always two at once", world{3, inPairs(0.05), 3}, 150, 0.1},
	} {
		t.Run(row.situation, func(t *testing.T) {
			random := rand.New(rand.NewPCG(2026, 9))
			reds, played := row.world.falseReds(random, row.years)
			per := float64(reds) / row.years * 1000
			t.Logf("%d false reds in %.0f host-years (%d times %d bad rounds in a row): %.4f in 1,000", reds, row.years, played, Fall, per)
			if per > row.most {
				t.Errorf("%.3f false reds in 1,000 host-years, at most %v are allowed", per, row.most)
			}
		})
	}
}

// The rules would be easy to keep for a monitor that never says red.
func TestOneVantageWithoutASecondOpinionErrs(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 9))
	if reds, _ := (world{1, alone(0.01), 0}).falseReds(random, 1000); reds < 100 {
		t.Errorf("%d false reds: the simulation makes no errors", reds)
	}
}
