package echo

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// The ICMP types that matter, of RFC 792 and RFC 4443.
const (
	echoReply4    = 0
	unreachable4  = 3
	echoRequest4  = 8
	timeExceeded4 = 11

	unreachable6  = 1
	tooBig6       = 2
	timeExceeded6 = 3
	echoRequest6  = 128
	echoReply6    = 129
)

// checksum is the Internet checksum of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum>>16 > 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// compose makes the next request; its length is even. Over IPv6, the checksum is
// the kernel's to make, and so is an unprivileged request's identifier.
func (s *socket) compose(n number) {
	r := s.request
	binary.BigEndian.PutUint16(r[2:], 0)
	binary.BigEndian.PutUint16(r[4:], s.id)
	binary.BigEndian.PutUint16(r[6:], uint16(n.packet))
	s.seal.write(r[headerSize:], n)
	if !s.v6 && s.raw {
		binary.BigEndian.PutUint16(r[2:], checksum(r))
	}
}

// An answer is what came back for a request.
type answer struct {
	number
	sealed  bool       // the number is all of it; else of packet only the lower 16 bits are known, and of target nothing
	to      netip.Addr // whom the request was to, if that is not sealed
	from    netip.Addr
	at      time.Time
	refusal string // an ICMP error; "" = an echo
}

// event is a as what came of request seq to that address.
func (a answer) event(seq int, to netip.Addr) Event {
	if a.from.WithZone("") == to.WithZone("") {
		a.from = to // sockets do not always tell the zone
	}
	return Event{Seq: seq, At: a.at, From: a.from, Refusal: a.refusal}
}

// reply reads the ICMP message that b holds; one that is no answer to a request of
// s, word for word, is nobody's.
func (s *socket) reply(b []byte) (number, bool) {
	if s.raw && !s.v6 {
		if len(b) < 20 || len(b) < int(b[0]&15)*4 {
			return number{}, false
		}
		b = b[int(b[0]&15)*4:]
	}
	kind := byte(echoReply4)
	if s.v6 {
		kind = echoReply6
	}
	if len(b) != size || b[0] != kind || string(b[headerSize+sealSize:]) != string(s.request[headerSize+sealSize:]) {
		return number{}, false
	}
	return s.seal.read(b[headerSize:])
}

// notes are what the kernel tells beside a message.
type notes struct {
	stamp   time.Time // when it came, by the wall clock; zero if that is not told
	refusal string    // the ICMP error that it is
	from    netip.Addr
}

// read reads control messages; what the kernel had to drop goes into s.
func (s *socket) read(control []byte) notes {
	var n notes
	for len(control) >= unix.SizeofCmsghdr {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		control = rest
		switch {
		case header.Level == unix.SOL_SOCKET && header.Type == unix.SO_TIMESTAMPNS:
			n.stamp = timespec(data)
		case header.Level == unix.SOL_SOCKET && header.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			s.dropped = binary.NativeEndian.Uint32(data)
		case header.Level == unix.SOL_IP && header.Type == unix.IP_RECVERR,
			header.Level == unix.SOL_IPV6 && header.Type == unix.IPV6_RECVERR:
			n.refusal, n.from = extended(data)
		}
	}
	return n
}

// timespec is a struct timespec as the kernel of this machine lays it out.
func timespec(b []byte) time.Time {
	switch len(b) {
	case 16:
		return time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:])))
	case 8:
		return time.Unix(int64(int32(binary.NativeEndian.Uint32(b))), int64(binary.NativeEndian.Uint32(b[4:])))
	default:
		return time.Time{}
	}
}

// extended reads a struct sock_extended_err and the address after it, of the router
// that refused. What is not a router's word, but the machine's own, is none.
func extended(b []byte) (refusal string, from netip.Addr) {
	const origin, kind, code, after = 4, 5, 6, 16
	if len(b) < after+2 {
		return "", netip.Addr{}
	}
	address := b[after:]
	switch family := binary.NativeEndian.Uint16(address); {
	case family == unix.AF_INET && len(address) >= 8:
		from = netip.AddrFrom4([4]byte(address[4:]))
	case family == unix.AF_INET6 && len(address) >= 24:
		from = netip.AddrFrom16([16]byte(address[8:]))
	}
	switch b[origin] {
	case unix.SO_EE_ORIGIN_ICMP:
		return refusal4(b[kind], b[code]), from
	case unix.SO_EE_ORIGIN_ICMP6:
		return refusal6(b[kind], b[code]), from
	default:
		return "", from
	}
}

// refusal4 is the error of an ICMP type and code, in the words of RFC 792 and RFC 1812.
func refusal4(kind, code byte) string {
	switch {
	case kind == timeExceeded4:
		return "TTL exceeded"
	case kind != unreachable4:
		return "refused"
	}
	switch code {
	case 0, 6, 11:
		return "network unreachable"
	case 1, 7, 12:
		return "host unreachable"
	case 2:
		return "protocol unreachable"
	case 4:
		return "packet too big"
	case 9, 10, 13:
		return "administratively prohibited"
	default:
		return "unreachable"
	}
}

// refusal6 is the error of an ICMPv6 type and code, in the words of RFC 4443.
func refusal6(kind, code byte) string {
	switch {
	case kind == timeExceeded6:
		return "hop limit exceeded"
	case kind == tooBig6:
		return "packet too big"
	case kind != unreachable6:
		return "refused"
	}
	switch code {
	case 0:
		return "no route to destination"
	case 1, 5, 6:
		return "administratively prohibited"
	case 3:
		return "host unreachable"
	default:
		return "unreachable"
	}
}
