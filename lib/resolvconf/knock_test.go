package resolvconf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/resolvconf"
)

// nameserver answers every question with what answer makes of it; nil is silence.
func nameserver(t *testing.T, answer func(question []byte) []byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var serving crew.Crew
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { conn.Close() })
	serving.Go(func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if a := answer(b[:n]); a != nil {
				_, _ = conn.WriteTo(a, from)
			}
		}
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestKnock(t *testing.T) {
	rcode := func(code byte) func([]byte) []byte {
		return func(q []byte) []byte { q[2], q[3] = q[2]|0x80, code; return q }
	}
	lost := 0
	for _, row := range []struct {
		situation string
		answer    func([]byte) []byte
		want      resolvconf.Health
	}{
		{"it answers", rcode(0), resolvconf.Answers},
		{"it says that there is no such name", rcode(3), resolvconf.Answers},
		{"it refuses", rcode(5), resolvconf.Refuses},
		{"it fails", rcode(2), resolvconf.Refuses},
		{"it loses the first question", func(q []byte) []byte {
			if lost++; lost == 1 {
				return nil
			}
			return rcode(0)(q)
		}, resolvconf.Answers},
		{"it is silent", func([]byte) []byte { return nil }, resolvconf.Silent},
		{"it answers another question", func(q []byte) []byte {
			binary.BigEndian.PutUint16(q, binary.BigEndian.Uint16(q)+1)
			return rcode(0)(q)
		}, resolvconf.Silent},
		{"it sends the question back", func(q []byte) []byte { return q }, resolvconf.Silent},
		{"it is cut short", func(q []byte) []byte { return rcode(0)(q)[:4] }, resolvconf.Silent},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			got, err := resolvconf.Knock(t.Context(), nameserver(t, row.answer), time.Second)
			if got != row.want || err != nil {
				t.Errorf("%d, %v, want %d", got, err, row.want)
			}
		})
	}
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	if got, err := resolvconf.Knock(t.Context(), free.LocalAddr().(*net.UDPAddr).AddrPort(), time.Second); got != resolvconf.Refuses || err != nil {
		t.Errorf("nobody there: %d, %v", got, err)
	}
}

func TestKnockEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := nameserver(t, func([]byte) []byte { cancel(); return nil })
	if _, err := resolvconf.Knock(ctx, server, time.Minute); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
