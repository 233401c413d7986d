package selfcheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// errForbidden is that this process may not send ICMP echoes at all.
var errForbidden = errors.New("this monitor may not send ICMP echoes")

// A protocol is ICMP of one address family.
type protocol struct {
	datagram, raw, any string // networks of icmp.ListenPacket, and its address
	number             int    // of the protocol, for icmp.ParseMessage
	request, reply     icmp.Type
}

func protocolOf(a netip.Addr) protocol {
	if a.Is4() {
		return protocol{"udp4", "ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply}
	}
	return protocol{"udp6", "ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply}
}

// listen opens a socket for echoes: the one that net.ipv4.ping_group_range gives to
// everybody, else the one that takes cap_net_raw. to is the address in its words.
func (p protocol) listen(a netip.Addr) (conn *icmp.PacketConn, to net.Addr, err error) {
	ip := net.IP(a.AsSlice())
	if conn, err = icmp.ListenPacket(p.datagram, p.any); err == nil {
		return conn, &net.UDPAddr{IP: ip, Zone: a.Zone()}, nil
	}
	if conn, err = icmp.ListenPacket(p.raw, p.any); err == nil {
		return conn, &net.IPAddr{IP: ip, Zone: a.Zone()}, nil
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, nil, fmt.Errorf("%w: %w", errForbidden, err)
	}
	return nil, nil, err
}

// echo is nil if a answers an ICMP echo (RFC 792, RFC 4443) before ctx ends. The
// answer is known by its data: a raw socket hears those to everybody, and a datagram
// socket has its identifier from the kernel.
func echo(ctx context.Context, a netip.Addr) error {
	p := protocolOf(a)
	conn, to, err := p.listen(a)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	data := []byte(rand.Text())
	m := icmp.Message{Type: p.request, Body: &icmp.Echo{ID: int(data[0])<<8 | int(data[1]), Seq: 1, Data: data}}
	packet, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(packet, to); err != nil {
		return err
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(p.number, buf[:n])
		if err != nil || m.Type != p.reply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && bytes.Equal(e.Data, data) {
			return nil
		}
	}
}
