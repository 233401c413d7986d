package hoststate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/metric"
)

const interval = 60 * time.Second

var epoch = time.Date(2026, 9, 28, 12, 0, 0, 0, time.UTC)

// at is the time of the n-th interval.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * interval) }

// letter is a round: g good, d degraded, b bad, ? unknown.
func letter(c rune, n int) Round {
	switch c {
	case 'g':
		return Round{At: at(n), Status: Up, Latency: 84 * time.Millisecond}
	case 'd':
		return Round{At: at(n), Status: Degraded, Reason: metric.ReasonSlow}
	case 'b':
		return Round{At: at(n), Status: Down, Reason: metric.ReasonRefused}
	default:
		return Round{At: at(n), Status: Unknown, Reason: metric.ReasonMonitorResolver}
	}
}

// play is the host after the rounds, one an interval, "." being an interval
// without one, and what it was after each: u up, d degraded, X down, ? unknown.
func play(rounds string) (h Host, was string) {
	h = Host{Interval: interval}
	for n, c := range rounds {
		if c != '.' {
			h = h.Next(letter(c, n))
		}
		was += map[Status]string{Unknown: "?", Up: "u", Degraded: "d", Down: "X"}[h.At(at(n)).Status]
	}
	return h, was
}

func TestWhatRoundsAmountTo(t *testing.T) {
	for _, row := range []struct{ situation, rounds, was string }{
		{"the first good round decides at once", "g", "u"},
		{"nothing is known of a new host that fails until it is down", "bbb", "??X"},
		{"a new host that fails first and then works is up", "bg", "?u"},
		{"a new host that is slow works, and is then slow", "ddd", "uud"},
		{"a new host that is slow first and then well is up", "dg", "uu"},
		{"nothing but unknown rounds", "?????", "?????"},
		{"unknown rounds before the first good one", "??g", "??u"},
		{"one bad round is a blip", "gbg", "uuu"},
		{"two bad rounds are a blip", "gbbg", "uuuu"},
		{"three bad rounds in a row are down", "gbbb", "uuuX"},
		{"a good round between starts the count anew", "gbbgbbb", "uuuuuuX"},
		{"a degraded round between starts the count anew", "gbbdbb", "uuuddd"},
		{"one good round is not yet up", "gbbbg", "uuuXX"},
		{"two good rounds are up again", "gbbbgg", "uuuXXu"},
		{"a bad round between starts the way up anew", "gbbbgbgg", "uuuXXXXu"},
		{"unknown rounds do not count as bad", "gbb??b", "uuuuuX"},
		{"unknown rounds do not interrupt bad ones", "gb?b?b", "uuuuuX"},
		{"unknown rounds do not interrupt good ones", "gbbbg?g", "uuuXXXu"},
		{"three degraded rounds are degraded", "gddd", "uuud"},
		{"a good round between starts degraded anew", "gddgdd", "uuuuuu"},
		{"bad rounds count as at least degraded", "gdbd", "uuud"},
		{"two good rounds end degraded", "gdddgg", "uuuddu"},
		{"degraded gets worse", "gdddbbb", "uuudddX"},
		{"down gets better by half", "gbbbdd", "uuuXXd"},
		{"down, half better, then well", "gbbbdgg", "uuuXXdu"},
		{"no rounds for three intervals: still believed", "g...", "uuuu"},
		{"no rounds for longer than the lease", "g....", "uuuu?"},
		{"unknown rounds for longer than the lease", "g????", "uuuu?"},
		{"down is not believed for ever either", "gbbb....", "uuuXXXX?"},
		{"after a gap one good round decides", "gbbb....g", "uuuXXXX?u"},
		{"after a gap one bad round does not make it up again", "g....b", "uuuu??"},
		{"after a gap three bad rounds are down", "g....bbb", "uuuu???X"},
		{"bad rounds before a gap do not count after it", "gbb....b", "uuuuuu??"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if _, was := play(row.rounds); was != row.was {
				t.Errorf("rounds %s\n got %s\nwant %s", row.rounds, was, row.was)
			}
		})
	}
}

func TestStanding(t *testing.T) {
	for _, row := range []struct {
		situation, rounds string
		want              Standing
	}{
		{"never measured", "", Standing{Reason: metric.ReasonNotMeasured}},
		{"the monitor's own resolver is dead from the start", "?", Standing{Reason: metric.ReasonMonitorResolver}},
		{"failing, not yet down", "bb", Standing{CheckedAt: at(1), Reason: metric.ReasonRefused}},
		{"up since the first good round", "gg", Standing{Status: Up, Since: at(0), CheckedAt: at(1), Latency: 84 * time.Millisecond}},
		{"up with a bad round is up without a reason", "gb", Standing{Status: Up, Since: at(0), CheckedAt: at(1)}},
		{"down is back-dated to the first bad round", "gbbb", Standing{Status: Down, Since: at(1), CheckedAt: at(3), Reason: metric.ReasonRefused}},
		{"down keeps its reason while it is getting better", "gbbbg", Standing{Status: Down, Since: at(1), CheckedAt: at(4), Reason: metric.ReasonRefused, Latency: 84 * time.Millisecond}},
		{"up again since the first good round", "gbbbgg", Standing{Status: Up, Since: at(4), CheckedAt: at(5), Latency: 84 * time.Millisecond}},
		{"degraded since the first of its rounds", "gddd", Standing{Status: Degraded, Since: at(1), CheckedAt: at(3), Reason: metric.ReasonSlow}},
		{"degraded after down since the first round that was not bad", "gbbbdd", Standing{Status: Degraded, Since: at(4), CheckedAt: at(5), Reason: metric.ReasonSlow}},
		{"unknown rounds keep what was known", "gb?", Standing{Status: Up, Since: at(0), CheckedAt: at(1)}},
		{"stale: no round came", "g....", Standing{Since: at(0), CheckedAt: at(0), Reason: metric.ReasonStale, LastKnown: Up}},
		{"stale: rounds came, and say why they saw nothing", "g????", Standing{Since: at(0), CheckedAt: at(0), Reason: metric.ReasonMonitorResolver, LastKnown: Up}},
		{"stale: it was down", "bbb....", Standing{Since: at(2), CheckedAt: at(2), Reason: metric.ReasonStale, LastKnown: Down}},
		{"failing again after a gap", "g....b", Standing{Since: at(0), CheckedAt: at(5), Reason: metric.ReasonRefused, LastKnown: Up}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			h, _ := play(row.rounds)
			got := h.At(at(max(len(row.rounds)-1, 0)))
			if got.Checks = nil; !cmp.Equal(got, row.want) {
				t.Error(cmp.Diff(row.want, got))
			}
		})
	}
}

func TestSameEvidenceIsNotCountedTwice(t *testing.T) {
	h, _ := play("gb")
	for range 5 {
		h = h.Next(letter('b', 1))
	}
	if s := h.At(at(1)); s.Status != Up {
		t.Errorf("one bad round seen six times made the host %v", s.Status)
	}
}

func TestTakingARoundBack(t *testing.T) {
	before, _ := play("gbb")
	_ = before.Next(letter('b', 3))
	if s := before.At(at(2)); s.Status != Up {
		t.Errorf("Next changed the host it was called on to %v", s.Status)
	}
}

func TestAgain(t *testing.T) {
	for _, row := range []struct {
		situation, rounds string
		again             bool
	}{
		{"never measured", "", false},
		{"well", "gg", false},
		{"first suspicion", "gb", true},
		{"first suspicion of a new host", "b", true},
		{"down, and that is that", "gbbb", false},
		{"first sign of life", "gbbbg", true},
		{"up again", "gbbbgg", false},
		{"suspected to be slow", "gd", true},
		{"degraded, and that is that", "gddd", false},
		{"the monitor cannot see: no hurry", "gb?", false},
		{"it sees again", "gb?b", true},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if h, _ := play(row.rounds); h.Again() != row.again {
				t.Errorf("Again after %q is %v", row.rounds, h.Again())
			}
		})
	}
}

func TestRedWithin(t *testing.T) {
	for _, row := range []struct {
		situation                        string
		interval, timeout, again, within time.Duration
	}{
		{"the defaults", time.Minute, 10 * time.Second, Retry, 110 * time.Second},
		{"five minutes apart", 5 * time.Minute, 10 * time.Second, Retry, 350 * time.Second},
		{"a short timeout", 30 * time.Second, 4 * time.Second, 5 * time.Second, 52 * time.Second},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := RedWithin(row.interval, row.timeout, row.again); got != row.within {
				t.Errorf("got %v, want %v", got, row.within)
			}
		})
	}
}

// TestRedWithinIsKept lets a fault fall at every second of a round and looks
// when the host turns down, with rounds as long as their timeout.
func TestRedWithinIsKept(t *testing.T) {
	const timeout = 10 * time.Second
	for after := time.Duration(0); after < interval; after += time.Second {
		fault := epoch.Add(after)
		h := Host{Interval: interval}.Next(Round{At: epoch, Status: Up})
		begin := epoch.Add(interval)
		for h.At(begin).Status != Down {
			end := begin.Add(timeout)
			h = h.Next(Round{At: end, Status: Down, Reason: metric.ReasonConnectTimeout})
			begin = end.Add(Retry)
			if !h.Again() {
				begin = end
			}
		}
		if red := begin.Sub(fault); red > RedWithin(interval, timeout, Retry) {
			t.Errorf("a fault %v after a good answer is red after %v", after, red)
		}
	}
}

// A landslide takes a look more and waits for none of them: red is no later.
func TestRedWithinIsKeptInALandslide(t *testing.T) {
	const timeout = 10 * time.Second
	h := Host{Interval: interval}.Next(Round{At: epoch, Status: Up})
	end := epoch.Add(interval)
	for h.At(end).Status != Down {
		end = end.Add(timeout)
		h = h.Next(Round{At: end, Status: Down, Reason: metric.ReasonConnectTimeout, Braked: true})
	}
	if red := end.Sub(epoch); red > RedWithin(interval, timeout, Retry) {
		t.Errorf("red after %v", red)
	}
}

// TestInvariants plays random sequences of rounds and gaps and holds the host to
// what is promised of it, by a second and slower account of the same rounds.
func TestInvariants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		rounds := randomRounds(random)
		h, before := Host{Interval: interval}, Standing{}
		var counted string // measured rounds since the last gap
		measured := -1
		for n, c := range rounds {
			old := h
			if c != '.' {
				h = h.Next(letter(c, n))
			}
			if measured >= 0 && n-measured > 3 {
				counted = ""
			}
			switch {
			case c == '?' && len(counted) > 0:
				if h.down != old.down || h.poor != old.poor {
					t.Fatalf("%s: an unknown round changed the counters", rounds[:n+1])
				}
			case c != '.' && c != '?':
				counted += string(c)
				measured = n
			}
			s := h.At(at(n))
			holdInvariants(t, rounds[:n+1], counted, before, s)
			before = s
		}
	}
}

func randomRounds(random *rand.Rand) string {
	kinds := []string{"gggggb", "bbbbg", "gdb?.", "......??", "ddgd", "b?b?"}
	var b strings.Builder
	for b.Len() < 40 {
		kind := kinds[random.IntN(len(kinds))]
		for range 1 + random.IntN(6) {
			b.WriteByte(kind[random.IntN(len(kind))])
		}
	}
	return b.String()
}

func holdInvariants(t *testing.T, rounds, counted string, before, s Standing) {
	t.Helper()
	was, is := before.Status, s.Status
	for _, broken := range []struct {
		rule  string
		holds bool
	}{
		{"down needs three bad rounds in a row", is != Down || was == Down || strings.HasSuffix(counted, "bbb")},
		{"three bad rounds in a row are down", !strings.HasSuffix(counted, "bbb") || is == Down},
		{"degraded needs three rounds that were not good, or flapping", is != Degraded || was != Up || s.Flapping || !strings.ContainsRune(counted[max(len(counted)-3, 0):], 'g')},
		{"down is left after two rounds that are not bad", was != Down || is == Down || is == Unknown || len(counted) == 1 || !strings.ContainsRune(counted[len(counted)-2:], 'b')},
		{"two good rounds are up", !strings.HasSuffix(counted, "gg") || is == Up},
		{"nothing measured within the lease is unknown", counted != "" || is == Unknown},
		{"since never goes back", !s.Since.Before(before.Since)},
		{"since is not after the measurement", !s.Since.After(s.CheckedAt)},
		{"since moves with the state only, or after a gap", is != was || s.Since.Equal(before.Since) || len(counted) == 1},
		{"up has no reason, and nothing else lacks one", (is == Up) == (s.Reason == "")},
		{"only the unknown has a last known", is == Unknown || s.LastKnown == Unknown},
	} {
		if !broken.holds {
			t.Fatalf("%s: after rounds %s (counted %s) %v became %+v", broken.rule, rounds, counted, before, s)
		}
	}
}
