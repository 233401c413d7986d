package standing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// rosterOf is so many hosts, spread over so many providers.
func rosterOf(hosts, providers int) Roster {
	r := Roster{Interval: time.Minute}
	for i := range hosts {
		name := fmt.Sprintf("h%d", i)
		r.Members = append(r.Members, Member{
			Name: name, Group: "eu", Provider: fmt.Sprint(i % providers),
			Roles: hoststate.Roles{Down: []string{"squid_auth"}},
			Proxy: &check.Check{Name: "squid_auth", Target: metric.Target{Name: name}},
		})
	}
	return r
}

func newFleet(r Roster) *Fleet {
	f := &Fleet{}
	f.Watch(r)
	return f
}

// round gives the host a round that says so.
func (f *Fleet) round(host string, says verdict.Status, at time.Time) (after time.Duration, again bool) {
	v := verdict.Verdict{Status: says}
	if says != verdict.OK {
		v.Reason = metric.ReasonRefused
	}
	_, after, again = f.Take(host, []check.Outcome{{Check: "squid_auth", Host: host, At: at, Verdict: v}}, at)
	return after, again
}

// In a landslide nobody is called down before he was looked at once more.
func TestLandslideIsLookedAtOnceMore(t *testing.T) {
	start := time.Now()
	for _, row := range []struct {
		situation        string
		fallen, of, runs int // runs by so many providers
		rounds           int // bad ones until they are down
		wait             time.Duration
	}{
		{"one of ten", 1, 10, 5, 3, wait},
		{"three of ten", 3, 10, 5, 3, wait},
		{"four of ten, of four providers", 4, 10, 5, 4, wait},
		{"all, of one provider", 10, 10, 1, 3, wait},
		{"all, of ten", 10, 10, 10, 4, wait},
	} {
		f := newFleet(rosterOf(row.of, row.runs))
		down := func() (n int) {
			for i := range row.of {
				if f.Stand(fmt.Sprintf("h%d", i), start).Status == hoststate.Down {
					n++
				}
			}
			return n
		}
		for i := range row.of {
			f.round(fmt.Sprintf("h%d", i), verdict.OK, start)
		}
		var after time.Duration
		for n := 1; n <= row.rounds; n++ {
			if down() > 0 {
				t.Errorf("%s: %d are down after %d bad rounds", row.situation, down(), n-1)
			}
			for i := range row.fallen {
				if soon, again := f.round(fmt.Sprintf("h%d", i), verdict.Critical, start.Add(time.Duration(n)*10*time.Second)); again {
					after = soon
				}
			}
		}
		if down() != row.fallen || after != row.wait {
			t.Errorf("%s: %d are down after %d bad rounds, %v apart", row.situation, down(), row.rounds, after)
		}
	}
}

// The looks at a landslide are as far apart as those at a single host, but what stalls
// need not rest as well.
func TestLandslidesAreLookedAtInTime(t *testing.T) {
	for _, row := range []struct {
		situation string
		took      time.Duration
		one, all  time.Duration
	}{
		{"refused at once", time.Millisecond, wait, wait - time.Millisecond},
		{"half of the timeout", 5 * time.Second, wait, 4 * time.Second},
		{"stalled until the timeout", 10 * time.Second, wait, 0},
	} {
		start, f := time.Now(), newFleet(rosterOf(10, 10))
		bad := func(host string) time.Duration {
			at := start.Add(row.took)
			_, after, again := f.Take(host, []check.Outcome{
				{Check: "squid_auth", Host: host, At: at, Took: row.took, Verdict: verdict.Verdict{Status: verdict.Critical, Reason: metric.ReasonRefused}},
				{Check: "path", Host: host, At: at},
			}, at)
			if !again {
				t.Errorf("%s: not again", row.situation)
			}
			return after
		}
		for _, m := range f.roster.Members {
			f.round(m.Name, verdict.OK, start)
		}
		one := bad("h0")
		var all time.Duration
		for _, m := range f.roster.Members[1:] {
			all = bad(m.Name)
		}
		if one != row.one || all != row.all {
			t.Errorf("%s: one after %v, all after %v, want %v and %v", row.situation, one, all, row.one, row.all)
		}
	}
}

func TestMaintenanceMasksNobodyElse(t *testing.T) {
	now := time.Now()
	f := newFleet(rosterOf(2, 2))
	f.Work = func(m Member, at time.Time) (hoststate.Work, bool) {
		until := now.Add(time.Hour)
		return hoststate.Work{From: now.Add(-time.Hour), Until: until, Reason: "disk"}, m.Name == "h0" && at.Before(until)
	}
	for n := range 3 {
		for i := range 2 {
			f.round(fmt.Sprintf("h%d", i), verdict.Critical, now.Add(time.Duration(n)*time.Second))
		}
	}
	under, other := f.Stand("h0", now), f.Stand("h1", now)
	if under.Status != hoststate.Maintenance || under.Work.Beneath != hoststate.Down || under.Work.Reason != "disk" || other.Status != hoststate.Down {
		t.Errorf("%+v, %+v", under, other)
	}
	if page := hoststate.RollUp([]hoststate.Standing{under, other}, hoststate.Monitor{Total: 1, Healthy: 1}, false); page.Status != hoststate.Down {
		t.Errorf("the page is %v: %s", page.Status, page.Summary)
	}
	if after := f.Stand("h0", now.Add(time.Hour)); after.Status != hoststate.Unknown && after.Status != hoststate.Down {
		t.Errorf("when it is over: %v", after.Status)
	}
}

func TestOnlyWhoWasNotReachedIsAskedAbout(t *testing.T) {
	for reason, want := range map[metric.Reason]bool{
		metric.ReasonConnectTimeout: true, metric.ReasonRefused: true, metric.ReasonReset: true, metric.ReasonTLS: true, metric.ReasonLoss: true,
		metric.ReasonAuthRefused: false, metric.ReasonOpenProxy: false, metric.ReasonACL: false, metric.ReasonGateway: false, metric.ReasonOrigin: false,
	} {
		if got := unreachable(hoststate.Round{Status: hoststate.Down, Reason: reason}); got != want {
			t.Errorf("%s: %v", reason, got)
		}
	}
	if unreachable(hoststate.Round{Status: hoststate.Degraded, Reason: metric.ReasonLoss}) {
		t.Error("one that is degraded was reached")
	}
}

// Where all vantages judge, what this one sees decides nothing.
func TestManyVantages(t *testing.T) {
	now := time.Now()
	r := rosterOf(1, 1)
	r.Many = true
	f := newFleet(r)
	votes := func(up, down, unknown int, n int) {
		var all []hoststate.Vote
		for i, says := range []hoststate.Status{hoststate.Up, hoststate.Down, hoststate.Unknown} {
			for j := range []int{up, down, unknown}[i] {
				name := fmt.Sprint(i, j)
				all = append(all, hoststate.Vote{Vantage: name, Provider: name, Region: name, Status: says})
			}
		}
		f.Elect(func(Member) (hoststate.Tally, time.Time) {
			return hoststate.Count(all), now.Add(time.Duration(n) * time.Second)
		}, now)
	}
	stand := func() string {
		h := f.Stand("h0", now)
		return fmt.Sprintf("%v %s %v", h.Status, h.Reason, h.LastKnown)
	}
	for n := range 3 {
		f.round("h0", verdict.Critical, now.Add(time.Duration(n)*time.Second))
	}
	if got := stand(); got != "unknown not_measured unknown" {
		t.Errorf("before any vote: %s", got)
	}
	if m := f.Seen(); m.Sight() != hoststate.Blind {
		t.Errorf("before any vote the monitor is %v", m.Sight())
	}
	for i, row := range []struct {
		situation         string
		up, down, unknown int
		rounds            int
		want              string
	}{
		{"all others see it up", 2, 1, 0, 3, "degraded refused unknown"},
		{"all see it up", 3, 0, 0, 2, "up  unknown"},
		{"two of three see it down: not yet", 1, 2, 0, 3, "degraded refused unknown"},
		{"and still do", 1, 2, 0, 3, "down refused unknown"},
		{"no quorum", 0, 1, 2, 1, "unknown no_quorum down"},
		{"a quorum again, and all see it up", 3, 0, 0, 1, "up  unknown"},
		{"all see it down", 0, 3, 0, 3, "down refused unknown"},
	} {
		for n := range row.rounds {
			votes(row.up, row.down, row.unknown, 10*i+n)
		}
		if got := stand(); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}

// One that votes fell is braked as one that fell by itself.
func TestLandslideOfVotesIsLookedAtOnceMore(t *testing.T) {
	start := time.Now()
	for _, row := range []struct {
		situation    string
		fallen, runs int // of ten, run by so many providers
		rounds       int // of votes until they are down
	}{
		{"three of ten", 3, 5, 3},
		{"four of ten, of four providers", 4, 5, 4},
		{"all, of one provider", 10, 1, 3},
		{"all, of ten", 10, 10, 4},
	} {
		r := rosterOf(10, row.runs)
		r.Many = true
		f := newFleet(r)
		vote := func(n int) {
			at := start.Add(time.Duration(n) * 15 * time.Second)
			f.Elect(func(m Member) (hoststate.Tally, time.Time) {
				var host int
				_, _ = fmt.Sscanf(m.Name, "h%d", &host)
				if n > 0 && host < row.fallen {
					return hoststate.Tally{Status: hoststate.Down, Votes: hoststate.Votes{Down: 3}}, at
				}
				return hoststate.Tally{Status: hoststate.Up, Votes: hoststate.Votes{Up: 3}}, at
			}, at)
		}
		for n := range row.rounds + 1 {
			vote(n)
			down := 0
			for _, m := range r.Members {
				if f.Stand(m.Name, start).Status == hoststate.Down {
					down++
				}
			}
			if want := map[bool]int{true: row.fallen}[n == row.rounds]; down != want {
				t.Errorf("%s: %d are down after %d rounds, want %d", row.situation, down, n, want)
			}
		}
	}
}

// Once this vantage has made up its mind it does not ask without a pause for the votes.
func TestNobodyIsHammeredWhileVotesAreOut(t *testing.T) {
	now := time.Now()
	r := rosterOf(10, 10)
	r.Many = true
	f := newFleet(r)
	tally := func(s hoststate.Status, at time.Time) {
		f.Elect(func(Member) (hoststate.Tally, time.Time) { return hoststate.Tally{Status: s}, at }, at)
	}
	tally(hoststate.Up, now)
	tally(hoststate.Down, now.Add(time.Second))
	var after time.Duration
	var again bool
	for n := range 2 * hoststate.Fall {
		for _, m := range r.Members {
			after, again = f.round(m.Name, verdict.Critical, now.Add(time.Duration(n)*time.Second))
		}
	}
	if after != wait || !again {
		t.Errorf("asked again (%v) after %v", again, after)
	}
}

// What others are asked, and what they say, about a host that only this monitor sees fail.
func TestOthersAreAsked(t *testing.T) {
	now := time.Now()
	var asked []Suspicion
	var changes []string
	r := rosterOf(9, 5) // h0 and h5 are of one provider, h1 and h6 of the next
	r.Members[4].Proxy, r.Members[6].Proxy = nil, nil
	r.Doubt = func(q Suspicion) { asked = append(asked, q) }
	f := newFleet(r)
	f.Changed = func(c Change) {
		if c.Host == "h0" {
			changes = append(changes, fmt.Sprintf("%v to %v (%s)", c.From, c.To.Status, c.Others))
		}
	}
	for _, m := range r.Members {
		says := verdict.OK
		if m.Name == "h1" {
			says = verdict.Critical
		}
		f.round(m.Name, says, now)
	}
	asked = nil // about h1
	bad := func(n int) { f.round("h0", verdict.Critical, now.Add(time.Duration(n)*10*time.Second)) }
	bad(1)
	if len(asked) != 1 || asked[0].Suspect.Target.Name != "h0" {
		t.Fatalf("others are asked %d times", len(asked))
	}
	var by []string
	for _, c := range asked[0].Helpers {
		for _, m := range r.Members {
			if m.Name == c.Target.Name {
				by = append(by, m.Provider)
			}
		}
	}
	slices.Sort(by)
	if got := strings.Join(by, " "); got != "2 3" { // 0 is its own, of 1 one fails and one has no proxy, of 4 nobody has one
		t.Errorf("proxies of the providers %s are asked", got)
	}
	bad(2)
	f.Hear("h0", Opinion{Opinion: hoststate.Opinion{Reached: 1}, Asked: now.Add(time.Minute), Said: "h2 reaches it"})
	f.Hear("h0", Opinion{Opinion: hoststate.Opinion{Not: 2}, Asked: now.Add(30 * time.Second), Said: "an answer that came late"})
	bad(3)
	bad(4)
	if is := f.Stand("h0", now); is.Status != hoststate.Degraded || f.Heard("h0").Said != "h2 reaches it" {
		t.Errorf("one that others reach is %v: %s", is.Status, f.Heard("h0").Said)
	}
	f.Hear("h0", Opinion{Opinion: hoststate.Opinion{Not: 2}, Asked: now.Add(2 * time.Minute), Said: "nobody reaches it"})
	for n := range hoststate.Fall {
		bad(5 + n)
	}
	if got := strings.Join(changes, ", "); got != "unknown to up (), up to degraded (h2 reaches it), degraded to down (nobody reaches it)" {
		t.Errorf("what is told of it: %s", got)
	}
}

// However many are well, three are asked.
func TestFewAreAsked(t *testing.T) {
	now, asked := time.Now(), 0
	r := rosterOf(20, 20)
	r.Doubt = func(q Suspicion) { asked = len(q.Helpers) }
	f := newFleet(r)
	for _, m := range r.Members {
		f.round(m.Name, verdict.OK, now)
	}
	f.round("h0", verdict.Critical, now.Add(time.Second))
	if asked != 3 {
		t.Errorf("%d are asked", asked)
	}
}

// What others said is no older than a lease, however long the host is down.
func TestOthersAreAskedAgain(t *testing.T) {
	now := time.Now()
	asked := 0
	r := rosterOf(4, 4)
	r.Doubt = func(Suspicion) { asked++ }
	f := newFleet(r)
	minute := func(n int, says verdict.Status) {
		for _, m := range r.Members[1:] {
			f.round(m.Name, verdict.OK, now.Add(time.Duration(n)*time.Minute))
		}
		f.round("h0", says, now.Add(time.Duration(n)*time.Minute))
	}
	stand := func(n int) string {
		at := now.Add(time.Duration(n) * time.Minute)
		return fmt.Sprintf("%v (%s)", f.Stand("h0", at).Status, f.Heard("h0").Said)
	}
	minute(0, verdict.OK)
	for n := 1; n <= 10; n++ {
		minute(n, verdict.Critical)
	}
	if got := stand(10); asked != 10 || got != "down ()" {
		t.Errorf("%s, and others were asked %d times in ten minutes", got, asked)
	}
	reached := func(n int) {
		f.Hear("h0", Opinion{Opinion: hoststate.Opinion{Reached: 1}, Asked: now.Add(time.Duration(n) * time.Minute), Said: "h1 reaches it"})
	}
	reached(10)
	minute(11, verdict.Critical)
	reached(11)
	minute(12, verdict.Critical)
	if got := stand(12); got != "degraded (h1 reaches it)" {
		t.Errorf("others reach it: %s", got)
	}
	for n := 13; n <= 20; n++ { // and nobody answers any more
		minute(n, verdict.Critical)
	}
	if got := stand(20); got != "down (h1 reaches it)" {
		t.Errorf("what they said is eight minutes old: %s", got)
	}
	minute(21, verdict.OK)
	minute(22, verdict.OK)
	if got := stand(22); got != "up ()" {
		t.Errorf("it is well: %s", got)
	}
}

// Who runs a machine may not be known: then it is taken for a provider's of its own. Where
// all are one provider's there is nobody to ask, and that is said.
func TestProvidersThatNobodyNamed(t *testing.T) {
	for provider, want := range map[string]string{"": "3 are asked ()", "gandi": "0 are asked (" + noHelper + ")"} {
		now, asked := time.Now(), 0
		r := rosterOf(5, 1)
		for i := range r.Members {
			r.Members[i].Provider = provider
		}
		r.Doubt = func(q Suspicion) { asked = len(q.Helpers) }
		f := newFleet(r)
		for _, m := range r.Members {
			f.round(m.Name, verdict.OK, now)
		}
		f.round("h0", verdict.Critical, now.Add(time.Second))
		if got := fmt.Sprintf("%d are asked (%s)", asked, f.Heard("h0").Said); got != want {
			t.Errorf("provider %q: %s, want %s", provider, got, want)
		}
	}
}

// What was known before the inventory was read again.
func TestWatchAgain(t *testing.T) {
	now := time.Now()
	other := rosterOf(1, 1)
	other.Interval = time.Hour
	for _, row := range []struct {
		situation string
		next      Roster
		want      string
	}{
		{"another host is added", rosterOf(2, 2), "down refused"},
		{"the interval is another", other, "unknown not_measured"},
		{"the host is taken out", Roster{Interval: time.Minute}, "unknown not_measured"},
	} {
		f := newFleet(rosterOf(1, 1))
		for n := range hoststate.Fall + 1 {
			f.round("h0", verdict.Critical, now.Add(time.Duration(n)*time.Second))
		}
		f.Watch(row.next)
		is := f.Stand("h0", now)
		if got := fmt.Sprintf("%v %s", is.Status, is.Reason); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}
