package squidauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trickle writes text byte by byte, and never its end.
func trickle(c call, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, b := range []byte(text) {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
			if _, err := c.conn.Write([]byte{b}); err != nil {
				return
			}
		}
	}
	c.stall()
}

// closing closes the connection after handle.
func closing(handle func(call)) func(call) {
	return func(c call) { handle(c); c.conn.Close() }
}

// says writes text and keeps the connection.
func says(text string) func(call) { return func(c call) { _, _ = io.WriteString(c.conn, text) } }

// hello is the end of every line about a proxy that works.
const hello = "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"

// broken are proxies that do not speak as one should. What they do to the first
// request, which has no credentials, makes them unreachable.
var broken = []situation{
	{name: "closes at once", proxy: closing(func(call) {}), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: connection closed without an answer [proxy reset]`},
	{name: "resets", proxy: func(c call) {
		_ = c.conn.(*net.TCPConn).SetLinger(0)
		c.conn.Close()
	}, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: connection closed without an answer [proxy reset]`},
	{name: "stalls", timeout: impatient, proxy: call.stall, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: no answer within 2s [proxy connect_timeout]`},
	{name: "answers slowly, byte by byte", timeout: impatient, proxy: func(c call) {
		trickle(c, "HTTP/1.1 407 Proxy Authentication Required\r\nX: "+strings.Repeat("y", 1000))
	}, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: only part of an answer within 2s [proxy connect_timeout]`},
	{name: "is cut in the status line", proxy: closing(says("HTTP/1.1 40")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: malformed HTTP status code [proxy gateway]`},
	{name: "is cut in the first word", proxy: closing(says("HT")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: connection closed in the middle of the answer [proxy reset]`},
	{name: "is cut in the header", proxy: closing(says("HTTP/1.1 407 No\r\nProxy-Authenticate: Ba")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: connection closed in the middle of the answer [proxy reset]`},
	{name: "is cut in the body", proxy: closing(says("HTTP/1.1 407 No\r\nContent-Length: 10\r\n\r\nfour")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: connection closed in the middle of the answer [proxy reset]`},
	{name: "is another service", proxy: says("SSH-2.0-OpenSSH_9.2p1\r\n"), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: an answer that is not HTTP: "SSH-2.0-OpenSSH_9.2p1??" [proxy gateway]`},
	{name: "wants TLS", proxy: closing(says("\x15\x03\x01\x00\x02\x02\x46")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: an answer in TLS: add --tls [proxy tls]`},
	{name: "speaks HTTP/0.9", proxy: closing(says("<html>\x1b[31mred\n| forged=1</html>")), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: an answer that is not HTTP: "<html>?[31mred?| forged=1</html>" [proxy gateway]`},
	{name: "has no status", proxy: says("HTTP/1.1 abc No\r\n\r\n"), want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: malformed HTTP status code [proxy gateway]`},
	{name: "has a header of a megabyte", proxy: func(c call) {
		c.say("HTTP/1.1 407 No\r\n")
		for range 1 << 10 {
			c.say("X-Long: %s\r\n", strings.Repeat("x", 1<<10))
		}
	}, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: header of more than 64 kB [proxy gateway]`},
	{name: "goes on for ever", proxy: func(c call) {
		for range 100 {
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
		}
	}, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: more than 8 interim answers [proxy gateway]`},

	{name: "says 100 first", proxy: func(c call) { c.say("HTTP/1.1 100 Continue\r\n\r\n"); squid(c) }, want: hello},
	{name: "closes after each answer", proxy: closing(squid), want: hello},
	{name: "says that it closes", proxy: withPassword(func(c call) { c.answer(200, "Connection: close\r\n", "hello"); c.conn.Close() }), want: hello},
	{name: "ends the body by closing", proxy: closing(withPassword(says("HTTP/1.1 200 OK\r\n\r\nhello"))), want: hello},
	{name: "speaks HTTP/1.0", proxy: closing(withPassword(says("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"))), want: hello},
	{name: "sends chunks", proxy: withPassword(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")), want: hello},
	{name: "sends a second answer behind the first", proxy: func(c call) {
		if user, _ := c.login(); user == "" {
			// Were the connection kept, 200 would be the answer to the wrong password.
			c.say("HTTP/1.1 407 No\r\n%sContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", basicRealm)
			return
		}
		squid(c)
	}, want: hello},
	{name: "turns the text around in its error's name", proxy: withPassword(squidSays(500, "ERR_\u202e|evil\u2028")), args: []string{"--no-direct"}, want: "CRITICAL: http://ORIGIN/ 500 unknown error [proxy gateway]"},
	{name: "sends more than is read", proxy: withPassword(func(c call) { c.answer(200, "", strings.Repeat("x", 3<<20)) }), want: strings.Replace(hello, "5 B", "1048576 B", 1)},

	{name: "sends a gzip bomb, which is not unpacked", proxy: withPassword(func(c call) {
		c.answer(200, "Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00"+strings.Repeat("\x00", 996))
	}), want: strings.Replace(hello, "5 B", "1000 B", 1)},
	{name: "redirects to itself for ever, and is not followed", args: []string{"--no-direct"}, proxy: withPassword(func(c call) { c.answer(302, "Location: http://origin.test/\r\n", "") }), want: `CRITICAL: http://ORIGIN/ 302 instead of 200-299 (redirects to "http://origin.test/", which is not followed) [origin origin]`},
	{name: "stalls with the right password", timeout: impatient, args: []string{"--no-direct"}, proxy: withPassword(call.stall), want: "CRITICAL: http://ORIGIN/ no answer within 2s [proxy gateway]"},
	{name: "closes with the right password", args: []string{"--no-direct"}, proxy: withPassword(closing(func(call) {})), want: "CRITICAL: http://ORIGIN/ connection closed without an answer [proxy gateway]"},
	{name: "is cut with the right password", proxy: withPassword(closing(says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour"))), want: "CRITICAL: http://ORIGIN/ 200, then connection closed in the middle of the answer, directly 200: the proxy does not get through to the origin [proxy gateway]"},
	{name: "closes with a wrong password", proxy: func(c call) {
		if user, password := c.login(); user == "alice" && password != "wonder" {
			c.conn.Close()
			return
		}
		squid(c)
	}, want: `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" with a wrong password for "alice": connection closed without an answer [proxy reset]`},
}

func TestBrokenProxies(t *testing.T) {
	t.Parallel()
	for _, s := range broken {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := origin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
			got := s.run(t, o.addr, fake(t, s.proxy).addr)
			if got != s.want {
				t.Errorf("\n got %s\nwant %s", got, s.want)
			}
		})
	}
}

func TestConnecting(t *testing.T) {
	t.Parallel()
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	refuses := func(context.Context) error { return syscall.ECONNREFUSED }
	silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	works := func(context.Context) error { return nil }
	fails := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for _, c := range []struct {
		name    string
		first   func(context.Context) error
		second  func(context.Context) error // nil = it has one address
		timeout time.Duration
		want    string
	}{
		{"refused", refuses, nil, patient, `CRITICAL: connecting to proxy "proxy.test:3128": connection refused [proxy refused]`},
		{"silent", silent, nil, impatient, `CRITICAL: connecting to proxy "proxy.test:3128": no answer within 2s [proxy connect_timeout]`},
		{"a router knows no way", fails(syscall.EHOSTUNREACH), nil, patient, `CRITICAL: connecting to proxy "proxy.test:3128": no route to host [proxy connect_timeout]`},
		{"the first refuses", refuses, works, patient, strings.Replace(hello, "ORIGIN", "origin.test", 1)},
		{"the first is silent", silent, works, impatient, strings.Replace(hello, "ORIGIN", "origin.test", 1)},
		{"both fail", refuses, silent, impatient, `CRITICAL: connecting to proxy "proxy.test:3128": 192.0.2.1: connection refused, 192.0.2.2: no answer within 2s [proxy connect_timeout]`},
		{"this machine has no route", fails(syscall.ENETUNREACH), nil, patient, `UNKNOWN: connecting to proxy "proxy.test:3128": network is unreachable [monitor monitor_route]`},
		{"this machine has no IPv6, and the other refuses", fails(syscall.ENETUNREACH), refuses, patient, `CRITICAL: connecting to proxy "proxy.test:3128": 192.0.2.1: network is unreachable, 192.0.2.2: connection refused [proxy refused]`},
		{"this machine has no sockets", fails(syscall.EMFILE), nil, patient, `UNKNOWN: connecting to proxy "proxy.test:3128": too many open files [monitor not_measured]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := fake(t, squid)
			cfg := config(t, "--url", "http://origin.test/")
			addrs, how := []netip.Addr{one}, map[netip.Addr]func(context.Context) error{one: c.first, two: c.second}
			if c.second != nil {
				addrs = append(addrs, two)
			}
			cfg.Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
				if err := how[to.Addr()](ctx); err != nil {
					return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
				}
				var d net.Dialer
				return d.DialContext(ctx, "tcp", p.addr.String())
			}
			o := probeAt(t, c.timeout, cfg, addrs...)
			if got := spell(o); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// The end of the whole run is nobody's fault but says what was being done; what
// was proven before stands.
func TestInterrupted(t *testing.T) {
	open := func(c call) {
		if user, _ := c.login(); user != "" {
			c.stall()
		}
		c.answer(200, "", "hello")
	}
	for _, c := range []struct {
		name  string
		proxy func(call)
		want  string
	}{
		{"nothing was proven", call.stall, `UNKNOWN: interrupted by SIGTERM while asking proxy "PROXY" for "http://origin.test/" without credentials [ not_measured]`},
		{"an open proxy was", open, `CRITICAL: open proxy: served without credentials (200); interrupted by SIGTERM while asking proxy "PROXY" for "http://origin.test/" with a wrong password for "alice" [proxy open_proxy]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			p := fake(t, func(call call) {
				if user, _ := call.login(); user == "" && c.name != "nothing was proven" {
					c.proxy(call)
					return
				}
				cancel(errors.New("SIGTERM"))
				c.proxy(call)
			})
			o := probeIn(ctx, t, p.addr, patient, config(t, "--url", "http://origin.test/"))
			if got := spell(o, fmt.Sprintf("proxy.test:%d", p.addr.Port()), "PROXY"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}
