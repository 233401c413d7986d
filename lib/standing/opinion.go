package standing

import (
	"math/rand/v2"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

const enough = 3 // helpers that are asked about a suspect

// An Opinion is what others said of a host that fails here.
type Opinion struct {
	hoststate.Opinion
	Asked time.Time // when they were asked
	Said  string    // for the operator: who said what
}

// A Suspicion is whom to ask about whom: by the checks of their proxies.
type Suspicion struct {
	Suspect check.Check
	Helpers []check.Check // one or more, each of another provider
}

// disputed says that others reached the host after it fell, and lately.
func (w *watched) disputed(fell, now time.Time) bool {
	late := hoststate.Lend(w.opinion.Asked, w.state.Interval).Over(now)
	return !fell.IsZero() && w.opinion.Asked.After(fell) && w.opinion.Disputes() && !late
}

// unreachable says that a round is bad because the host did not answer: one that
// answers, and answers wrongly, has been reached, and nobody need be asked whether it
// can be.
func unreachable(r hoststate.Round) bool {
	switch r.Reason {
	case metric.ReasonConnectTimeout, metric.ReasonRefused, metric.ReasonReset, metric.ReasonTLS, metric.ReasonLoss:
		return r.Status == hoststate.Down
	default:
		return false
	}
}

// noHelper is what others say where there are none.
const noHelper = "nobody could be asked: no proxy of another provider is up"

// suspect has healthy proxies of other providers asked about w, of as many as there are:
// at each bad round until it is down, and once an interval from then on.
func (f *Fleet) suspect(w *watched, now time.Time) {
	if w.Proxy == nil || f.judged(w).At(now).Status == hoststate.Down && now.Sub(w.doubted) < w.state.Interval/2 {
		return
	}
	w.doubted = now
	q := Suspicion{Suspect: *w.Proxy, Helpers: f.helpers(w, now)}
	if len(q.Helpers) == 0 {
		w.opinion = Opinion{Asked: now, Said: noHelper}
		return
	}
	f.roster.Doubt(q)
}

// helpers are some proxies that may be asked about w.
func (f *Fleet) helpers(w *watched, now time.Time) (some []check.Check) {
	asked := map[string]bool{w.Provider: w.Provider != ""}
	for _, other := range f.shuffled() {
		if other == w || other.Proxy == nil || asked[other.Provider] || f.published(other, now).Status != hoststate.Up {
			continue
		}
		asked[other.Provider] = other.Provider != ""
		some = append(some, *other.Proxy)
		if len(some) == enough {
			break
		}
	}
	return some
}

// shuffled is the hosts in another order each time, so that the same three are not
// asked about everybody.
func (f *Fleet) shuffled() []*watched {
	all := make([]*watched, 0, len(f.watched))
	for _, w := range f.watched {
		all = append(all, w)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// Hear takes the answer of those who were asked about a host.
func (f *Fleet) Hear(host string, o Opinion) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.watched[host]; w != nil && o.Asked.After(w.opinion.Asked) {
		w.opinion = o
	}
}

// Heard is what others said of a host that fails; of one that does not, nothing.
func (f *Fleet) Heard(host string) Opinion {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.watched[host]; w != nil {
		return w.heard()
	}
	return Opinion{}
}

func (w *watched) heard() Opinion {
	if w.latest.Status != hoststate.Down && w.state.Fell().IsZero() && (w.elected == nil || w.elected.Fell().IsZero()) {
		return Opinion{}
	}
	return w.opinion
}
