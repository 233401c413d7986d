package standing

import (
	"math/rand/v2"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

const helpers = 3 // that are asked about a suspect

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

// disputed says that others reached the host after it fell.
func (w *watched) disputed(fell time.Time) bool {
	return !fell.IsZero() && w.opinion.Asked.After(fell) && w.opinion.Disputes()
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

// suspect has healthy proxies of other providers asked about w, of as many as there are.
func (f *Fleet) suspect(w *watched) {
	if w.Proxy == nil {
		return
	}
	q := Suspicion{Suspect: *w.Proxy}
	now, asked := time.Now(), map[string]bool{w.Provider: true}
	for _, other := range f.shuffled() {
		if other.Proxy != nil && !asked[other.Provider] && f.published(other, now).Status == hoststate.Up {
			asked[other.Provider] = true
			q.Helpers = append(q.Helpers, *other.Proxy)
		}
		if len(q.Helpers) == helpers {
			break
		}
	}
	if len(q.Helpers) > 0 {
		f.roster.Doubt(q)
	}
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

// Said is who said what of a host that failed.
func (f *Fleet) Said(host string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.watched[host]; w != nil {
		return w.opinion.Said
	}
	return ""
}
