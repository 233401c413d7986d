package main

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/maintenance"
	"milepost/lib/metric"
	"milepost/lib/schedule"
)

// standings is what the hosts of a fleet are, over time.
type standings struct {
	log      *slog.Logger
	board    *schedule.Board
	calendar *maintenance.Calendar // nil = no maintenance

	mu      sync.Mutex
	doubt   func(suspicion)     // asks others about a host that is failing; nil = nobody
	watched map[string]*watched // by host
	sight   hoststate.Monitor   // what this monitor's self-checks found

	many      bool               // all vantages judge, and not this one alone
	everybody *hoststate.Monitor // how far they may be believed; nil = not known yet
}

// A watched host is its state over time.
type watched struct {
	host    fleet.Host
	roles   hoststate.Roles
	state   hoststate.Host   // as this vantage sees it
	elected hoststate.Host   // as all of them do, where they judge
	latest  hoststate.Round  // of this vantage
	last    hoststate.Status // as it was last told
	opinion opinion          // of others, while it fails
}

// provider is who runs a host's machine, as far as the inventory tells.
func provider(h fleet.Host) string { return cmp.Or(h.Labels["provider"], h.Group) }

// watch makes these hosts the fleet. What is known of one that was watched stays.
// doubt asks others about a host that is failing; nil = nobody is asked.
func (s *standings) watch(f *fleet.Fleet, doubt func(suspicion)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubt = doubt
	next := map[string]*watched{}
	for _, h := range f.Hosts {
		w := &watched{host: h, roles: rolesOf(f, h), state: hoststate.Host{Interval: f.Interval}, elected: hoststate.Host{Interval: f.Interval}}
		if known := s.watched[h.Name]; known != nil && known.state.Interval == f.Interval {
			w.state, w.elected, w.latest, w.last, w.opinion = known.state, known.elected, known.latest, known.last, known.opinion
		}
		next[h.Name] = w
	}
	s.watched, s.many = next, f.Status.Prometheus.URL != ""
}

func rolesOf(f *fleet.Fleet, h fleet.Host) hoststate.Roles {
	var names, aimed []string
	for _, c := range h.Checks {
		names = append(names, c.Name)
		if c.Kind.IsAimed {
			aimed = append(aimed, c.Name)
		}
	}
	return hoststate.Roles{Down: f.Status.Down, Degraded: f.Status.Degraded}.Of(names, aimed)
}

// believe takes what the self-checks found, and says whether that is news.
func (s *standings) believe(sight hoststate.Monitor) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sight
	s.sight = sight
	return !before.Same(sight)
}

// seen is what the self-checks found last.
func (s *standings) seen() hoststate.Monitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.many {
		return s.sight
	}
	if s.everybody == nil {
		return hoststate.Monitor{Reasons: []metric.Reason{metric.ReasonNoQuorum}}
	}
	all := *s.everybody
	all.Reasons = slices.Concat(all.Reasons, s.sight.Reasons)
	return all
}

// take takes a round of a host into its state. It says whether the host changed, and
// whether and when it should be asked again soon.
func (s *standings) take(r schedule.Round) (changed bool, after time.Duration, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watched[r.Host]
	if w == nil {
		return false, 0, false
	}
	round := w.roles.Round(r.Outcomes)
	landslide := false
	if round.Status == hoststate.Down {
		fell := w.state.Fell()
		if fell.IsZero() {
			fell = round.At
		}
		landslide = s.landslide(w, fell)
		round.Braked = landslide
		round.Disputed = w.disputed(fell)
	}
	w.state, w.latest = w.state.Next(round), round
	changed = s.tell(w, r.Ended)
	if s.doubt != nil && w.state.Suspect() && unreachable(round) {
		s.ask(w)
	}
	again = w.state.Again() || s.many && w.elected.Again()
	if landslide {
		return changed, 0, again
	}
	return changed, hoststate.Retry, again
}

// disputed says that others reached the host after it fell.
func (w *watched) disputed(fell time.Time) bool {
	return !fell.IsZero() && w.opinion.asked.After(fell) && w.opinion.Disputes()
}

// landslide says that so much of the fleet fell about when w did that the monitor
// itself is under suspicion.
func (s *standings) landslide(w *watched, fell time.Time) bool {
	fleet := make([]hoststate.Member, 0, len(s.watched))
	for _, other := range s.watched {
		m := hoststate.Member{Provider: provider(other.host), Fell: other.state.Fell()}
		if other == w {
			m.Fell = fell
		}
		fleet = append(fleet, m)
	}
	return hoststate.Landslide(fleet, fell, w.state.Interval)
}

// tell logs what a host became, once, and says whether that is to be published at
// once. That an unknown host is up can wait for the end of the round: at a start, and
// when a blind monitor sees again, it would be published a thousand times.
func (s *standings) tell(w *watched, now time.Time) (urgent bool) {
	is := s.judged(w).At(now)
	if is.Status == w.last {
		return false
	}
	s.log.Info("host changed", "host", w.host.Name, "from", w.last, "to", is.Status, "since", is.Since.UTC(),
		"evidence", evidence(is, s.board.Of(w.host.Name)), "others", w.opinion.said)
	urgent = w.last != hoststate.Unknown || is.Status != hoststate.Up
	w.last = is.Status
	return urgent
}

// judged is the host by whom its state is judged by.
func (s *standings) judged(w *watched) hoststate.Host {
	if s.many {
		return w.elected
	}
	return w.state
}

// stand is what the host is at now, as it is published.
func (s *standings) stand(name string, now time.Time) hoststate.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watched[name]
	if w == nil {
		return hoststate.Host{}.At(now)
	}
	return s.published(w, now)
}

func (s *standings) published(w *watched, now time.Time) hoststate.Standing {
	standing := s.judged(w).At(now)
	if s.calendar == nil {
		return standing
	}
	if window, from, until, in := s.calendar.At(w.host.Name, w.host.Group, now); in {
		return standing.Under(hoststate.Work{From: from, Until: until, Reason: window.Reason})
	}
	return standing
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

// host is one host of the fleet.
func (s *standings) host(name string) (fleet.Host, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watched[name]
	if w == nil {
		return fleet.Host{}, false
	}
	return w.host, true
}

// said is who said what of a host that failed.
func (s *standings) said(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watched[name]; w != nil {
		return w.opinion.said
	}
	return ""
}
