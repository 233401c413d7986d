package plugintest

import (
	"net"
	"strings"
	"testing"
	"time"

	"milepost/lib/crew"
)

// Flood is the port of a peer on 127.0.0.1 that answers for ever: over TCP it writes
// an HTTP header that has no end, over UDP it answers each packet with garbage
// until the test is over.
func Flood(tb testing.TB) int {
	tb.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	var all crew.Crew
	tb.Cleanup(all.Wait)
	tb.Cleanup(func() { close(done); _ = tcp.Close(); _ = udp.Close() })
	all.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return // the test is over
			}
			all.Go(func() {
				defer c.Close()
				_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n"))
				pour(done, func() bool {
					_ = c.SetWriteDeadline(time.Now().Add(time.Second))
					_, err = c.Write([]byte("X-Flood: " + strings.Repeat("x", 4000) + "\r\n"))
					return err == nil
				})
			})
		}
	})
	all.Go(func() {
		b := make([]byte, 65535)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			garbage := append([]byte("\x00\x00"), b[:n]...)
			all.Go(func() {
				pour(done, func() bool { _, err := udp.WriteTo(garbage, from); return err == nil })
			})
		}
	})
	return port
}

// pour pours every millisecond, until it fails or is done.
func pour(done <-chan struct{}, write func() bool) {
	beat := time.NewTicker(time.Millisecond)
	defer beat.Stop()
	for write() {
		select {
		case <-done:
			return
		case <-beat.C:
		}
	}
}
