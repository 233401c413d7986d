package resolver

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// A strayError is a packet that answers another question. Anyone can send one,
// so it proves nothing and is ignored where more may come.
type strayError string

// Error is what was wrong with it.
func (e strayError) Error() string { return string(e) }

// A malformedError is an answer that cannot be read.
type malformedError string

// Error is the reason.
func (e malformedError) Error() string { return string(e) }

// headerSize is that of RFC 1035, section 4.1.1.
const headerSize = 12

// parse reads packet as the answer to q that was asked with id. It matches as
// RFC 5452 section 9.1 demands (the socket has matched the addresses).
func parse(packet []byte, id uint16, q question) (*dns.Msg, error) {
	if len(packet) < headerSize {
		return nil, malformedError(fmt.Sprintf("it has only %s", count(len(packet), "byte")))
	}
	m := new(dns.Msg)
	if err := m.Unpack(packet); err != nil {
		return nil, malformedError(strings.ReplaceAll(err.Error(), "dns: ", ""))
	}
	switch {
	case m.Id != id:
		return nil, strayError("another id")
	case !m.Response:
		return nil, strayError("being a question")
	case !q.matches(m):
		return nil, strayError("another question")
	case !m.Truncated && cutOff(packet, m):
		return nil, malformedError("it ends before the records that its header counts")
	}
	return m, nil
}

// matches says that m repeats the question. A server that did not get as far as
// reading it may leave it out.
func (q question) matches(m *dns.Msg) bool {
	if len(m.Question) == 0 {
		switch m.Rcode {
		case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
			return true
		}
		return false
	}
	asked := m.Question[0]
	return len(m.Question) == 1 && asked.Qtype == q.qtype && asked.Qclass == dns.ClassINET &&
		strings.EqualFold(asked.Name, dns.Fqdn(string(q.name)))
}

// cutOff says that the header counts more records than there are: Unpack is
// content with what it finds. A bare header, which some servers refuse with, may
// count what it likes.
func cutOff(packet []byte, m *dns.Msg) bool {
	if len(packet) == headerSize {
		return false
	}
	for i, found := range []int{len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(packet[6+2*i:])) != found {
			return true
		}
	}
	return false
}

// mostAliases is how many CNAMEs are followed: resolvers stop at about as many.
const mostAliases = 16

// addresses are those that m gives q's name, directly or through CNAMEs, in
// order. Records that belong to other names count for nothing.
func addresses(m *dns.Msg, q question) []netip.Addr {
	name := dns.Fqdn(string(q.name))
	for range mostAliases {
		var addrs []netip.Addr
		alias := ""
		for _, rr := range m.Answer {
			if rr.Header().Class != dns.ClassINET || !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			switch r := rr.(type) {
			case *dns.CNAME:
				alias = r.Target
			case *dns.A:
				if a, ok := netip.AddrFromSlice(r.A); ok && q.qtype == dns.TypeA {
					addrs = append(addrs, a.Unmap()) // the library may keep it in 16 bytes
				}
			case *dns.AAAA:
				if a, ok := netip.AddrFromSlice(r.AAAA); ok && q.qtype == dns.TypeAAAA {
					addrs = append(addrs, a)
				}
			}
		}
		if len(addrs) > 0 || alias == "" {
			return sorted(addrs)
		}
		name = alias
	}
	return nil
}

// ttl is the lowest of the answer's records, s; what a cache counts down.
func ttl(m *dns.Msg) (seconds uint32, ok bool) {
	for i, rr := range m.Answer {
		if t := rr.Header().Ttl; i == 0 || t < seconds {
			seconds = t
		}
	}
	return seconds, len(m.Answer) > 0
}

// rcode is the answer's code by name, with the reason that RFC 8914 lets a
// resolver give.
func rcode(m *dns.Msg) string {
	name, ok := dns.RcodeToString[m.Rcode]
	if !ok {
		name = fmt.Sprintf("RCODE %d", m.Rcode)
	}
	opt := m.IsEdns0()
	if opt == nil {
		return name
	}
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			return name + " (" + extended(e) + ")"
		}
	}
	return name
}

// mostExtra is how much of a resolver's own words is shown, in bytes.
const mostExtra = 80

// extended is an extended error; its text comes from anywhere, so it is quoted.
func extended(e *dns.EDNS0_EDE) string {
	s, ok := dns.ExtendedErrorCodeToString[e.InfoCode]
	if !ok {
		s = fmt.Sprintf("extended error %d", e.InfoCode)
	}
	if e.ExtraText != "" {
		s += fmt.Sprintf(": %q", e.ExtraText[:min(len(e.ExtraText), mostExtra)])
	}
	return s
}
