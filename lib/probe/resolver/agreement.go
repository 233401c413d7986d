package resolver

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"milepost/lib/metric"
)

// The roles of servers to compare with.
const (
	authority = "authority"
	other     = "other resolver"
)

// A witness is a server that the resolvers must agree with.
type witness struct {
	peer
	fault metric.Fault // whose it is if the witness says nothing
	trial *trial
}

// witness is the servers to compare with.
func (m *measurement) witness() []*witness {
	var all []*witness
	add := func(s Server, role string, fault metric.Fault) {
		if s != (Server{}) {
			all = append(all, &witness{peer: peer{role: role, addr: netip.AddrPort(s), patience: m.target.Patience}, fault: fault})
		}
	}
	add(m.Peers.Authority, authority, metric.FaultOrigin)
	add(m.Peers.Compare, other, metric.FaultMonitor)
	return all
}

// testimony asks a witness for every known name. What an authority says counts
// only if it has the AA bit.
func testimony(queries []Query, isAuthority bool) test {
	return test{run: func(t *trial) {
		for _, query := range queries {
			for _, qtype := range query.types() {
				q := question{name: query.Name, qtype: qtype, iterative: isAuthority}
				m := t.ask(q)
				switch {
				case m == nil:
					return
				case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
					t.find(disagrees, "%s for %v", rcode(m), q)
					return
				case isAuthority && !m.Authoritative:
					t.find(disagrees, "the answer to %v is not authoritative (AA=0)", q)
					return
				}
				t.known = append(t.known, fact{q, addresses(m, q)})
			}
		}
	}}
}

// problem is why the witness said nothing; nil if it did. It is not the resolver's.
func (w *witness) problem() error {
	if w.trial.err != nil || len(w.trial.faults) == 0 {
		return w.trial.err
	}
	err := fmt.Errorf("comparing with %v: %s", w.peer, w.trial.faults[0].Text)
	return &metric.Blamed{Fault: w.fault, Reason: metric.ReasonNotMeasured, Err: err}
}

// compare holds what a resolver's tests found to what w says, as one test more;
// nil if there is nothing to compare.
func (w *witness) compare(trials []*trial) *trial {
	compared := &trial{flags: []string{disagrees}}
	pairs := 0
	for _, t := range trials {
		for _, here := range t.known {
			there := slices.IndexFunc(w.trial.known, func(f fact) bool { return f.name == here.name && f.qtype == here.qtype })
			if there < 0 {
				continue
			}
			pairs++
			if theirs := w.trial.known[there].addrs; !same(here.addrs, theirs) {
				compared.find(disagrees, "disagrees with %v: %v is %s here and %s there", w.peer, here.question, given(here.addrs), given(theirs))
			}
		}
	}
	if pairs == 0 {
		return nil
	}
	return compared
}

func same(a, b []netip.Addr) bool { return slices.Equal(a, b) }

func given(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "nothing"
	}
	return list(addrs, mostAddrs)
}
