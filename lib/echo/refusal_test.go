package echo

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// quoted is a struct sock_extended_err and the address of who refused, as the kernel
// puts them into a control message.
func quoted(origin, kind, code byte, by string) []byte {
	b := make([]byte, 16, 44)
	b[4], b[5], b[6] = origin, kind, code
	a := netip.MustParseAddr(by)
	if a.Is4() {
		b = append(binary.NativeEndian.AppendUint16(b, unix.AF_INET), 0, 0)
		return append(append(b, a.AsSlice()...), make([]byte, 8)...)
	}
	b = append(binary.NativeEndian.AppendUint16(b, unix.AF_INET6), 0, 0, 0, 0, 0, 0)
	return append(append(b, a.AsSlice()...), 0, 0, 0, 0)
}

// Every ICMP error has its words, of RFC 792, RFC 1812 and RFC 4443.
func TestRefusals(t *testing.T) {
	const v4, v6 = unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6
	for _, tt := range []struct {
		origin, kind, code byte
		by, want           string
	}{
		{v4, unreachable4, 0, "192.0.2.1", "network unreachable"},
		{v4, unreachable4, 1, "192.0.2.1", "host unreachable"},
		{v4, unreachable4, 2, "192.0.2.1", "protocol unreachable"},
		{v4, unreachable4, 3, "192.0.2.1", "unreachable"},
		{v4, unreachable4, 4, "192.0.2.1", "packet too big"},
		{v4, unreachable4, 6, "192.0.2.1", "network unreachable"},
		{v4, unreachable4, 7, "192.0.2.1", "host unreachable"},
		{v4, unreachable4, 9, "192.0.2.1", "administratively prohibited"},
		{v4, unreachable4, 10, "192.0.2.1", "administratively prohibited"},
		{v4, unreachable4, 11, "192.0.2.1", "network unreachable"},
		{v4, unreachable4, 12, "192.0.2.1", "host unreachable"},
		{v4, unreachable4, 13, "192.0.2.1", "administratively prohibited"},
		{v4, unreachable4, 200, "192.0.2.1", "unreachable"},
		{v4, timeExceeded4, 0, "192.0.2.1", "TTL exceeded"},
		{v4, 12, 0, "192.0.2.1", "refused"},
		{v6, unreachable6, 0, "2001:db8::1", "no route to destination"},
		{v6, unreachable6, 1, "2001:db8::1", "administratively prohibited"},
		{v6, unreachable6, 3, "2001:db8::1", "host unreachable"},
		{v6, unreachable6, 4, "2001:db8::1", "unreachable"},
		{v6, unreachable6, 5, "2001:db8::1", "administratively prohibited"},
		{v6, unreachable6, 6, "2001:db8::1", "administratively prohibited"},
		{v6, tooBig6, 0, "2001:db8::1", "packet too big"},
		{v6, timeExceeded6, 0, "2001:db8::1", "hop limit exceeded"},
		{v6, 4, 1, "2001:db8::1", "refused"},
		{unix.SO_EE_ORIGIN_LOCAL, unreachable4, 1, "192.0.2.1", ""}, // this machine's own word
	} {
		b := quoted(tt.origin, tt.kind, tt.code, tt.by)
		got, by := extended(b)
		if got != tt.want || by != netip.MustParseAddr(tt.by) {
			t.Errorf("origin %d, type %d, code %d: %q of %v, want %q of %s", tt.origin, tt.kind, tt.code, got, by, tt.want, tt.by)
		}
		for n := range b { // cut short, it is nothing or the same
			if got, _ := extended(b[:n]); got != "" && got != tt.want {
				t.Errorf("its first %d bytes are %q", n, got)
			}
		}
	}
}
