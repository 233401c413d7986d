package resolver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/metric"
)

// A test is one thing that a sane resolver does.
type test struct {
	flags []string // what it can find
	run   func(*trial)
	both  bool // it is made over TCP too, once it found nothing over UDP
}

// plan is the tests of one resolver. The first one's first question tells whether
// there is a resolver at all, and its time.
func (c Config) plan() []test {
	var plan []test
	for _, q := range c.Query {
		plan = append(plan, known(q))
	}
	for _, p := range c.random() {
		plan = append(plan, random(p, c.zoneOf(p)))
	}
	if c.Names.FreshZone.Name != "" {
		plan = append(plan, fresh(c.Names.FreshZone))
	}
	if c.Tests.DNSSEC != No {
		plan = append(plan, validates(c.Tests.DNSSECSigned, c.Tests.DNSSECBroken))
	}
	networks := []string{udp}
	if c.Tests.TCP != No {
		for i := range plan[1:] { // the first is alone in its stage, and has overTCP in the next
			plan[1+i].both = true
		}
		plan = slices.Insert(plan, 1, overTCP(plan[0]))
		networks = append(networks, tcp)
	}
	if c.Tests.TTL {
		plan = append(plan, countsDown(c.Query[0], networks, c.Tests.pause()))
	}
	return plan
}

// zoneOf is the known name's zone that p is random in; "" if the user named p.
func (c Config) zoneOf(p Pattern) Name {
	if zone, ok := strings.CutPrefix(string(p), "*."); ok && len(c.Query) > 0 {
		for _, z := range c.zones() {
			if string(z) == zone {
				return z
			}
		}
	}
	return ""
}

// known is the test that a known name has its addresses.
func known(q Query) test {
	return test{flags: []string{noAnswer, notRecursive, outage, wrongAnswer}, run: func(t *trial) {
		found := 0
		for _, qtype := range q.types() {
			asked := question{name: q.Name, qtype: qtype, invented: q.invented}
			m := t.resolve(asked)
			if m == nil {
				return
			}
			addrs := addresses(m, asked)
			t.known = append(t.known, fact{asked, addrs})
			if why := differs(q, asked, m); why != "" {
				t.find(wrongAnswer, "%s", why)
				return
			}
			if found += len(addrs); found > 0 && len(q.Addrs) == 0 {
				return // any address will do
			}
		}
		if found == 0 {
			t.find(wrongAnswer, "wrong answer: %q has no address", string(q.Name))
		}
	}}
}

// random is the test that a name which nobody can have made does not exist. If
// zone is not "" it is one of the user's, which could have a wildcard.
func random(p Pattern, zone Name) test {
	return test{flags: []string{noAnswer, notRecursive, hijack, outage, wrongAnswer}, run: func(t *trial) {
		q := question{name: p.random(), qtype: dns.TypeA, invented: true}
		m := t.resolve(q)
		if m == nil || m.Rcode == dns.RcodeNameError {
			return
		}
		addrs := addresses(m, q)
		if len(addrs) == 0 {
			t.find(wrongAnswer, "wrong answer: random name %q exists, without an address, where NXDOMAIN is the truth", string(q.name))
			return
		}
		text := fmt.Sprintf("hijack: random name %q has address %s where NXDOMAIN is the truth", string(q.name), list(addrs, mostAddrs))
		if zone != "" {
			text += fmt.Sprintf(" (unless %q has a wildcard: name another zone with --random-zone)", string(zone))
		}
		t.find(hijack, "%s", text)
	}}
}

// fresh is the test that the resolver reaches the servers of the world now: no
// cache knows a name that was just made up.
func fresh(zone Query) test {
	return test{flags: []string{noAnswer, notRecursive, outage, wrongAnswer}, run: func(t *trial) {
		known(Query{Pattern("*." + zone.Name).random(), zone.Addrs, true}).run(t)
		t.known = nil
	}}
}

// overTCP is the test that the resolver answers over TCP, and there too as the first test
// wants it.
func overTCP(first test) test {
	return test{flags: []string{noTCP}, run: func(t *trial) {
		t.silence = func(x *exchange) { t.find(noTCP, "no TCP: %v", tcpTrouble(x)) }
		t.again(first)
	}}
}

func tcpTrouble(x *exchange) string {
	switch x.fate {
	case silent:
		return x.silence()
	case malformed:
		return "malformed answer: " + x.err.Error()
	default:
		return x.err.Error()
	}
}

// validates is the test that what is signed well is marked as such and what is
// signed badly is not given.
func validates(signed, broken Name) test {
	return test{flags: []string{noDNSSEC}, run: func(t *trial) {
		good := question{name: signed, qtype: dns.TypeA, signed: true}
		m := t.ask(good)
		switch {
		case m == nil:
			return
		case m.Rcode == dns.RcodeServerFailure:
			t.mistrusts(good, rcode(m))
			return
		case t.judged(good, m) == nil:
			return
		case !m.AuthenticatedData:
			t.find(noDNSSEC, "no DNSSEC: the answer to %v, which is signed, was not validated (AD=0)", good)
			return
		}
		t.resists(question{name: broken, qtype: dns.TypeA, signed: true})
	}}
}

// mistrusts finds out why a well-signed name cannot be resolved: a clock or a
// trust anchor that is wrong makes every signature look bad.
func (t *trial) mistrusts(q question, why string) {
	q.unchecked = true
	m := t.ask(q)
	switch {
	case m == nil:
	case m.Rcode == dns.RcodeSuccess:
		t.find(noDNSSEC, "DNSSEC is broken: %s for %v, which is signed well and there with checking disabled: see the resolver's clock and trust anchor", why, q)
	default:
		t.find(outage, "outage: %s for %v", why, q)
	}
}

// resists notes if a badly signed name is believed. SERVFAIL alone is no proof of
// validation: the name must be there with checking disabled.
func (t *trial) resists(q question) {
	m := t.ask(q)
	switch {
	case m == nil:
		return
	case m.Rcode == dns.RcodeSuccess:
		t.find(noDNSSEC, "no DNSSEC: %v is given although its signatures are bad", q)
		return
	case m.Rcode != dns.RcodeServerFailure:
		t.doubt("judging DNSSEC by %v: %s, expected SERVFAIL: name another one with --dnssec-broken", q, rcode(m))
		return
	}
	q.unchecked = true
	if m = t.ask(q); m != nil && m.Rcode != dns.RcodeSuccess {
		t.doubt("judging DNSSEC by %v: %s with checking disabled too, so it fails for another reason: name another one with --dnssec-broken", q, rcode(m))
	}
}

// doubt notes that the test can tell nothing, for a name of others is to blame.
func (t *trial) doubt(format string, args ...any) {
	t.err = &metric.Blamed{Fault: metric.FaultOrigin, Reason: metric.ReasonNotMeasured, Err: fmt.Errorf(format, args...)}
}

const (
	// countdown is the time in which a TTL must have fallen: they are whole seconds.
	countdown = 1100 * time.Millisecond

	// countings is how many answers are compared. A record may expire between two
	// and be fetched anew; not between three.
	countings = 3
)

// countsDown is the test that a TTL falls, on each network: one that stands still is made
// up. Both are looked at in the same pauses.
func countsDown(q Query, networks []string, pause func(context.Context, time.Duration) error) test {
	return test{flags: []string{ttlStuck}, run: func(t *trial) {
		asked := question{name: q.Name, qtype: q.types()[0]}
		seen := map[string][]uint32{}
		networks := slices.Clone(networks)
		for i := range countings {
			if i > 0 {
				if err := pause(t.ctx, countdown); err != nil {
					t.interrupted("waiting for the TTL of "+asked.String()+" to fall", err)
					return
				}
			}
			networks = slices.DeleteFunc(networks, func(network string) bool { return t.falls(asked, network, seen) })
			if len(networks) == 0 || len(t.faults) > 0 || t.err != nil {
				return
			}
		}
		stuck, over := networks[0], ""
		if stuck == tcp {
			over = " over TCP"
		}
		ttls := strings.ReplaceAll(strings.Trim(fmt.Sprint(seen[stuck]), "[]"), " ", ", ")
		t.find(ttlStuck, "TTL of %v does not fall%s: %s, %v apart", asked, over, ttls, countdown)
	}}
}

// falls asks on the network and says whether the TTL fell since it was asked before, or
// nothing more is to be learnt there.
func (t *trial) falls(q question, network string, seen map[string][]uint32) bool {
	t.only = network
	m := t.resolve(q)
	if m == nil {
		return true
	}
	now, ok := ttl(m)
	if !ok {
		t.err = fmt.Errorf("comparing TTLs of %v: no record in the answer", q)
		return true
	}
	before := seen[network]
	seen[network] = append(before, now)
	return len(before) > 0 && now < before[len(before)-1]
}

// interrupted notes that the run, or the stage's time, ended while we waited:
// neither is the resolver's doing.
func (t *trial) interrupted(doing string, err error) {
	if errors.Is(context.Cause(t.ctx), errPatience) {
		t.err = fmt.Errorf("%s: %v is too short for it: give a longer -t", doing, t.patience)
		return
	}
	t.err = &metric.Interrupted{Stage: doing, Err: err}
}

// pause waits unless ctx ends first.
func (c Tests) pause() func(context.Context, time.Duration) error {
	if c.Pause != nil {
		return c.Pause
	}
	return func(ctx context.Context, d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mostAddrs is how many addresses a sentence carries.
const mostAddrs = 4

// differs says how m is not what q expects of asked; "" if it is.
func differs(q Query, asked question, m *dns.Msg) string {
	if m.Rcode == dns.RcodeNameError {
		return fmt.Sprintf("wrong answer: %q does not exist (NXDOMAIN)", string(q.Name))
	}
	want := q.expected(asked.qtype)
	if len(want) == 0 {
		return ""
	}
	got := addresses(m, asked)
	if same(got, want) {
		return ""
	}
	if len(got) == 0 {
		return fmt.Sprintf("wrong answer: %v is empty, expected %s", asked, list(want, mostAddrs))
	}
	return fmt.Sprintf("wrong answer: %v is %s, expected %s", asked, list(got, mostAddrs), list(want, mostAddrs))
}
