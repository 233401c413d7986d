package selfcheck_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/check"
	"milepost/lib/peers"
	"milepost/lib/selfcheck"
)

// Lookup is what checks resolve their targets with.
var _ check.Lookup = (*selfcheck.Checker)(nil).Lookup

// zone is what an honest resolver knows.
const zone = `
debian.org. 60 IN A 192.0.2.10
proxy.example.net. 60 IN CNAME fra-1.example.net.
fra-1.example.net. 60 IN A 192.0.2.11
fra-1.example.net. 60 IN AAAA 2001:db8::11
six.example.net. 60 IN AAAA 2001:db8::12
blocked.example.net. 60 IN A 0.0.0.0
`

// answers is the honest answer to q.
func answers(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Rcode = dns.RcodeNameError
	name := q.Question[0].Name
	for line := range strings.Lines(strings.TrimSpace(zone)) {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if rr.Header().Name != name {
			continue
		}
		m.Rcode = dns.RcodeSuccess
		if alias, ok := rr.(*dns.CNAME); ok {
			m.Answer, name = append(m.Answer, rr), alias.Target
		} else if rr.Header().Rrtype == q.Question[0].Qtype {
			m.Answer = append(m.Answer, rr)
		}
	}
	return m
}

func honest(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(answers(q)) }

func silent(dns.ResponseWriter, *dns.Msg) {}

// hijacks has an address for everything.
func hijacks(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	if q.Question[0].Qtype == dns.TypeA {
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 9)}}
	}
	w.WriteMsg(m)
}

func rcode(code int) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, code)) }
}

// truncates tells over UDP to come back over TCP.
func truncates(w dns.ResponseWriter, q *dns.Msg) {
	m := answers(q)
	if w.LocalAddr().Network() == "udp" {
		m.Truncated, m.Answer = true, nil
	}
	w.WriteMsg(m)
}

// strays answers another question first, with an address of its own.
func strays(w dns.ResponseWriter, q *dns.Msg) {
	other := q.Copy()
	other.Question[0].Name = "elsewhere.example.net."
	hijacks(w, other)
	honest(w, q)
}

// garbage sends what is no message.
func garbage(w dns.ResponseWriter, _ *dns.Msg) { w.Write([]byte("garbage")) }

// loses drops the first packet for each question.
func loses() dns.HandlerFunc {
	var n atomic.Int32
	return func(w dns.ResponseWriter, q *dns.Msg) {
		if n.Add(1) > 1 {
			honest(w, q)
		}
	}
}

// serve is the address of a resolver that does what h does, over UDP and TCP.
func serve(t *testing.T, h dns.HandlerFunc) string {
	t.Helper()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp4", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{Listener: tcp, Handler: h}, {PacketConn: udp, Handler: h}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			s.Shutdown()
			<-ended
		})
	}
	return tcp.Addr().String()
}

// dead is an address that nobody listens at.
func dead(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// machine is the resolver of a machine whose resolv.conf names server.
func machine(server string) func(context.Context, string, string) ([]netip.Addr, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
	return r.LookupNetIP
}

func checker(t *testing.T, c selfcheck.Config) *selfcheck.Checker {
	t.Helper()
	k, err := selfcheck.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The other resolvers on the wire, through the Ask that New provides.
func TestOtherResolvers(t *testing.T) {
	for _, row := range []struct {
		situation     string
		handler       dns.HandlerFunc
		network, host string
		want          string
	}{
		{"both families", honest, "ip", "proxy.example.net", "[192.0.2.11 2001:db8::11]"},
		{"IPv4", honest, "ip4", "proxy.example.net", "[192.0.2.11]"},
		{"IPv6", honest, "ip6", "proxy.example.net", "[2001:db8::11]"},
		{"IPv6 alone", honest, "ip", "six.example.net", "[2001:db8::12]"},
		{"no address of the family", honest, "ip4", "six.example.net", "lookup six.example.net: no such host"},
		{"no such name", honest, "ip", "nobody.example.net", "lookup nobody.example.net: no such host"},
		{"a filter's address, for the caller to judge", honest, "ip", "blocked.example.net", "[0.0.0.0]"},
		{"too large for UDP", truncates, "ip", "proxy.example.net", "[192.0.2.11 2001:db8::11]"},
		{"an answer to another question", strays, "ip4", "proxy.example.net", "[192.0.2.11]"},
		{"a packet is lost", loses(), "ip4", "proxy.example.net", "[192.0.2.11]"},
		{"refused", rcode(dns.RcodeRefused), "ip", "proxy.example.net", `it answers REFUSED`},
		{"broken", rcode(dns.RcodeServerFailure), "ip", "proxy.example.net", `it answers SERVFAIL`},
		{"garbage", garbage, "ip", "proxy.example.net", "dns: short read"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			server := serve(t, row.handler)
			k := checker(t, selfcheck.Config{})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			found, err := k.Ask(ctx, netip.MustParseAddrPort(server), row.network, row.host)
			got := fmt.Sprint(found)
			if err != nil {
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// The whole self-check against resolvers and references on this machine.
func TestNow(t *testing.T) {
	const silence = `this monitor's own resolver fails: resolving "debian.org": no answer within 2s`
	for _, row := range []struct {
		situation  string
		own, other dns.HandlerFunc // nil = nobody listens
		want       string
		reason     string
		lookup     string
	}{
		{"all is well", honest, honest, "ok ", "", "[192.0.2.11 2001:db8::11]"},
		{"the own resolver is silent", silent, honest, "impaired " + silence, "monitor_resolver", "[192.0.2.11 2001:db8::11]"},
		{"the own resolver is not there", nil, honest, `impaired this monitor's own resolver fails: resolving "debian.org": connection refused`, "monitor_resolver", "[192.0.2.11 2001:db8::11]"},
		{"the own resolver denies", rcode(dns.RcodeNameError), honest, `impaired this monitor's own resolver fails: resolving "debian.org": no such name`, "monitor_resolver", "[192.0.2.11 2001:db8::11]"},
		{"the own resolver is broken", rcode(dns.RcodeServerFailure), honest, `impaired this monitor's own resolver fails: resolving "debian.org": server misbehaving`, "monitor_resolver", "[192.0.2.11 2001:db8::11]"},
		{"the own resolver is hijacked", hijacks, honest, "impaired this monitor's own resolver lies: it has address 127.0.0.9 for a name that does not exist", "monitor_resolver", "[192.0.2.11 2001:db8::11]"},
		{"all resolvers are hijacked", hijacks, hijacks, "blind this monitor's own resolver lies: it has address 127.0.0.9 for a name that does not exist", "monitor_resolver", "this monitor's own resolver is not to be believed, and no other has an address"},
		{"all resolvers are silent", silent, silent, "blind " + silence, "monitor_resolver", `asking resolver "SERVER": context deadline exceeded`},
		{"only the own resolver answers", honest, nil, "ok ", "", "[192.0.2.11 2001:db8::11]"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			own, other := dead(t), dead(t)
			if row.own != nil {
				own = serve(t, row.own)
			}
			if row.other != nil {
				other = serve(t, row.other)
			}
			listening, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listening.Close()
			k := checker(t, selfcheck.Config{
				Resolve: []string{"debian.org"}, Resolvers: []string{other},
				Ping:   []string{listening.Addr().String()},
				System: machine(own),
			})
			s := k.Now(t.Context())
			if got := s.Sight.String() + " " + s.Why; got != row.want || string(s.Reason) != row.reason {
				t.Errorf("got %s (%s), want %s (%s)", got, s.Reason, row.want, row.reason)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			found, err := k.Lookup(ctx, "ip", "proxy.example.net")
			got := fmt.Sprint(found)
			if err != nil {
				got = strings.ReplaceAll(err.Error(), other, "SERVER")
			}
			if got != row.lookup {
				t.Errorf("proxy.example.net is %s, want %s", got, row.lookup)
			}
		})
	}
}

func TestReferencesOnTheWire(t *testing.T) {
	listening, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	// The broadcast address of the loopback network: TCP has no way there, and echoes
	// stay on this machine, unanswered (net.ipv4.icmp_echo_ignore_broadcasts).
	const nowhere = "127.255.255.255"
	for _, row := range []struct {
		situation string
		refs      []string
		want      string
	}{
		{"a listener", []string{listening.Addr().String()}, "ok "},
		{"a refusal has answered", []string{dead(t)}, "ok "},
		{"one of two", []string{nowhere + ":443", listening.Addr().String()}, "ok "},
		{"an echo", []string{"127.0.0.1"}, "ok "},
		{"an IPv6 echo", []string{"::1"}, "ok "},
		{"nowhere", []string{nowhere + ":443"}, "blind this monitor has no way out: 127.255.255.255:443 does not answer"},
		{"an echo from nowhere", []string{nowhere}, "blind this monitor has no way out: 127.255.255.255 does not answer"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			k := checker(t, selfcheck.Config{Ping: row.refs, NoRoute: func() string { return "" }})
			s := k.Now(t.Context())
			for _, n := range s.Notes {
				if strings.Contains(n, "may not send ICMP echoes") {
					peers.Missing(t, n)
				}
			}
			if got := s.Sight.String() + " " + s.Why; got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}
