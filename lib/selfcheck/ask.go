package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	// udpSize is the largest UDP answer that passes every path without fragments
	// (DNS Flag Day 2020).
	udpSize = 1232

	// resend is when a UDP question is sent again, the gaps doubling: a packet that
	// is lost on the way is not the resolver's silence.
	resend = 500 * time.Millisecond
)

// ask asks the resolver at server for the addresses of host, as net.Resolver's
// LookupNetIP does: what is not there is a *net.DNSError that says so.
func ask(ctx context.Context, server netip.AddrPort, network, host string) ([]netip.Addr, error) {
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	switch network {
	case "ip4":
		types = types[:1]
	case "ip6":
		types = types[1:]
	}
	var addrs []netip.Addr
	for _, t := range types {
		reply, err := exchange(ctx, server, new(dns.Msg).SetQuestion(dns.Fqdn(host), t))
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, bare(err)
		case reply.Rcode == dns.RcodeNameError:
			return nil, notFound(host)
		case reply.Rcode != dns.RcodeSuccess:
			return nil, fmt.Errorf("it answers %s", dns.RcodeToString[reply.Rcode])
		}
		addrs = append(addrs, addresses(reply)...)
	}
	if len(addrs) == 0 {
		return nil, notFound(host)
	}
	return addrs, nil
}

// bare is err without the addresses, of which one is another each time.
func bare(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

func addresses(reply *dns.Msg) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range reply.Answer {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if a, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, a.Unmap())
		}
	}
	return addrs
}

// exchange asks over UDP, and over TCP if the answer is too large for that.
func exchange(ctx context.Context, server netip.AddrPort, m *dns.Msg) (*dns.Msg, error) {
	m.SetEdns0(udpSize, false)
	reply, err := over(ctx, "udp", server, m)
	if err == nil && reply.Truncated {
		return over(ctx, "tcp", server, m)
	}
	return reply, err
}

func over(ctx context.Context, network string, server netip.AddrPort, m *dns.Msg) (*dns.Msg, error) {
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	conn := &dns.Conn{Conn: socket, UDPSize: udpSize}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for gap := resend; ; gap *= 2 {
		if err := conn.WriteMsg(m); err != nil {
			return nil, err
		}
		if network == "udp" { // TCP sees to lost packets itself
			if err := conn.SetReadDeadline(time.Now().Add(gap)); err != nil {
				return nil, err
			}
		}
		reply, err := read(conn, m)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return reply, err
		}
	}
}

// read waits for the answer to m: another is one to an earlier socket on the port.
func read(conn *dns.Conn, m *dns.Msg) (*dns.Msg, error) {
	for {
		reply, err := conn.ReadMsg()
		if err != nil {
			return nil, err
		}
		if reply.Response && reply.Id == m.Id && len(reply.Question) == 1 &&
			reply.Question[0].Qtype == m.Question[0].Qtype &&
			dns.CanonicalName(reply.Question[0].Name) == dns.CanonicalName(m.Question[0].Name) {
			return reply, nil
		}
	}
}
