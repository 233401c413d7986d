package resolvconf

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"
)

const (
	knocks    = 3   // a packet may be lost
	maxAnswer = 512 // of a question without EDNS, RFC 1035, section 4.2.1
)

// Knock asks a nameserver for the root's nameservers, over UDP, and waits for at
// most patience. The error is that this machine could not ask.
func Knock(ctx context.Context, server netip.AddrPort, patience time.Duration) (Health, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return Silent, cause(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	id := uint16(rand.Uint32())
	for range knocks {
		if _, err := conn.Write(rootQuestion(id)); err != nil {
			return Refuses, nil // a connected socket reports that the last question was refused
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience / knocks)); err != nil {
			return Silent, err
		}
		if ctx.Err() != nil { // it may have ended before the deadline was set
			return Silent, ctx.Err()
		}
		switch health, err := hear(conn, id); {
		case ctx.Err() != nil:
			return Silent, ctx.Err()
		case err == nil:
			return health, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return Refuses, nil // the kernel says that nobody is there
		}
	}
	return Silent, nil
}

// rootQuestion is the packet that asks for ". NS", RFC 1035, section 4.1.
func rootQuestion(id uint16) []byte {
	const recursion, questions, root, typeNS, classIN = 1 << 8, 1, 0, 2, 1
	b := binary.BigEndian.AppendUint16(nil, id)
	for _, word := range []uint16{recursion, questions, 0, 0, 0} {
		b = binary.BigEndian.AppendUint16(b, word)
	}
	b = append(b, root)
	b = binary.BigEndian.AppendUint16(b, typeNS)
	return binary.BigEndian.AppendUint16(b, classIN)
}

// hear waits for the answer to the question id. With NOERROR and NXDOMAIN glibc is
// content; with every other rcode it asks the next nameserver at once.
func hear(conn *net.UDPConn, id uint16) (Health, error) {
	const header, response, rcode, nameError = 12, 1 << 15, 0xf, 3
	b := make([]byte, maxAnswer)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return Silent, err
		}
		flags := binary.BigEndian.Uint16(b[2:])
		if n < header || binary.BigEndian.Uint16(b) != id || flags&response == 0 {
			continue
		}
		if code := flags & rcode; code == 0 || code == nameError {
			return Answers, nil
		}
		return Refuses, nil
	}
}
