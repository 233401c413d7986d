package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/metric"
	"milepost/lib/resolvconf"
)

// The flags: what a resolver may be found to do.
const (
	noAnswer     = "no_answer"
	notRecursive = "not_recursive"
	hijack       = "hijack"
	outage       = "outage"
	wrongAnswer  = "wrong_answer"
	noTCP        = "no_tcp"
	noDNSSEC     = "no_dnssec"
	disagrees    = "disagrees"
	ttlStuck     = "ttl_stuck"
)

// A Fault is what one test found wrong.
type Fault struct {
	Flag string // "hijack"
	Text string // the sentence for a person
}

// A trial is one test of one server. The questions of a trial share the time of
// one stage.
type trial struct {
	peer
	ctx    context.Context // the stage's
	flags  []string        // what the test can find
	only   string          // tcp: no question goes over UDP
	stages []metric.Stage
	faults []Fault
	err    error // why the test cannot tell

	answered bool // at least one answer, whatever it says
	health   resolvconf.Health
	took     time.Duration // of the first question's answer
	known    []fact        // what the server says of known names

	silence func(*exchange) // is told that no answer came over TCP; nil = overTCP tells it
}

// A fact is the addresses that a server gives a known name.
type fact struct {
	question
	addrs []netip.Addr
}

// hold runs one test within the time of a stage.
func (p peer) hold(ctx context.Context, test test) *trial {
	t := &trial{peer: p, ctx: ctx, flags: test.flags}
	if p.patience > 0 {
		stage, cancel := context.WithTimeoutCause(ctx, p.patience, errPatience)
		defer cancel()
		t.ctx = stage
	}
	test.run(t)
	if test.both && len(t.faults) == 0 && t.err == nil {
		t.again(test)
	}
	return t
}

// again makes the test over TCP alone: what sits between a host and its resolver may
// meddle with the one and not with the other. What the names are is known from UDP.
func (t *trial) again(test test) {
	t.only = tcp
	known := t.known
	test.run(t)
	t.known = known
	for i, f := range t.faults {
		if !strings.Contains(f.Text, "TCP") {
			t.faults[i].Text += " over TCP"
		}
	}
}

// find notes a fault.
func (t *trial) find(flag, format string, args ...any) {
	t.faults = append(t.faults, Fault{flag, fmt.Sprintf(format, args...)})
}

// put puts one question on one network. Without an answer it notes why, as the
// server's fault or as ours, and the reply is nil.
func (t *trial) put(q question, network string) *exchange {
	x := &exchange{question: q, peer: t.peer, network: network}
	x.do(t.ctx)
	first := len(t.stages) == 0
	t.stages = append(t.stages, x.stage())
	if first {
		t.health = x.health()
	}
	switch x.fate {
	case answered:
		if first {
			t.took = x.took
		}
		t.answered = true
	case silent:
		t.find(noAnswer, "%s", x.silence())
	case malformed:
		t.answered = true
		t.find(wrongAnswer, "malformed answer to %v over %s: %v", q, strings.ToUpper(network), x.err)
	case turnedDown:
		if network == udp {
			t.find(noAnswer, "no answer over UDP to %v: %v", q, x.err)
		}
	case unasked:
		t.err = x.mistake()
	case cutShort:
		t.err = &metric.Interrupted{Stage: x.doing(), Err: x.err}
	}
	return x
}

// ask puts q over UDP and, if the answer is cut off, over TCP, as every stub does; or over
// TCP at once.
func (t *trial) ask(q question) *dns.Msg {
	if t.only == tcp {
		x := t.put(q, tcp)
		if x.err != nil && t.err == nil && t.silence != nil {
			t.silence(x)
		}
		return x.reply
	}
	x := t.put(q, udp)
	if x.reply == nil || !x.reply.Truncated {
		return x.reply
	}
	x = t.put(q, tcp)
	if x.fate == turnedDown {
		t.find(noAnswer, "no answer to %v: it is cut off over UDP, and over TCP: %v", q, x.err)
	}
	return x.reply
}

// resolve is ask for a name that a sane resolver can look up, so an answer that is
// neither NOERROR nor NXDOMAIN is a fault, noted, and nil.
func (t *trial) resolve(q question) *dns.Msg { return t.judged(q, t.ask(q)) }

// judged is m, or nil if it says that the resolver could not or would not look up q.
func (t *trial) judged(q question, m *dns.Msg) *dns.Msg {
	if m == nil {
		return nil
	}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		if !m.RecursionAvailable {
			t.find(notRecursive, "not recursive: the answer to %v says so (RA=0)", q)
		}
		return m
	case dns.RcodeServerFailure:
		if q.invented {
			t.find(outage, "outage: %s for %v, which no cache knows", rcode(m), q)
		} else {
			t.find(outage, "outage: %s for %v", rcode(m), q)
		}
	case dns.RcodeRefused:
		t.find(notRecursive, "not recursive for this machine: %s for %v", rcode(m), q)
	default:
		t.find(wrongAnswer, "wrong answer: %s for %v", rcode(m), q)
	}
	return nil
}

// health is what the exchange means to glibc, which asks the next nameserver at
// once after a refusal and waits for silence.
func (x *exchange) health() resolvconf.Health {
	switch {
	case x.fate == silent:
		return resolvconf.Silent
	case x.fate != answered:
		return resolvconf.Refuses
	}
	switch x.reply.Rcode {
	case dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return resolvconf.Refuses
	}
	return resolvconf.Answers
}
