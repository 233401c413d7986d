package resolver_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// A call is one question to a fake resolver, and the ways to answer it.
type call struct {
	*dns.Msg
	network string
	nth     int // how many questions for this name came before
	from    *net.UDPAddr
	udp     *net.UDPConn
	tcp     net.Conn
}

// name and kind are what is asked.
func (c call) name() string { return strings.ToLower(c.Question[0].Name) }
func (c call) kind() uint16 { return c.Question[0].Qtype }

// reply sends m.
func (c call) reply(m *dns.Msg) {
	packet, err := m.Pack()
	if err != nil {
		panic(err)
	}
	c.raw(packet)
}

// raw sends packet as it is.
func (c call) raw(packet []byte) {
	if c.tcp != nil {
		c.tcp.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...))
		return
	}
	c.udp.WriteToUDP(packet, c.from)
}

// elsewhere sends m from an address that nobody asked.
func (c call) elsewhere(m *dns.Msg) {
	conn, err := net.DialUDP("udp", nil, c.from)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	packet, _ := m.Pack()
	conn.Write(packet)
}

// fake is a resolver on a port of 127.0.0.1 that does what answer does, on UDP and TCP.
func fake(t *testing.T, answer func(call)) netip.AddrPort {
	t.Helper()
	udp, tcp := listen(t)
	serve(t, udp, tcp, answer)
	return netip.MustParseAddrPort(udp.LocalAddr().String())
}

// fakeAt is fake at an address; false if that is taken.
func fakeAt(t *testing.T, at netip.AddrPort, answer func(call)) bool {
	t.Helper()
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return false
	}
	tcp, err := net.Listen("tcp4", at.String())
	if err != nil {
		udp.Close()
		return false
	}
	serve(t, udp, tcp, answer)
	return true
}

func serve(t *testing.T, udp *net.UDPConn, tcp net.Listener, answer func(call)) {
	var running sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	handle := func(c call, packet []byte) {
		c.Msg = new(dns.Msg)
		if err := c.Unpack(packet); err != nil || len(c.Question) != 1 {
			t.Errorf("a question that is none: %v, %v", err, c.Msg)
			return
		}
		mu.Lock()
		c.nth = seen[c.name()+c.network]
		seen[c.name()+c.network]++
		mu.Unlock()
		answer(c)
	}
	running.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFromUDP(buf)
			if err != nil {
				return
			}
			handle(call{network: "udp", udp: udp, from: from}, slices.Clone(buf[:n]))
		}
	})
	running.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				var size [2]byte
				if _, err := io.ReadFull(conn, size[:]); err != nil {
					return
				}
				packet := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(conn, packet); err != nil {
					return
				}
				handle(call{network: "tcp", tcp: conn}, packet)
				io.Copy(io.Discard, conn) // a silent server keeps the connection
			})
		}
	})
	t.Cleanup(func() {
		udp.Close()
		tcp.Close()
		running.Wait()
	})
}

// listen takes one port for both networks.
func listen(t *testing.T) (*net.UDPConn, net.Listener) {
	t.Helper()
	for range 20 {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp4", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
	}
	t.Fatal("no port of 127.0.0.1 is free for UDP and TCP")
	return nil, nil
}

// zone is what the world looks like to an honest resolver.
var zone = map[string][]string{
	"www.example.test.":   {"www.example.test. 300 IN A 192.0.2.1", "www.example.test. 300 IN A 192.0.2.2", "www.example.test. 300 IN AAAA 2001:db8::1"},
	"alias.example.test.": {"alias.example.test. 300 IN CNAME www.example.test.", "www.example.test. 300 IN A 192.0.2.1", "www.example.test. 300 IN A 192.0.2.2"},
	"six.example.test.":   {"six.example.test. 300 IN AAAA 2001:db8::6"},
	"mail.example.test.":  {"mail.example.test. 300 IN MX 10 www.example.test."},
	"signed.test.":        {"signed.test. 300 IN A 192.0.2.3"},
}

// honest is the truthful answer.
func honest(c call) *dns.Msg {
	m := new(dns.Msg).SetReply(c.Msg)
	m.RecursionAvailable = true
	records, ok := zone[c.name()]
	switch {
	case strings.HasSuffix(c.name(), ".fresh.test."):
		records = []string{c.name() + " 300 IN A 192.0.2.9"}
	case c.name() == "broken.test." && !c.CheckingDisabled:
		m.Rcode = dns.RcodeServerFailure
	case c.name() == "broken.test.":
		records = []string{"broken.test. 300 IN A 192.0.2.4"}
	case !ok:
		m.Rcode = dns.RcodeNameError
	}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		if t := rr.Header().Rrtype; t == c.kind() || t == dns.TypeCNAME {
			m.Answer = append(m.Answer, rr)
		}
	}
	m.AuthenticatedData = c.name() == "signed.test." && c.IsEdns0().Do()
	return m
}

// truthful answers honestly.
func truthful(c call) { c.reply(honest(c)) }

// random says that the name was made up.
func (c call) random() bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(c.name(), "www."), ".")
	return len(first) == 16
}

// record is a record of c's name.
func (c call) record(rest string) dns.RR {
	rr, err := dns.NewRR(c.name() + " " + rest)
	if err != nil {
		panic(err)
	}
	return rr
}

// overTCP is truthful but where such questions come over TCP: there, change changes the answer.
func overTCP(such func(call) bool, change func(call, *dns.Msg)) func(call) {
	return func(c call) {
		m := honest(c)
		if c.network == "tcp" && such(c) {
			change(c, m)
		}
		c.reply(m)
	}
}

// of are questions for the name.
func of(name string) func(call) bool { return func(c call) bool { return c.name() == name } }

// isFresh says that the name was made up in a zone with a wildcard.
func (c call) isFresh() bool { return strings.HasSuffix(c.name(), ".fresh.test.") }

// fallsOverUDP counts TTLs down over UDP, and not over TCP.
func fallsOverUDP(c call) {
	m := honest(c)
	ttl := 300
	if c.network == "udp" {
		ttl -= c.nth
	}
	if len(m.Answer) > 0 {
		m.Answer = []dns.RR{c.record(fmt.Sprintf("%d IN A 192.0.2.1", ttl))}
	}
	c.reply(m)
}
