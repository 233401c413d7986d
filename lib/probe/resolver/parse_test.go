package resolver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/metric"
)

// An A record's address may come in 4 bytes or in 16; an alias is followed, its
// loop is not.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name    string
		qtype   uint16
		records []string
		want    string
	}{
		{"in any order, each once", dns.TypeA, []string{"a.test. 1 IN A 192.0.2.2", "A.TEST. 1 IN A 192.0.2.1", "a.test. 1 IN A 192.0.2.2"}, "192.0.2.1, 192.0.2.2"},
		{"only the type asked for", dns.TypeA, []string{"a.test. 1 IN AAAA 2001:db8::1"}, ""},
		{"IPv6", dns.TypeAAAA, []string{"a.test. 1 IN A 192.0.2.1", "a.test. 1 IN AAAA 2001:db8::1"}, "2001:db8::1"},
		{"IPv4 in IPv6 is IPv6", dns.TypeAAAA, []string{"a.test. 1 IN AAAA ::ffff:192.0.2.1"}, "::ffff:192.0.2.1"},
		{"of another name", dns.TypeA, []string{"b.test. 1 IN A 192.0.2.1"}, ""},
		{"of another class", dns.TypeA, []string{"a.test. 1 CH A 192.0.2.1"}, ""},
		{"through aliases in the wrong order", dns.TypeA, []string{"c.test. 1 IN A 192.0.2.1", "b.test. 1 IN CNAME c.test.", "a.test. 1 IN CNAME b.test."}, "192.0.2.1"},
		{"through an alias to nowhere", dns.TypeA, []string{"a.test. 1 IN CNAME b.test."}, ""},
		{"round and round", dns.TypeA, []string{"a.test. 1 IN CNAME b.test.", "b.test. 1 IN CNAME a.test."}, ""},
	} {
		m := new(dns.Msg)
		for _, r := range c.records {
			rr, err := dns.NewRR(r)
			if err != nil {
				t.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		if got := list(addresses(m, question{name: "a.test", qtype: c.qtype}), 9); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestZone(t *testing.T) {
	for name, want := range map[Name]Name{"www.example.net": "example.net", "a.b.example.net": "b.example.net", "example.net": "example.net", "localhost": ""} {
		if got, ok := name.zone(); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

// Whose doing it is that there is no answer.
func TestFail(t *testing.T) {
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return ctx
	}
	system := func(e syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", e)}
	}
	for _, c := range []struct {
		name    string
		network string
		own     bool
		ctx     context.Context
		err     error
		want    fate
		text    string
	}{
		{"the stage's time is up", udp, false, ended(errPatience), os.ErrDeadlineExceeded, silent, "the stage's time is up"},
		{"the run's time is up", udp, false, ended(context.DeadlineExceeded), os.ErrDeadlineExceeded, cutShort, "context canceled"},
		{"nobody listens", udp, false, t.Context(), system(syscall.ECONNREFUSED), turnedDown, "connection refused"},
		{"TCP is reset", tcp, false, t.Context(), system(syscall.ECONNRESET), turnedDown, "connection reset by peer"},
		{"TCP ends", tcp, false, t.Context(), io.ErrUnexpectedEOF, turnedDown, "connection closed before an answer"},
		{"a router knows no way", tcp, false, t.Context(), system(syscall.EHOSTUNREACH), turnedDown, "no route to host"},
		{"we know no way", udp, false, t.Context(), system(syscall.ENETUNREACH), unasked, "network is unreachable"},
		{"we know no way to our own nameserver", udp, true, t.Context(), system(syscall.ENETUNREACH), turnedDown, "network is unreachable"},
		{"a firewall of ours", udp, false, t.Context(), system(syscall.EPERM), unasked, "operation not permitted"},
		{"no socket is left", udp, true, t.Context(), system(syscall.EMFILE), unasked, "too many open files"},
	} {
		x := exchange{network: c.network, peer: peer{own: c.own}}
		if x.fail(c.ctx, c.err); x.fate != c.want || x.err.Error() != c.text {
			t.Errorf("%s: fate %d, %v", c.name, x.fate, x.err)
		}
	}
}

func TestMistake(t *testing.T) {
	x := exchange{question: question{name: "a.test", qtype: dns.TypeA}, peer: peer{role: "resolver", addr: netip.MustParseAddrPort("192.0.2.1:53")}, network: udp}
	x.err = syscall.ENETUNREACH
	err := x.mistake()
	const asking = `asking resolver "192.0.2.1:53" for "a.test" A over UDP: `
	if b, ok := errors.AsType[*metric.Blamed](err); !ok || b.Reason != metric.ReasonMonitorRoute || err.Error() != asking+"network is unreachable" {
		t.Errorf("%v", err)
	}
	x.err = syscall.EPERM
	if err := x.mistake(); err.Error() != asking+"operation not permitted: look for a firewall rule on this machine" {
		t.Errorf("%v", err)
	}
}

// The exchange as -vvv shows it: long answers are cut, and so is what others say.
func TestSaid(t *testing.T) {
	q := question{name: "a.test", qtype: dns.TypeA, signed: true, unchecked: true}
	x := exchange{question: q, network: udp, id: 7, sent: 2, strays: 1, stray: "another id", took: time.Millisecond}
	x.reply = new(dns.Msg)
	x.reply.Truncated, x.reply.RecursionAvailable = true, true
	for range mostRecords + 5 {
		rr, _ := dns.NewRR("a.test. 300 IN A 192.0.2.1")
		x.reply.Answer = append(x.reply.Answer, rr)
	}
	want := "> id 7, \"a.test\" A RD AD DO CD, EDNS 1232 bytes, sent 2 times\n" +
		"< 1 packet ignored, the last for another id\n< NOERROR TC RA" +
		strings.Repeat("\n< a.test. 300 IN A 192.0.2.1", mostRecords) + "\n< and 5 more records"
	if got := x.said(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// FuzzParse: a packet from anywhere is judged, whatever it is.
func FuzzParse(f *testing.F) {
	q := question{name: "www.example.test", qtype: dns.TypeA}
	add := func(m *dns.Msg) {
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	asked := new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA)
	asked.Id = 7
	answer := new(dns.Msg).SetReply(asked)
	for _, s := range []string{"www.example.test. 300 IN CNAME a.test.", "a.test. 300 IN A 192.0.2.1"} {
		rr, err := dns.NewRR(s)
		if err != nil {
			f.Fatal(err)
		}
		answer.Answer = append(answer.Answer, rr)
	}
	answer.Compress = true
	answer.SetEdns0(1232, true)
	answer.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 22, ExtraText: "x"}}
	add(asked)
	add(answer)
	add(new(dns.Msg).SetRcode(asked, dns.RcodeServerFailure))
	f.Add([]byte{0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := parse(packet, 7, q)
		if (m == nil) != (err != nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if m == nil {
			return
		}
		if m.Id != 7 || !m.Response || len(m.Question) > 1 {
			t.Errorf("taken for an answer: %v", m)
		}
		want := Query{Name: "www.example.test", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
		addrs := addresses(m, q)
		if why := differs(want, q, m); why == "" && (list(addrs, 9) != "192.0.2.1" || m.Rcode == dns.RcodeNameError) {
			t.Errorf("%v passes for %v", addrs, want)
		}
		x := exchange{question: q, reply: m}
		if len(x.said()) == 0 || rcode(m) == "" {
			t.Error("nothing to say of it")
		}
		ttl(m)
	})
}
