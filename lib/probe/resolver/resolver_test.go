package resolver_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/option"
	"milepost/lib/probe/resolver"
	"milepost/lib/verdict"
)

// run is check_resolver with args, on one server.
func run(t *testing.T, server netip.AddrPort, timeout time.Duration, args ...string) check.Outcome {
	t.Helper()
	cfg := configure(t, args...)
	cfg.Port = server.Port()
	return outcome(t, cfg, metric.Target{Name: "ns1", Address: server.Addr().String(), Addrs: []netip.Addr{server.Addr()}}, timeout)
}

// configure is the configuration that args make.
func configure(t *testing.T, args ...string) *resolver.Config {
	t.Helper()
	cfg := resolver.Default()
	if operands, err := option.New(&cfg).Parse(args); err != nil || len(operands) > 0 {
		t.Fatalf("options %q: %v, left %q", args, err, operands)
	}
	return &cfg
}

func outcome(t *testing.T, cfg *resolver.Config, target metric.Target, timeout time.Duration) check.Outcome {
	t.Helper()
	c, err := check.Define("resolver", resolver.Default, resolver.Measure).Local().Bind(cfg, target)
	if err != nil {
		t.Fatal(err)
	}
	c.Timeout = timeout
	return c.Run(context.Background())
}

var (
	made  = regexp.MustCompile(`\b[a-z]{16}\b`)
	took  = regexp.MustCompile(`answer in [0-9.]+ ms`)
	ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	about = regexp.MustCompile(`\b1\.[5-9]\d*s\b`) // what a loaded machine leaves of a stage's 2 s
)

// spell is the plugin's line without what differs from run to run.
func spell(o check.Outcome) string {
	s := o.Status.String() + ": " + o.Summary
	s = made.ReplaceAllString(s, "RANDOM")
	s = took.ReplaceAllString(s, "answer in T ms")
	s = about.ReplaceAllString(s, "2s")
	return ports.ReplaceAllString(s, "127.0.0.1:PORT")
}

const (
	patient   = 20 * time.Second
	impatient = 4 * time.Second // a stage's time is half of it
)

// good is the options that an honest resolver passes.
var good = []string{"--query", "www.example.test=192.0.2.2,192.0.2.1,2001:db8::1"}

func TestResolver(t *testing.T) {
	const asked = `resolver "127.0.0.1": `
	for _, c := range []struct {
		name   string
		args   []string
		answer func(call)
		want   string
		fault  metric.Fault
	}{
		{"honest", good, truthful, `OK: ` + asked + `5 tests, 0 failed, first answer in T ms`, ""},
		{"any address will do", []string{"--query", "www.example.test"}, truthful, `OK: ` + asked + `5 tests, 0 failed, first answer in T ms`, ""},
		{"any address, and there is only IPv6", []string{"--query", "six.example.test"}, truthful, `OK: ` + asked + `5 tests, 0 failed, first answer in T ms`, ""},
		{"through an alias", []string{"--query", "alias.example.test=192.0.2.1,192.0.2.2"}, truthful, `OK: ` + asked + `5 tests, 0 failed, first answer in T ms`, ""},
		{"no known name", nil, truthful, `OK: ` + asked + `3 tests, 0 failed, first answer in T ms; only random names were asked for (no --query)`, ""},
		{"everything asked for", append([]string{"--fresh-zone", "fresh.test=192.0.2.9", "--tcp", "must", "--dnssec", "must", "--dnssec-signed", "signed.test", "--dnssec-broken", "broken.test"}, good...), truthful, `OK: ` + asked + `7 tests, 0 failed, first answer in T ms`, ""},

		{"an address too many is expected", []string{"--query", "www.example.test=192.0.2.1"}, truthful, `CRITICAL: wrong answer: "www.example.test" A is 192.0.2.1, 192.0.2.2, expected 192.0.2.1 (2 tests); ` + asked + `5 tests, 2 failed, first answer in T ms`, "resolver"},
		{"another address", []string{"--query", "www.example.test=192.0.2.1,192.0.2.22"}, truthful, `CRITICAL: wrong answer: "www.example.test" A is 192.0.2.1, 192.0.2.2, expected 192.0.2.1, 192.0.2.22 (2 tests); `, "resolver"},
		{"no such type", []string{"--query", "six.example.test=192.0.2.1"}, truthful, `CRITICAL: wrong answer: "six.example.test" A is empty, expected 192.0.2.1`, "resolver"},
		{"no such name", []string{"--query", "gone.example.test=192.0.2.1"}, truthful, `CRITICAL: wrong answer: "gone.example.test" does not exist (NXDOMAIN)`, "resolver"},
		{"a name without address", []string{"--query", "mail.example.test"}, truthful, `CRITICAL: wrong answer: "mail.example.test" has no address (2 tests); `, "resolver"},
		{"a fresh name without wildcard", append([]string{"--fresh-zone", "stale.test"}, good...), truthful, `CRITICAL: wrong answer: "RANDOM.stale.test" does not exist (NXDOMAIN); `, "resolver"},

		{"NXDOMAIN rewritten", good, func(c call) {
			m := honest(c)
			if c.random() {
				m.Rcode, m.Answer = dns.RcodeSuccess, []dns.RR{c.record("60 IN A 198.51.100.7")}
			}
			c.reply(m)
		}, `CRITICAL: hijack: random name "www.RANDOM.com" has address 198.51.100.7 where NXDOMAIN is the truth (3 tests); ` + asked + `5 tests, 3 failed`, "resolver"},
		{"a wildcard in the user's own zone", good, func(c call) {
			m := honest(c)
			if c.random() && strings.HasSuffix(c.name(), ".example.test.") {
				m.Rcode, m.Answer = dns.RcodeSuccess, []dns.RR{c.record("60 IN A 192.0.2.1")}
			}
			c.reply(m)
		}, `CRITICAL: hijack: random name "RANDOM.example.test" has address 192.0.2.1 where NXDOMAIN is the truth (unless "example.test" has a wildcard: name another zone with --random-zone); `, "resolver"},
		{"random names that exist without an address", good, func(c call) {
			m := honest(c)
			if c.random() {
				m.Rcode = dns.RcodeSuccess
			}
			c.reply(m)
		}, `CRITICAL: wrong answer: random name "www.RANDOM.com" exists, without an address, where NXDOMAIN is the truth (3 tests); `, "resolver"},
		{"a record of another name", good, func(c call) {
			m := honest(c)
			for _, rr := range m.Answer {
				rr.Header().Name = "evil.test."
			}
			c.reply(m)
		}, `CRITICAL: wrong answer: "www.example.test" A is empty, expected 192.0.2.1, 192.0.2.2 (2 tests); `, "resolver"},
		{"an alias of itself", good, func(c call) {
			m := honest(c)
			m.Answer = []dns.RR{c.record("60 IN CNAME " + c.name())}
			c.reply(m)
		}, `CRITICAL: wrong answer: "www.example.test" A is empty`, "resolver"},
		{"two aliases of each other", good, func(c call) {
			m := honest(c)
			m.Answer = []dns.RR{c.record("60 IN CNAME other.example.test."), c.record("60 IN CNAME " + c.name())}
			m.Answer[1].Header().Name = "other.example.test."
			c.reply(m)
		}, `CRITICAL: wrong answer: "www.example.test" A is empty`, "resolver"},

		{"its upstream is dead", good, func(c call) {
			m := honest(c)
			if m.Rcode == dns.RcodeNameError {
				m.Rcode = dns.RcodeServerFailure
			}
			c.reply(m)
		}, `CRITICAL: outage: SERVFAIL for "www.RANDOM.com" A, which no cache knows (3 tests); ` + asked + `5 tests, 3 failed, first answer in T ms`, "resolver"},
		{"its upstream is dead, and it says why", good, func(c call) {
			m := honest(c)
			m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority, ExtraText: "at | delegation"}}
			c.reply(m)
		}, `CRITICAL: outage: SERVFAIL (No Reachable Authority: "at | delegation") for "www.example.test" A (5 tests); `, "resolver"},
		{"only its cache works", append([]string{"--random", "none", "--fresh-zone", "fresh.test"}, good...), func(c call) {
			m := honest(c)
			if strings.HasSuffix(c.name(), ".fresh.test.") {
				m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			}
			c.reply(m)
		}, `CRITICAL: outage: SERVFAIL for "RANDOM.fresh.test" A, which no cache knows; `, "resolver"},
		{"refuses", good, func(c call) {
			m := new(dns.Msg).SetRcode(c.Msg, dns.RcodeRefused)
			c.reply(m)
		}, `CRITICAL: not recursive for this machine: REFUSED for "www.example.test" A (5 tests); ` + asked + `5 tests, 5 failed`, "resolver"},
		{"refuses with nothing but a header", good, func(c call) {
			m := new(dns.Msg).SetRcode(c.Msg, dns.RcodeRefused)
			packet, _ := m.Pack()
			c.raw(packet[:12])
		}, `CRITICAL: not recursive for this machine: REFUSED`, "resolver"},
		{"authoritative only", good, func(c call) {
			m := honest(c)
			m.RecursionAvailable = false
			c.reply(m)
		}, `CRITICAL: not recursive: the answer to "www.example.test" A says so (RA=0) (`, "resolver"},
		{"knows no EDNS", good, func(c call) { c.reply(new(dns.Msg).SetRcode(c.Msg, dns.RcodeFormatError)) }, `CRITICAL: wrong answer: FORMERR for "www.example.test" A`, "resolver"},
		{"an unheard-of code", good, func(c call) { c.reply(new(dns.Msg).SetRcode(c.Msg, 12)) }, `CRITICAL: wrong answer: RCODE 12 for "www.example.test" A`, "resolver"},

		{"garbage", good, func(c call) { c.raw([]byte("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")) }, `CRITICAL: malformed answer to "www.example.test" A over UDP: `, "resolver"},
		{"a few bytes", good, func(c call) { c.raw([]byte{1, 2, 3}) }, `CRITICAL: malformed answer to "www.example.test" A over UDP: it has only 3 bytes (`, "resolver"},
		{"a name that points to itself", good, func(c call) {
			packet, _ := honest(c).Pack()
			c.raw(append(packet[:12:12], 0xc0, 12, 0, 1, 0, 1))
		}, `CRITICAL: malformed answer to "www.example.test" A over UDP: bad question name: too many compression pointers`, "resolver"},
		{"records that are not there", good, func(c call) {
			packet, _ := new(dns.Msg).SetReply(c.Msg).Pack()
			packet[7] = 3
			c.raw(packet)
		}, `CRITICAL: malformed answer to "www.example.test" A over UDP: it ends before the records that its header counts`, "resolver"},

		{"UDP answers are cut off, TCP's are whole", good, func(c call) {
			m := honest(c)
			if c.network == "udp" {
				m.Truncated, m.Answer = true, nil
			}
			c.reply(m)
		}, `OK: ` + asked + `5 tests, 0 failed`, ""},
		{"cut off, and TCP closes", good, func(c call) {
			m := honest(c)
			m.Truncated = true
			if c.network == "tcp" {
				c.tcp.Close()
				return
			}
			c.reply(m)
		}, `CRITICAL: no answer to "www.example.test" A: it is cut off over UDP, and over TCP: connection closed before an answer (4 tests); `, "resolver"},
		{"TCP closes", good, func(c call) {
			if c.network == "tcp" {
				c.tcp.Close()
				return
			}
			truthful(c)
		}, `WARNING: no TCP: connection closed before an answer; ` + asked + `5 tests, 1 failed`, "resolver"},
		{"TCP must be there", append([]string{"--tcp", "must"}, good...), func(c call) {
			if c.network == "tcp" {
				c.tcp.Close()
				return
			}
			truthful(c)
		}, `CRITICAL: no TCP: connection closed before an answer; `, "resolver"},
		{"TCP is nobody's business", append([]string{"--tcp", "no"}, good...), func(c call) {
			if c.network == "tcp" {
				c.tcp.Close()
				return
			}
			truthful(c)
		}, `OK: ` + asked + `4 tests, 0 failed`, ""},
		{"TCP tells otherwise", good, func(c call) {
			m := honest(c)
			if c.network == "tcp" {
				m.Answer = []dns.RR{c.record("60 IN A 198.51.100.7")}
			}
			c.reply(m)
		}, `CRITICAL: wrong answer: "www.example.test" A is 198.51.100.7, expected 192.0.2.1, 192.0.2.2 over TCP; `, "resolver"},
		{"TCP answers another question", good, func(c call) {
			m := honest(c)
			if c.network == "tcp" {
				m.Id++
			}
			c.reply(m)
		}, `CRITICAL: malformed answer to "www.example.test" A over TCP: another id (4 tests); `, "resolver"},

		{"NXDOMAIN rewritten over TCP", good, overTCP(call.random, func(c call, m *dns.Msg) {
			m.Rcode, m.Answer = dns.RcodeSuccess, []dns.RR{c.record("60 IN A 198.51.100.7")}
		}), `CRITICAL: hijack: random name "www.RANDOM.com" has address 198.51.100.7 where NXDOMAIN is the truth over TCP (3 tests); ` + asked + `5 tests, 3 failed`, "resolver"},
		{"a second known name over TCP", append([]string{"--query", "six.example.test=2001:db8::6"}, good...), overTCP(of("www.example.test."), func(_ call, m *dns.Msg) { m.Answer = nil }), `CRITICAL: wrong answer: "www.example.test" A is empty, expected 192.0.2.1, 192.0.2.2 over TCP; `, "resolver"},
		{"a fresh name over TCP", append([]string{"--fresh-zone", "fresh.test=192.0.2.9"}, good...), overTCP(call.isFresh, func(_ call, m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeServerFailure, nil }), `CRITICAL: outage: SERVFAIL for "RANDOM.fresh.test" A, which no cache knows over TCP; `, "resolver"},
		{"DNSSEC over TCP", append([]string{"--dnssec", "must", "--dnssec-signed", "signed.test", "--dnssec-broken", "broken.test"}, good...), overTCP(of("signed.test."), func(_ call, m *dns.Msg) { m.AuthenticatedData = false }), `CRITICAL: no DNSSEC: the answer to "signed.test" A, which is signed, was not validated (AD=0) over TCP; `, "resolver"},

		{"slow", append([]string{"-w", "0:0", "-c", "10"}, good...), truthful, `WARNING: slow: first answer in T ms; `, "resolver"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := run(t, fake(t, c.answer), patient, c.args...)
			if got := spell(o); !strings.HasPrefix(got, c.want) || o.Fault != c.fault {
				t.Errorf("got  %s\nwant %s\nfault %q, want %q", got, c.want, o.Fault, c.fault)
			}
		})
	}
}

// What no answer says: the time is a stage's.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		args   []string
		answer func(call)
		want   string
	}{
		{"nobody says a word", good, func(call) {}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times; resolver "127.0.0.1": 1 test, 1 failed`},
		{"another id", good, func(c call) {
			m := honest(c)
			m.Id++
			c.reply(m)
		}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for another id); `},
		{"another name", good, func(c call) {
			m := honest(c)
			m.Question[0].Name = "evil.test."
			c.reply(m)
		}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for another question); `},
		{"another type", good, func(c call) {
			m := honest(c)
			m.Question[0].Qtype = dns.TypeTXT
			c.reply(m)
		}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for another question); `},
		{"another class", good, func(c call) {
			m := honest(c)
			m.Question[0].Qclass = dns.ClassCHAOS
			c.reply(m)
		}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for another question); `},
		{"no question", good, func(c call) {
			m := honest(c)
			m.Question = nil
			c.reply(m)
		}, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for another question); `},
		{"an echo", good, func(c call) { c.reply(c.Msg) }, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times (3 packets ignored, the last for being a question); `},
		{"another source", good, func(c call) { c.elsewhere(honest(c)) }, `CRITICAL: no answer over UDP in 2s to "www.example.test" A, asked 3 times; `},
		{"silent about what it does not know", good, func(c call) {
			if !c.random() {
				truthful(c)
			}
		}, `CRITICAL: no answer over UDP in 2s to "www.RANDOM.com" A, asked 3 times (3 tests); resolver "127.0.0.1": 5 tests, 3 failed, first answer in T ms`},
		{"silent over TCP", good, func(c call) {
			if c.network == "udp" {
				truthful(c)
			}
		}, `CRITICAL: no answer over TCP in 2s to "www.example.test" A (4 tests); `},
		{"cut off, then silent over TCP", append([]string{"--tcp", "no", "--random", "none"}, good...), func(c call) {
			m := honest(c)
			m.Truncated = true
			if c.network == "udp" {
				c.reply(m)
			}
		}, `CRITICAL: no answer over TCP in 2s to "www.example.test" A; `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := run(t, fake(t, c.answer), impatient, c.args...)
			if got := spell(o); !strings.HasPrefix(got, c.want) || o.Fault != "resolver" {
				t.Errorf("got  %s\nwant %s\nfault %q", got, c.want, o.Fault)
			}
		})
	}
}

// A packet lost on the way is not the resolver's silence, and a forged one does
// not keep the answer out.
func TestSecondTry(t *testing.T) {
	for name, answer := range map[string]func(call){
		"the first packet is lost": func(c call) {
			if c.network == "tcp" || c.nth > 0 {
				truthful(c)
			}
		},
		"a forger is faster": func(c call) {
			forged := honest(c)
			forged.Id++
			if c.network == "udp" {
				c.reply(forged)
			}
			truthful(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, fake(t, answer), 4*time.Second, good...)
			if want := `OK: resolver "127.0.0.1": 5 tests, 0 failed, first answer in T ms`; spell(o) != want {
				t.Errorf("got  %s\nwant %s", spell(o), want)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	udp, tcp := listen(t)
	at := netip.MustParseAddrPort(udp.LocalAddr().String())
	udp.Close()
	tcp.Close()
	o := run(t, at, patient, good...)
	if want := `CRITICAL: no answer over UDP to "www.example.test" A: connection refused; resolver "127.0.0.1": 1 test, 1 failed`; spell(o) != want {
		t.Errorf("got  %s\nwant %s", spell(o), want)
	}
	if o.Took > patient/4 {
		t.Errorf("a refusal took %v", o.Took)
	}
}

func TestDNSSEC(t *testing.T) {
	const asked = `resolver "127.0.0.1": 2 tests, `
	rcodes := func(signed, signedCD, broken, brokenCD int) func(call) {
		return func(c call) {
			m := honest(c)
			var code int
			switch {
			case c.name() == "signed.test." && c.CheckingDisabled:
				code = signedCD
			case c.name() == "signed.test.":
				code = signed
			case c.name() == "broken.test." && c.CheckingDisabled:
				code = brokenCD
			case c.name() == "broken.test.":
				code = broken
			default:
				code = m.Rcode
			}
			if m.Rcode = code; code != dns.RcodeSuccess {
				m.Answer = nil
			}
			c.reply(m)
		}
	}
	const fine, servfail, nxdomain = dns.RcodeSuccess, dns.RcodeServerFailure, dns.RcodeNameError
	for _, c := range []struct {
		name, level string
		answer      func(call)
		want        string
		fault       metric.Fault
	}{
		{"validates", "must", rcodes(fine, fine, servfail, fine), `OK: ` + asked + `0 failed`, ""},
		{"no AD", "must", func(c call) {
			m := honest(c)
			m.AuthenticatedData = false
			c.reply(m)
		}, `CRITICAL: no DNSSEC: the answer to "signed.test" A, which is signed, was not validated (AD=0); ` + asked + `1 failed`, "resolver"},
		{"no AD, and it only should", "should", func(c call) {
			m := honest(c)
			m.AuthenticatedData = false
			c.reply(m)
		}, `WARNING: no DNSSEC: the answer to "signed.test" A, which is signed, was not validated (AD=0); `, "resolver"},
		{"believes bad signatures", "must", rcodes(fine, fine, fine, fine), `CRITICAL: no DNSSEC: "broken.test" A is given although its signatures are bad; `, "resolver"},
		{"believes nothing", "must", rcodes(servfail, fine, servfail, fine), `CRITICAL: DNSSEC is broken: SERVFAIL for "signed.test" A, which is signed well and there with checking disabled: see the resolver's clock and trust anchor; `, "resolver"},
		{"finds nothing", "must", rcodes(servfail, servfail, servfail, servfail), `CRITICAL: outage: SERVFAIL for "signed.test" A; `, "resolver"},
		{"the badly signed zone is dead", "must", rcodes(fine, fine, servfail, servfail), `UNKNOWN: judging DNSSEC by "broken.test" A: SERVFAIL with checking disabled too, so it fails for another reason: name another one with --dnssec-broken`, "origin"},
		{"the badly signed zone is gone", "should", rcodes(fine, fine, nxdomain, nxdomain), `UNKNOWN: judging DNSSEC by "broken.test" A: NXDOMAIN, expected SERVFAIL: name another one with --dnssec-broken`, "origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--random", "none", "--tcp", "no", "--dnssec", c.level, "--dnssec-signed", "signed.test", "--dnssec-broken", "broken.test"}, good...)
			o := run(t, fake(t, c.answer), patient, args...)
			if got := spell(o); !strings.HasPrefix(got, c.want) || o.Fault != c.fault {
				t.Errorf("got  %s\nwant %s\nfault %q, want %q", got, c.want, o.Fault, c.fault)
			}
		})
	}
}

func TestTTL(t *testing.T) {
	t.Parallel()
	sequence := func(ttls ...string) func(call) {
		return func(c call) {
			m := honest(c)
			if len(m.Answer) > 0 {
				m.Answer = []dns.RR{c.record(ttls[min(c.nth, len(ttls)-1)] + " IN A 192.0.2.1")}
			}
			c.reply(m)
		}
	}
	for _, c := range []struct {
		name   string
		answer func(call)
		tcp    string
		want   string
	}{
		// The first answer is to the test of the known name.
		{"falls", sequence("300", "300", "299"), "no", `OK: `},
		{"expires between two answers", sequence("1", "1", "300", "299"), "no", `OK: `},
		{"stands still over TCP alone", fallsOverUDP, "must", `WARNING: TTL of "www.example.test" A does not fall over TCP: 300, 300, 300, 1.1s apart; `},
		{"stands still", sequence("300"), "no", `WARNING: TTL of "www.example.test" A does not fall: 300, 300, 300, 1.1s apart; `},
		{"grows", sequence("1", "1", "2", "3"), "no", `WARNING: TTL of "www.example.test" A does not fall: 1, 2, 3, 1.1s apart; `},
		{"is 0", sequence("0"), "no", `WARNING: TTL of "www.example.test" A does not fall: 0, 0, 0, 1.1s apart; `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := fake(t, c.answer)
			cfg := configure(t, "--random", "none", "--tcp", c.tcp, "--ttl", "--query", "www.example.test=192.0.2.1")
			cfg.Port = server.Port()
			cfg.Tests.Pause = func(context.Context, time.Duration) error { return nil }
			o := outcome(t, cfg, metric.Target{Address: "127.0.0.1", Addrs: []netip.Addr{server.Addr()}}, patient)
			if got := spell(o); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("no time for it", func(t *testing.T) {
		t.Parallel()
		o := run(t, fake(t, truthful), impatient, append([]string{"--ttl"}, good...)...)
		want := `UNKNOWN: waiting for the TTL of "www.example.test" A to fall: 2s is too short for it: give a longer -t`
		if spell(o) != want || o.Fault != "monitor" {
			t.Errorf("got  %s\nwant %s\nfault %q", spell(o), want, o.Fault)
		}
	})
}

func TestAgreement(t *testing.T) {
	t.Parallel()
	authority := func(c call) {
		m := honest(c)
		m.Authoritative, m.RecursionAvailable = true, false
		if c.RecursionDesired {
			m = new(dns.Msg).SetRcode(c.Msg, dns.RcodeRefused)
		}
		c.reply(m)
	}
	other := func(c call) {
		m := honest(c)
		if c.kind() == dns.TypeA && len(m.Answer) > 0 {
			m.Authoritative = true
			m.Answer = []dns.RR{c.record("60 IN A 192.0.2.77")}
		}
		c.reply(m)
	}
	for _, c := range []struct {
		name, option string
		answer       func(call)
		want         string
		fault        metric.Fault
	}{
		{"with its authority", "--authority", authority, `OK: resolver "127.0.0.1": 2 tests, 0 failed`, ""},
		{"not with its authority", "--authority", other, `WARNING: disagrees with authority "127.0.0.1:PORT": "www.example.test" A is 192.0.2.1, 192.0.2.2 here and 192.0.2.77 there; `, "resolver"},
		{"with another resolver", "--compare", truthful, `OK: resolver "127.0.0.1": 2 tests, 0 failed`, ""},
		{"not with another resolver", "--compare", other, `WARNING: disagrees with other resolver "127.0.0.1:PORT": `, "resolver"},
		{"with one that has no authority", "--authority", truthful, `UNKNOWN: comparing with authority "127.0.0.1:PORT": the answer to "www.example.test" A is not authoritative (AA=0)`, "origin"},
		{"with one that refuses", "--compare", authority, `UNKNOWN: comparing with other resolver "127.0.0.1:PORT": REFUSED for "www.example.test" A`, "monitor"},
		{"with one that is malformed", "--authority", func(c call) { c.raw([]byte{0}) }, `UNKNOWN: comparing with authority "127.0.0.1:PORT": malformed answer to "www.example.test" A over UDP: it has only 1 byte`, "origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--random", "none", "--tcp", "no", c.option, fake(t, c.answer).String()}, good...)
			o := run(t, fake(t, truthful), patient, args...)
			if got := spell(o); !strings.HasPrefix(got, c.want) || o.Fault != c.fault {
				t.Errorf("got  %s\nwant %s\nfault %q, want %q", got, c.want, o.Fault, c.fault)
			}
		})
	}
	t.Run("with one that is silent", func(t *testing.T) {
		t.Parallel()
		args := append([]string{"--random", "none", "--tcp", "no", "--authority", fake(t, func(call) {}).String()}, good...)
		o := run(t, fake(t, truthful), impatient, args...)
		want := `UNKNOWN: comparing with authority "127.0.0.1:PORT": no answer over UDP in 2s to "www.example.test" A, asked 3 times`
		if spell(o) != want || o.Fault != "origin" {
			t.Errorf("got  %s\nwant %s\nfault %q", spell(o), want, o.Fault)
		}
	})
}

// A run that ends is nobody's silence: here the stage's time is the run's.
func TestInterrupted(t *testing.T) {
	server := fake(t, func(call) {})
	cfg := configure(t, good...)
	cfg.Port = server.Port()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	n := 0
	for r, err := range resolver.Measure(ctx, metric.Target{Address: "127.0.0.1", Addrs: []netip.Addr{server.Addr()}}, *cfg) {
		n++
		i, ok := errors.AsType[*metric.Interrupted](err)
		if !ok || i.Stage != `asking resolver "`+server.String()+`" for "www.example.test" A over UDP` {
			t.Errorf("got %v", err)
		}
		if v := verdict.Judge(r.Report(), cfg.Limits()); v.Status != verdict.Unknown {
			t.Errorf("what was measured so far is %v: %s", v.Status, v.Summary)
		}
	}
	if n != 1 {
		t.Errorf("%d results", n)
	}
}

// A link-local address without its link cannot be asked at all.
func TestThisMachineCannotAsk(t *testing.T) {
	o := run(t, netip.MustParseAddrPort("[fe80::1]:53"), patient, good...)
	if o.Status != verdict.Unknown || o.Fault != "monitor" || !strings.HasPrefix(o.Summary, `asking resolver "[fe80::1]:53" for "www.example.test" A over UDP: `) {
		t.Errorf("%v, fault %q: %s", o.Status, o.Fault, o.Summary)
	}
}

func TestZeroResult(t *testing.T) {
	if r := (resolver.Result{}).Report(); r.Text != "" || r.Samples != nil || r.Stages != nil {
		t.Errorf("the zero Result reports %+v", r)
	}
}

// resolvConf writes a resolv.conf.
func resolvConf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
