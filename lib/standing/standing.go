// Package standing is what the hosts of a fleet are, over time: each by its own rounds,
// and by what only the whole fleet can tell. So many that fall at once are the monitor's
// fault until they were looked at once more; one that others reach is not down; and where
// many vantages look, their votes decide. It sees outcomes, and asks nobody itself.
package standing

import (
	"slices"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// A Member is one host of a fleet.
type Member struct {
	Name, Group string
	Provider    string // who runs its machine; "" = nobody knows, so it is a provider of its own
	Roles       hoststate.Roles
	Proxy       *check.Check // how its proxy is asked; nil = it has none
}

// A Roster is whom a fleet consists of, and how they are judged.
type Roster struct {
	Members  []Member
	Interval time.Duration   // between rounds
	Many     bool            // all vantages judge, and not this one alone
	Doubt    func(Suspicion) // has others asked, soon, about a host that is failing; nil = nobody is. It must not wait
}

// A Fleet is what its hosts are, over time. Its methods may be called at the same time.
// Its functions are called while it is locked: they must not call it.
type Fleet struct {
	Work    func(m Member, now time.Time) (hoststate.Work, bool) // the maintenance of a host; nil = none
	Changed func(Change)                                         // told of each change of a host once; nil = nobody is

	mu        sync.Mutex
	roster    Roster
	watched   map[string]*watched // by host
	sight     hoststate.Monitor   // what this monitor's self-checks found
	everybody *hoststate.Monitor  // how far all vantages may be believed; nil = not known yet
}

// A Change is what a host became.
type Change struct {
	Host   string
	From   hoststate.Status
	To     hoststate.Standing // without its maintenance
	Others string             // what others said of it
}

// A watched host is its state over time.
type watched struct {
	Member
	state   hoststate.Host   // as this vantage sees it
	elected *hoststate.Host  // as all of them do; nil = this one judges alone
	latest  hoststate.Round  // of this vantage
	last    hoststate.Status // as it was last told
	doubted time.Time        // when others were last to be asked
	opinion Opinion          // of others, while it fails
}

// Watch makes r the fleet. What is known of a host that was watched stays, unless its
// interval is another.
func (f *Fleet) Watch(r Roster) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := map[string]*watched{}
	for _, m := range r.Members {
		w := &watched{Member: m, state: hoststate.Host{Interval: r.Interval}}
		if r.Many {
			w.elected = &hoststate.Host{Interval: r.Interval}
		}
		if known := f.watched[m.Name]; known != nil && known.state.Interval == r.Interval {
			w.state, w.latest, w.last = known.state, known.latest, known.last
			if r.Many && known.elected != nil {
				w.elected = known.elected
			}
			w.doubted, w.opinion = known.doubted, known.opinion
		}
		next[m.Name] = w
	}
	f.watched, f.roster = next, r
}

// Believe takes what the self-checks found, and says whether that is news.
func (f *Fleet) Believe(sight hoststate.Monitor) (news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.sight
	f.sight = sight
	return !before.Same(sight)
}

// Seen is how far the monitor may be believed: what the self-checks found last, and, where
// all vantages judge, how far those may be.
func (f *Fleet) Seen() hoststate.Monitor {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.roster.Many {
		return f.sight
	}
	if f.everybody == nil {
		return hoststate.Monitor{Reasons: []metric.Reason{metric.ReasonNoQuorum}}
	}
	all := *f.everybody
	all.Reasons = slices.Concat(all.Reasons, f.sight.Reasons)
	return all
}

// Take takes the outcomes of a round of a host, which has ended at now, into its state. It
// says whether the host changed so that it is to be published at once, and whether and
// when it should be asked again soon.
func (f *Fleet) Take(host string, outcomes []check.Outcome, now time.Time) (urgent bool, after time.Duration, again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.watched[host]
	if w == nil {
		return false, 0, false
	}
	round := w.Roles.Round(outcomes)
	landslide := false
	if round.Status == hoststate.Down {
		fell := fellAt(w.state, round)
		landslide = f.landslide(w, fell)
		round.Braked = landslide
		round.Disputed = w.disputed(fell, now)
	}
	w.state, w.latest = w.state.Next(round), round
	urgent = f.tell(w, now)
	if f.roster.Doubt != nil && w.state.Suspect() && unreachable(round) {
		f.suspect(w, now)
	}
	after = wait
	if w.state.Again() && landslide {
		after = max(0, wait-longest(outcomes))
	}
	return urgent, after, w.state.Again() || w.elected != nil && w.elected.Again()
}

// wait is how long a host that is failing rests before it is asked again: what is left of
// hoststate.Retry is for the self-check that stands between a round and its word. In a
// landslide, which is looked at once more, it is counted from the beginning of a round:
// looks at a fleet that stalls follow each other, so that it is red in time, and looks at
// one that refuses are as far apart as those at a single host, so that a short refusal
// near the monitor does not answer all of them.
const wait = hoststate.Retry - time.Second

// longest is how long the longest of outcomes took.
func longest(outcomes []check.Outcome) (took time.Duration) {
	for _, o := range outcomes {
		took = max(took, o.Took)
	}
	return took
}

// fellAt is when a host fell, with one more round that may be the first bad one.
func fellAt(h hoststate.Host, r hoststate.Round) time.Time {
	if fell := h.Fell(); !fell.IsZero() || r.Status != hoststate.Down {
		return fell
	}
	return r.At
}

// landslide says that so much of the fleet fell about when w did that the monitor
// itself is under suspicion.
func (f *Fleet) landslide(w *watched, fell time.Time) bool {
	fleet := f.fallen(func(other *watched) time.Time {
		if other == w {
			return fell
		}
		return other.state.Fell()
	})
	return hoststate.Landslide(fleet, fell, w.state.Interval)
}

// fallen is the fleet as a landslide is told by.
func (f *Fleet) fallen(when func(*watched) time.Time) []hoststate.Member {
	fleet := make([]hoststate.Member, 0, len(f.watched))
	for _, w := range f.watched {
		fleet = append(fleet, hoststate.Member{Provider: w.Provider, Fell: when(w)})
	}
	return fleet
}

// tell tells what a host became, once, and says whether that is to be published at
// once. That an unknown host is up can wait for the end of the round: at a start, and
// when a blind monitor sees again, it would be published a thousand times.
func (f *Fleet) tell(w *watched, now time.Time) (urgent bool) {
	is := f.judged(w).At(now)
	if is.Status == w.last {
		return false
	}
	if f.Changed != nil {
		f.Changed(Change{Host: w.Name, From: w.last, To: is, Others: w.heard().Said})
	}
	urgent = w.last != hoststate.Unknown || is.Status != hoststate.Up
	w.last = is.Status
	return urgent
}

// judged is the host by whom its state is judged by.
func (f *Fleet) judged(w *watched) hoststate.Host {
	if f.roster.Many {
		return *w.elected
	}
	return w.state
}

// Stand is what the host is at now, as it is published. One that is not of the fleet is
// unknown.
func (f *Fleet) Stand(host string, now time.Time) hoststate.Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.watched[host]
	if w == nil {
		return hoststate.Host{}.At(now)
	}
	return f.published(w, now)
}

func (f *Fleet) published(w *watched, now time.Time) hoststate.Standing {
	is := f.judged(w).At(now)
	if f.Work == nil {
		return is
	}
	if work, under := f.Work(w.Member, now); under {
		return is.Under(work)
	}
	return is
}
