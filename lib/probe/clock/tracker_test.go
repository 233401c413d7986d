package clock

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A simulation is a host and the way to it. Its clock is ahead of the monitor's by
// ahead, and its answers may come from a cache that is filled when somebody asks
// and it is older than ttl.
type simulation struct {
	random     *rand.Rand
	at         time.Time // the monitor's clock, which is right
	ahead      time.Duration
	resolution time.Duration
	rtt        time.Duration // the shortest; jitter comes on top
	jitter     time.Duration
	ttl        time.Duration
	others     time.Duration // how often others ask on average; 0 = never

	kept   time.Time // what the cache holds
	filled time.Time // when
	other  time.Time // when somebody else will ask
}

func (s *simulation) instant() instant { return instant{wall: s.at, mono: s.at} }

// look is what the host answers to whoever asks at t.
func (s *simulation) look(t time.Time) time.Time {
	if s.ttl == 0 || t.Sub(s.filled) >= s.ttl {
		s.kept, s.filled = t.Add(s.ahead).Truncate(s.resolution), t
	}
	return s.kept
}

// ask asks, over a path that is as uneven as it likes.
func (s *simulation) ask() reading {
	rtt := s.rtt + time.Duration(s.random.Int64N(int64(s.jitter)+1))
	there := time.Duration(s.random.Int64N(int64(rtt) + 1))
	arrives := s.at.Add(there)
	for s.others > 0 && s.other.Before(arrives) {
		s.look(s.other)
		s.other = s.other.Add(time.Duration(s.random.ExpFloat64() * float64(s.others)))
	}
	value, sent := s.look(arrives), s.instant()
	s.at = s.at.Add(rtt)
	return read(value, s.resolution, sent, s.instant())
}

func newSimulation(random *rand.Rand) *simulation {
	s := &simulation{
		random: random, resolution: time.Second,
		rtt:    time.Duration(random.Int64N(int64(350 * time.Millisecond))),
		jitter: 3 * time.Millisecond,
		ahead:  time.Duration(random.Int64N(int64(200*time.Second))) - 100*time.Second,
	}
	s.at = time.Unix(1_800_000_000, random.Int64N(1e9))
	s.other = s.at
	return s
}

// TestTheTruthIsInTheInterval: whatever the path, the true offset is never outside
// the interval, and N questions leave no more of it than the round trip and 2^-(N-1).
func TestTheTruthIsInTheInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 7))
	for trial := range 4000 {
		s := newSimulation(random)
		tr := tracker{fresh: true}
		for n := range 1 + moreQueries {
			if n > 0 {
				_, best := tr.next(s.instant())
				s.at = s.at.Add(best)
			}
			tr.add(s.ask())
			lo, hi, _ := tr.interval()
			if s.ahead < lo || s.ahead > hi {
				t.Fatalf("trial %d: %v is not in %v..%v after %d answers", trial, s.ahead, lo, hi, n+1)
			}
			// A millisecond is for the drift that the interval allows for, and RTTs differ by the jitter.
			if most := s.rtt + 2*s.jitter + time.Second>>n + 10*time.Millisecond; hi-lo > most {
				t.Fatalf("trial %d: %v..%v is wider than %v after %d answers over an RTT of %v", trial, lo, hi, most, n+1, s.rtt)
			}
		}
		if tr.cached || tr.set {
			t.Fatalf("trial %d: fresh answers are taken for old ones: %+v", trial, tr)
		}
	}
}

// TestOldAnswersAccuseNobody: a clock that is not ahead is never said to be later
// than it is, however old the answers of net-snmp's caches are and whoever fills them.
func TestOldAnswersAccuseNobody(t *testing.T) {
	for _, row := range []struct {
		situation   string
		ttl, others time.Duration
	}{
		{"extend, asked by us alone", 5 * time.Second, 0},
		{"extend, asked by others too", 5 * time.Second, 3 * time.Second},
		{"extend, asked all the time", 5 * time.Second, 100 * time.Millisecond},
		{"extend -cacheTime 1, asked by us alone", time.Second, 0},
		{"pass, asked by us alone", 30 * time.Second, 0},
		{"pass, asked by others too", 30 * time.Second, 10 * time.Second},
		{"no cache at all", 0, 0},
	} {
		t.Run(row.situation, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 11))
			recognised := 0
			const trials = 1000
			for trial := range trials {
				s := newSimulation(random)
				s.ttl, s.others, s.ahead = row.ttl, row.others, -s.ahead.Abs()
				s.at = s.at.Add(time.Duration(random.Int64N(int64(40 * time.Second))))
				tr := tracker{}
				for n := range 1 + moreQueries {
					if n > 0 {
						_, best := tr.next(s.instant())
						s.at = s.at.Add(best)
					}
					tr.add(s.ask())
					lo, hi, age := tr.interval()
					from, to := Result{Lo: lo, Hi: hi, Age: age}.bounds()
					if s.ahead < from || s.ahead > to {
						t.Fatalf("trial %d: %v is not in %v..%v after %d answers: %+v", trial, s.ahead, from, to, n+1, tr)
					}
				}
				if tr.cached {
					recognised++
				}
			}
			switch want := trials * 95 / 100; {
			case row.ttl > time.Second && recognised < want:
				t.Errorf("%d of %d caches recognised, want %d", recognised, trials, want)
			case row.ttl == 0 && recognised > 0:
				t.Errorf("%d of %d fresh sources taken for caches", recognised, trials)
			}
		})
	}
}

func TestTracker(t *testing.T) {
	const second = time.Second
	start := time.Unix(1_800_000_000, 0)
	for _, row := range []struct {
		situation string
		tracker   tracker
		answers   [][2]time.Duration // when, after the start, it came, and what it said; each took 0
		want      string
	}{
		{"one answer", tracker{}, [][2]time.Duration{{0, 0}}, "0s..1s, any age"},
		{"one answer that looks late", tracker{}, [][2]time.Duration{{9 * second, 2 * second}}, "-7s..-6s, any age"},
		{"the second confirms", tracker{}, [][2]time.Duration{{9 * second, 2 * second}, {10500 * time.Millisecond, 3 * second}}, "-7s..-6.5s, fresh"},
		{"of a source that is fresh the first counts too", tracker{fresh: true}, [][2]time.Duration{{9 * second, 2 * second}, {10500 * time.Millisecond, 4 * second}}, "-6.5s..-6s, fresh"},
		{"it stands still", tracker{}, [][2]time.Duration{{9 * second, 2 * second}, {10500 * time.Millisecond, 2 * second}}, "-7s..-6s, at most 31s older, cached for 1.5s"},
		{"it stands still within its second", tracker{}, [][2]time.Duration{{9 * second, 2 * second}, {9800 * time.Millisecond, 2 * second}}, "-7s..-6s, any age"},
		{"it jumps", tracker{}, [][2]time.Duration{{9 * second, 2 * second}, {11 * second, 11 * second}}, "0s..3s, fresh, cached"},
		{"it moves on after it stood still", tracker{}, [][2]time.Duration{{9 * second, 5 * second}, {11 * second, 5 * second}, {13 * second, 13 * second}}, "0s..3s, fresh, cached"},
		{"it goes back", tracker{}, [][2]time.Duration{{9 * second, 9 * second}, {11 * second, 3 * second}}, "-8s..-7s, any age, set"},
		{"by a protocol without a cache", tracker{live: true}, [][2]time.Duration{{9 * second, 2 * second}}, "-7s..-6s, fresh"},
		{"by such a protocol it jumps", tracker{live: true}, [][2]time.Duration{{9 * second, 2 * second}, {11 * second, 11 * second}}, "0s..1s, fresh, set"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			tr := row.tracker
			for _, a := range row.answers {
				at := instant{wall: start.Add(a[0]), mono: start.Add(a[0])}
				tr.add(read(start.Add(a[1]), second, at, at))
			}
			if got := spellTracker(&tr); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

// spellTracker leaves out the drift that the interval allows for.
func spellTracker(tr *tracker) string {
	lo, hi, age := tr.interval()
	text := fmt.Sprintf("%v..%v, ", lo.Round(10*time.Millisecond), hi.Round(10*time.Millisecond))
	switch age {
	case 0:
		text += "fresh"
	case unbounded:
		text += "any age"
	default:
		text += fmt.Sprintf("at most %v older", age)
	}
	if tr.cached {
		text += ", cached"
	}
	if tr.still > 0 && age == maxAge {
		text += " for " + tr.still.String()
	}
	if tr.set {
		text += ", set"
	}
	return text
}

func TestNextQuestion(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) instant { return instant{wall: start.Add(d), mono: start.Add(d)} }
	const rtt = 100 * time.Millisecond
	first := read(start, time.Second, at(0), at(rtt)) // the offset is in -0.1 s..+1 s
	for _, row := range []struct {
		situation  string
		tracker    tracker
		soon, best time.Duration
	}{
		// The middle, 0.45 s, and half the round trip: 0.5 s before the host's next tick.
		{"fresh: aimed at the tick", tracker{fresh: true, confirmed: true}, 0, 400 * time.Millisecond},
		{"not known: when the value must have changed, then aimed", tracker{}, 1300 * time.Millisecond, 1400 * time.Millisecond},
		{"cached: when the value may have changed", tracker{cached: true}, 1300 * time.Millisecond, 1300 * time.Millisecond},
	} {
		tr := row.tracker
		tr.lo, tr.hi, tr.rtt, tr.last, tr.n = first.lo, first.hi, first.rtt, first, 1
		if soon, best := tr.next(at(rtt)); soon != row.soon || best != row.best {
			t.Errorf("%s: %v and %v, want %v and %v", row.situation, soon, best, row.soon, row.best)
		}
	}
}
