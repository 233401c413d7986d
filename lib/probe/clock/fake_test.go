package clock

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
)

// serveUDP answers each datagram with what answer gives: none, one or several.
func serveUDP(t testing.TB, answer func(question []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var serving crew.Crew
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { conn.Close() })
	serving.Go(func() {
		b := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			for _, a := range answer(b[:n]) {
				_, _ = conn.WriteTo(a, from) // who asked may be gone
			}
		}
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// serveTCP writes answer to everybody who has said as much as an HTTP question, and
// keeps the connection open if stall.
func serveTCP(t *testing.T, answer string, stall bool) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving crew.Crew
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { l.Close() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for line := "?"; strings.TrimSpace(line) != ""; {
					if line, err = in.ReadString('\n'); err != nil {
						return
					}
				}
				if _, err := conn.Write([]byte(answer)); err == nil && stall {
					_, _ = in.ReadByte() // until the other side closes
				}
			})
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// closedPort is a UDP and TCP port of 127.0.0.1 where nobody listens.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// alone is a Config of a monitor that takes its own clock as it is.
func alone(source Source, port uint16) Config {
	c := Default()
	c.Source, c.Port, c.Reference = source, port, Reference{none: true}
	return c
}

// patient is a -t that a loaded machine keeps: half of it, a stage's time, is for
// three questions.
const patient = 8 * time.Second

// run runs the check against 127.0.0.1.
func run(t *testing.T, c Config, timeout time.Duration) check.Outcome {
	t.Helper()
	bound, err := check.Define("clock_offset", Default, Measure).Bind(&c, metric.Target{Name: "fra-1", Address: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	bound.Timeout = timeout
	return bound.Run(t.Context())
}

// spellOutcome is what a person reads first.
func spellOutcome(o check.Outcome) string { return o.Status.String() + " " + o.Summary }

// exchange is all that was said.
func exchange(o check.Outcome) string {
	var all strings.Builder
	for _, s := range o.Stages {
		all.WriteString(s.Doing + ": " + s.Said + "\n")
	}
	return all.String()
}

// asked is how many questions were answered, or given up.
func asked(o check.Outcome) int { return strings.Count(exchange(o), "asking ") }

// An agent's answer is made of the question by changing what should be wrong.
func agentAnswer(t *testing.T, question []byte, change func(*gosnmp.SnmpPacket)) []byte {
	client := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
	p, err := client.SnmpDecodePacket(question)
	if err != nil {
		t.Errorf("the question is no SNMP: %v", err)
		return nil
	}
	p.PDUType = gosnmp.GetResponse
	p.Variables[0].Type, p.Variables[0].Value = gosnmp.Gauge32, uint32(time.Now().Unix())
	change(p)
	out, err := p.MarshalMsg()
	if err != nil {
		t.Errorf("encoding the answer: %v", err)
	}
	return out
}

// ntpStamp is t in the NTP timestamp format (RFC 5905, section 6).
func ntpStamp(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// ntpAnswer is the answer of a good server of stratum 2 whose clock is ahead.
func ntpAnswer(question []byte, ahead time.Duration) []byte {
	a := make([]byte, 48)
	a[0], a[1], a[2], a[3] = 0b00_100_100, 2, 6, 0xec // leap 0, version 4, server; stratum; poll; precision 2^-20 s
	at := time.Now().Add(ahead)
	binary.BigEndian.PutUint32(a[4:], 0x100) // root delay, 4 ms
	binary.BigEndian.PutUint32(a[8:], 0x100) // root dispersion, 4 ms
	copy(a[12:], []byte{192, 0, 2, 1})       // reference
	binary.BigEndian.PutUint64(a[16:], ntpStamp(at.Add(-time.Minute)))
	copy(a[24:32], question[40:48])
	binary.BigEndian.PutUint64(a[32:], ntpStamp(at))
	binary.BigEndian.PutUint64(a[40:], ntpStamp(at))
	return a
}
