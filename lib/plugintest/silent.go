package plugintest

import (
	"net"
	"testing"
	"time"

	"milepost/lib/crew"
)

// Silent is the port of a peer on 127.0.0.1 that says nothing: over TCP it accepts
// whoever comes, over UDP it swallows what it gets.
func Silent(tb testing.TB) int {
	tb.Helper()
	return serve(tb, func(net.Conn) {})
}

// Drip is the port of a peer on 127.0.0.1 that accepts whoever comes over TCP and
// sends a byte a second of an answer that never ends.
func Drip(tb testing.TB) int {
	tb.Helper()
	return serve(tb, func(c net.Conn) {
		beat := time.NewTicker(time.Second)
		defer beat.Stop()
		for _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nX-Slow: ")); err == nil; _, err = c.Write([]byte("x")) {
			<-beat.C
		}
	})
}

// serve does what handle does with every TCP connection, keeps them all open until
// the test is over, and reads nothing, from nobody.
func serve(tb testing.TB, handle func(net.Conn)) int {
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
	var all crew.Crew
	all.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return // the test is over
			}
			tb.Cleanup(func() { _ = c.Close() })
			all.Go(func() { handle(c) })
		}
	})
	tb.Cleanup(func() { _ = udp.Close(); _ = tcp.Close() })
	return port
}
