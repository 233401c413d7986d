package selfcheck

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"milepost/lib/metric"
)

// facts are what one self-check found.
type facts struct {
	names   []string         // that were asked for
	servers []netip.AddrPort // the other resolvers
	refs    []string         // that were reached out for
	own     trial
	others  []trial // by server
	route   journey
	noRoute string        // which default route is missing; "" = none, or not looked
	jump    time.Duration // of the wall clock, since the last self-check
	proof   *Proof        // what references say of the clock; nil = nobody was asked
	control error         // what must work and does not, or must fail and does not
	lag     time.Duration // how late the monitor's own work is
	round   time.Duration // how much of it there is time for; 0 = not known
	watched bool          // somebody looks whether many paths become bad at once
	common  string        // they did, and the sentence on it; "" = they did not
}

// judge is what f amounts to. The route comes first: without one, no resolver
// answers either.
func judge(f facts) State {
	s := State{Sight: OK}
	f.judgeRoute(&s)
	f.judgeResolver(&s)
	outside := len(s.Tests) > 0 || s.Notes != nil
	f.judgeClock(&s)
	f.judgeSelf(&s)
	f.judgePaths(&s)
	if !outside {
		s.note("no references: this monitor cannot tell its own faults from others'")
	}
	return s
}

// add takes a test into s, and what is left of s.Sight if it failed.
func (s *State) add(t Test, left Sight) {
	s.Tests = append(s.Tests, t)
	if t.Why == "" {
		return
	}
	s.Sight = min(s.Sight, left)
	if s.Why == "" {
		s.Why, s.Reason = t.Why, t.Reason
		return
	}
	s.Why += "; " + t.Why
}

func (s *State) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func (f facts) judgeRoute(s *State) {
	for i, err := range f.route.errs {
		if errors.Is(err, errForbidden) {
			s.note("reference %q is not asked: %v: grant cap_net_raw, widen net.ipv4.ping_group_range, or write it as address and port", f.refs[i], err)
		}
	}
	if !f.route.tested() {
		return
	}
	t := Test{Name: Route, Reason: metric.ReasonMonitorRoute, Took: f.route.took}
	if f.route.fails() {
		t.Why = "this monitor has no way out: " + f.unreached()
		if f.noRoute != "" {
			t.Why += ", and " + f.noRoute
		}
	}
	s.add(t, Blind)
}

// judgeSelf is about the process and its machine.
func (f facts) judgeSelf(s *State) {
	t := Test{Name: Control, Reason: metric.ReasonMonitorControl}
	if f.control != nil {
		t.Why = "this monitor fails at what cannot fail: " + f.control.Error()
	}
	s.add(t, Blind)
	if f.round == 0 {
		return
	}
	t, left := Test{Name: Lag, Reason: metric.ReasonMonitorLag}, Impaired
	if f.lag > late {
		t.Why = fmt.Sprintf("this monitor's own work is %v late: too many checks for this machine, or it stood still", f.lag.Round(100*time.Millisecond))
	}
	if f.lag > f.round {
		left = Blind
	}
	s.add(t, left)
}

// judgePaths is about the paths to the hosts: many that become bad at once are one
// fault, near this monitor. Where the references answer all the same, it sees, and
// only what is said of packets is doubted, by whoever counts them: a provider's
// outage must not hide behind this. Without references, nothing else tells.
func (f facts) judgePaths(s *State) {
	if !f.watched {
		return
	}
	t := Test{Name: Paths, Why: f.common, Reason: metric.ReasonMonitorRoute}
	if f.common == "" || !f.route.tested() || f.route.fails() {
		s.add(t, Impaired)
		return
	}
	s.Tests, s.Sight = append(s.Tests, t), min(s.Sight, Impaired)
	s.note("%s; the references answer, so what is no packet loss is believed", f.common)
}

// unreached is the sentence on references none of which answered.
func (f facts) unreached() string {
	var asked []string
	for i, err := range f.route.errs {
		if !errors.Is(err, errForbidden) {
			asked = append(asked, f.refs[i])
		}
	}
	if len(asked) == 1 {
		return asked[0] + " does not answer"
	}
	return "none of " + strings.Join(asked, ", ") + " answers"
}

func (f facts) judgeResolver(s *State) {
	if len(f.names) == 0 {
		return
	}
	f.judgeOthers(s)
	t := Test{Name: Resolver, Reason: metric.ReasonMonitorResolver, Took: f.own.took}
	left := Blind
	switch {
	case f.own.lies():
		t.Why = fmt.Sprintf("this monitor's own resolver lies: it has address %v for a name that does not exist", f.own.invented[0])
	case f.own.answers():
		f.compare(s)
	case f.own.denies() && f.denied():
		s.note("no resolver knows %s: correct references.resolve", strings.Join(f.names, ", "))
	default:
		t.Why = fmt.Sprintf("this monitor's own resolver fails: resolving %q: %s", f.names[0], cause(f.own.errs[0]))
	}
	s.lying, s.failed = f.own.lies(), t.Why != ""
	if t.Why != "" && len(s.others) > 0 {
		left = Impaired
		s.note("names are resolved through %s", list(s.others))
	}
	s.add(t, left)
}

// judgeOthers sorts the other resolvers. Their faults are nobody's business but
// the operator's: the second way is not there.
func (f facts) judgeOthers(s *State) {
	for i, t := range f.others {
		switch server := f.servers[i]; {
		case t.lies():
			s.liars = append(s.liars, server)
			s.note("resolver %q of references.resolvers lies: it has address %v for a name that does not exist", server, t.invented[0])
		case t.answers():
			s.others = append(s.others, server)
		default:
			s.note("resolver %q of references.resolvers fails: resolving %q: %s", server, f.names[0], cause(t.errs[0]))
		}
	}
}

// denied says that another resolver knows none of the names either.
func (f facts) denied() bool {
	denied := false
	for _, t := range f.others {
		if t.good() {
			return false
		}
		denied = denied || t.denies()
	}
	return denied
}

// compare notes the names that only others have an answer for. The addresses
// themselves are not compared: many names have others in each place.
func (f facts) compare(s *State) {
	for n, err := range f.own.errs {
		if err == nil {
			continue
		}
		for i, t := range f.others {
			if t.good() && t.errs[n] == nil {
				s.note("this monitor's own resolver has no answer for %q (%s), resolver %q has", f.names[n], cause(err), f.servers[i])
				break
			}
		}
	}
}

func list(servers []netip.AddrPort) string {
	words := make([]string, len(servers))
	for i, s := range servers {
		words[i] = s.String()
	}
	return strings.Join(words, ", ")
}
