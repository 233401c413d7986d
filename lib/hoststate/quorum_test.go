package hoststate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
)

// votes reads "gandi/eu:g ovh/us:b": a provider, a region, and what the vantage says.
func votes(text string) []Vote {
	var all []Vote
	for i, word := range strings.Fields(text) {
		place, says, _ := strings.Cut(word, ":")
		provider, region, _ := strings.Cut(place, "/")
		status := map[string]Status{"g": Up, "d": Degraded, "b": Down}[says]
		all = append(all, Vote{fmt.Sprintf("v%d", i), provider, region, status})
	}
	return all
}

func TestCount(t *testing.T) {
	for _, row := range []struct{ situation, votes, want string }{
		{"one vantage sees it up", "a/eu:g", "up {1 0 0} []"},
		{"one vantage sees it down, and there is no other", "a/eu:b", "down {0 1 0} [eu]"},
		{"one vantage sees nothing", "a/eu:?", "unknown {0 0 1} []"},
		{"nobody is there", "", "unknown {0 0 0} []"},
		{"all see it up", "a/eu:g b/us:g c/as:g", "up {3 0 0} []"},
		{"all see it down", "a/eu:b b/us:b c/as:b", "down {0 3 0} [as eu us]"},
		{"two of three see it down", "a/eu:b b/us:b c/as:g", "down {1 2 0} [eu us] split"},
		{"one of three sees it down", "a/eu:b b/us:g c/as:g", "degraded {2 1 0} [eu]"},
		{"a region of many", "a/eu:b b/us:g c/as:g d/af:g e/au:g f/ca:g g/de:g", "degraded {6 1 0} [eu]"},
		{"one of many in a region of two", "a/eu:b b/eu:g c/as:g d/as:g e/au:g f/au:g g/au:g", "up {6 1 0} []"},
		{"three of five see it down", "a/eu:b b/us:b c/as:b d/eu:g e/us:g", "down {2 3 0} [as] split"},
		{"two of five see it down", "a/eu:b b/us:b c/as:g d/eu:g e/us:g", "degraded {3 2 0} []"},
		{"one that does not see does not vote", "a/eu:b b/us:b c/as:?", "down {0 2 1} [eu us]"},
		{"the minority side of a partition", "a/eu:b b/us:? c/as:?", "unknown {0 1 2} []"},
		{"half of them is no quorum", "a/eu:b b/us:b c/as:? d/af:?", "unknown {0 2 2} []"},
		{"one of two is none either", "a/eu:g b/us:?", "unknown {1 0 1} []"},
		{"both of two see it down", "a/eu:b b/us:b", "down {0 2 0} [eu us]"},
		{"they differ", "a/eu:b b/us:g", "degraded {1 1 0} [eu]"},
		{"a provider has one vote, however many vantages", "a/eu:b a/eu:b a/eu:b b/us:g c/as:g", "degraded {2 3 0} [eu]"},
		{"two of its three say down", "a/eu:b a/eu:b a/eu:g b/us:b c/as:b", "down {1 4 0} [as us] split"},
		{"one provider alone is not two that agree", "a/eu:b a/us:b a/as:b b/eu:?", "unknown {0 3 1} []"},
		{"a dead vantage does not halve its provider's vote", "a/eu:b a/eu:? b/us:b c/as:b", "down {0 3 1} [as eu us]"},
		{"vantages without a provider are their own", "/eu:b /us:b /as:b", "down {0 3 0} [as eu us]"},
		{"slow for most", "a/eu:d b/us:d c/as:g", "degraded {3 0 0} []"},
		{"slow for one", "a/eu:d b/us:g c/as:g", "up {3 0 0} []"},
		{"down for some and slow for the rest", "a/eu:b b/us:b c/as:d", "down {1 2 0} [eu us] split"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			tally := Count(votes(row.votes))
			got := fmt.Sprintf("%v %v %v", tally.Status, tally.Votes, tally.Regions)
			if tally.Split {
				got += " split"
			}
			if got != row.want {
				t.Errorf("%s\n got %s\nwant %s", row.votes, got, row.want)
			}
		})
	}
}

// TestCountInvariants holds random elections to what must be true of all of them.
func TestCountInvariants(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		var all []Vote
		for i := range 1 + random.IntN(8) {
			all = append(all, Vote{
				fmt.Sprint(i), string(rune('a' + random.IntN(5))), string(rune('A' + random.IntN(3))), Status(random.IntN(4)),
			})
		}
		tally := Count(all)
		shuffled := slices.Clone(all)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again := Count(shuffled)
		better := slices.Clone(all)
		for i, v := range better {
			if v.Status == Down {
				better[i].Status = Up
				break
			}
		}
		voters, providers := map[string]bool{}, map[string]bool{}
		for _, v := range all {
			providers[v.Provider] = true
			if v.Status != Unknown {
				voters[v.Provider] = true
			}
		}
		for _, broken := range []struct {
			rule  string
			holds bool
		}{
			{"the order of votes changes nothing", tally.Status == again.Status && slices.Equal(tally.Regions, again.Regions)},
			{"everybody is counted once", tally.Votes.Up+tally.Votes.Down+tally.Votes.Unknown == len(all)},
			{"without a majority of the providers nothing is known", (2*len(voters) > len(providers)) == (tally.Status != Unknown)},
			{"nobody says down: it is not", tally.Votes.Down > 0 || tally.Status != Down},
			{"all that vote say down: it is", tally.Votes.Up > 0 || tally.Votes.Down == 0 || tally.Status == Down || tally.Status == Unknown},
			{"a vote that gets better makes nothing worse", WorstFirst(tally.Status, Count(better).Status) <= 0},
			{"split means that somebody sees it up", tally.Split == (tally.Status == Down && tally.Votes.Up > 0)},
		} {
			if !broken.holds {
				t.Fatalf("%s: %+v amount to %+v", broken.rule, all, tally)
			}
		}
	}
}

func TestWhatSpeaksAgainstABadRound(t *testing.T) {
	bad := func(n int, change func(*Round)) Round {
		r := letter('b', n)
		change(&r)
		return r
	}
	plain := func(*Round) {}
	disputed := func(r *Round) { r.Disputed = true }
	split := func(r *Round) { r.Split = true }
	braked := func(r *Round) { r.Braked = true }
	for _, row := range []struct {
		situation string
		how       []func(*Round)
		was       string
	}{
		{"nothing", []func(*Round){plain, plain, plain}, "uuuX"},
		{"others reach it: it is degraded, for as long as they do", []func(*Round){plain, plain, disputed, disputed, disputed, disputed, disputed}, "uuuddddd"},
		{"others reached it, and no longer do", []func(*Round){plain, plain, disputed, disputed, plain, plain}, "uuudddX"},
		{"others reach it again, and we do not", []func(*Round){plain, plain, plain, disputed, disputed, disputed}, "uuuXXdd"},
		{"a vantage sees it working: it takes six", []func(*Round){split, split, split, split, split, split}, "uuudddX"},
		{"a vantage saw it working, and no longer does", []func(*Round){split, split, split, plain, plain}, "uuuddX"},
		{"a landslide: one more look", []func(*Round){plain, plain, braked, braked}, "uuuuX"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			h := Host{Interval: interval}.Next(letter('g', 0))
			was := "u"
			for n, change := range row.how {
				h = h.Next(bad(n+1, change))
				was += map[Status]string{Unknown: "?", Up: "u", Degraded: "d", Down: "X"}[h.At(at(n+1)).Status]
			}
			if was != row.was {
				t.Errorf("got %s, want %s", was, row.was)
			}
			if s := h.At(at(len(row.how))); s.Status == Down && s.Since.After(at(1)) {
				t.Errorf("down since %v: not back-dated to the first bad round", s.Since)
			}
		})
	}
}

func TestSuspectAndFell(t *testing.T) {
	for _, row := range []struct {
		rounds  string
		suspect bool
		fell    time.Time
	}{
		{"", false, time.Time{}},
		{"gg", false, time.Time{}},
		{"gb", true, at(1)},
		{"gbb", true, at(1)},
		{"gbbb", true, at(1)},
		{"gbbbg", true, at(1)},
		{"gbbbgg", false, time.Time{}},
		{"gbbg", false, time.Time{}},
	} {
		if h, _ := play(row.rounds); h.Suspect() != row.suspect || !h.Fell().Equal(row.fell) {
			t.Errorf("%q: %v %v", row.rounds, h.Suspect(), h.Fell())
		}
	}
}

func TestForsaken(t *testing.T) {
	h, _ := play("gggbbb")
	h = h.Forsaken(Round{Status: Unknown, Reason: metric.ReasonNoQuorum})
	if s := h.At(at(5)); s.Status != Unknown || s.LastKnown != Down || s.Reason != metric.ReasonNoQuorum {
		t.Errorf("%+v", s)
	}
	if s := h.Next(letter('g', 6)).At(at(6)); s.Status != Up {
		t.Errorf("one good round after it: %v", s.Status)
	}
}

func TestLandslide(t *testing.T) {
	fleet := func(fallen int, providers int) []Member {
		all := make([]Member, 10)
		for i := range fallen {
			all[i] = Member{Provider: fmt.Sprint(i % providers), Fell: at(1)}
		}
		return all
	}
	far := fleet(4, 3)
	far[0].Fell, far[1].Fell = at(3), at(3)
	for _, row := range []struct {
		situation string
		fleet     []Member
		want      bool
	}{
		{"nothing fell", fleet(0, 1), false},
		{"three of ten", fleet(3, 3), false},
		{"four of ten, three providers", fleet(4, 3), true},
		{"four of ten, two providers: their outage", fleet(4, 2), false},
		{"all of one provider", fleet(10, 1), false},
		{"everything", fleet(10, 10), true},
		{"three of nobody knows whom: each its own", make([]Member, 3), false},
		{"three of three that fell, of nobody knows whom", []Member{{"", at(1)}, {"", at(1)}, {"", at(1)}}, true},
		{"two that fell, of nobody knows whom", []Member{{"", at(1)}, {"", at(1)}}, false},
		{"four of ten, in two rounds", far, false},
		{"no fleet", nil, false},
	} {
		if got := Landslide(row.fleet, at(1), interval); got != row.want {
			t.Errorf("%s: %v", row.situation, got)
		}
	}
}

func TestMaintenanceShowsWhatIsBeneath(t *testing.T) {
	h, _ := play("gbbb")
	s := h.At(at(3)).Under(Work{From: at(2), Until: at(9), Reason: "provider window"})
	if s.Status != Maintenance || s.Work.Beneath != Down || s.Reason != "" || !s.Since.Equal(at(2)) {
		t.Errorf("%+v", s)
	}
	if s = s.Lapsed(); s.Status != Unknown || s.LastKnown != Maintenance {
		t.Errorf("after the lease: %+v", s)
	}
}
