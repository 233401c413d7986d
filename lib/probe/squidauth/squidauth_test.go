package squidauth_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"milepost/lib/probe/squidauth"
)

// A situation is what a proxy does, and what a person is told then.
type situation struct {
	name    string
	args    []string
	proxy   func(call)
	timeout time.Duration // 0 = patient
	want    string        // ORIGIN is the origin's host and port, PROXY the proxy's
}

// withPassword answers as handle to alice with her password, and as squid to all others.
func withPassword(handle func(call)) func(call) {
	return func(c call) {
		if user, password := c.login(); user == "alice" && password == "wonder" {
			handle(c)
			return
		}
		c.challenge()
	}
}

// squidSays is an error of squid's own.
func squidSays(status int, name string) func(call) {
	return func(c call) { c.answer(status, "X-Squid-Error: "+name+" 0\r\n", "<html>sorry</html>") }
}

// byAddress forwards to an origin named by its address, and answers as handle
// where it is named by name: its resolver is dead.
func byAddress(handle func(call)) func(call) {
	return withPassword(func(c call) {
		if strings.HasPrefix(c.Host, "origin.test") {
			handle(c)
			return
		}
		c.answer(http.StatusOK, "", "hello")
	})
}

// webServer answers a whole URL with one status, and a path with another.
func webServer(url, path int) func(call) {
	return func(c call) {
		if strings.HasPrefix(c.RequestURI, "/") {
			c.answer(path, "", "it works!")
			return
		}
		c.answer(url, "", "it works!")
	}
}

// about are the situations; its origin is alive and answers hello.
var about = []situation{
	{name: "it works", proxy: squid, want: "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"},
	{name: "it works, and the text is there", args: []string{"--expect", "hell"}, proxy: squid, want: "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"},
	{name: "two URLs", args: []string{"--url", "http://other.test/"}, proxy: squid, want: "OK: refused without credentials, refused wrong ones, fetched 2 URLs"},
	{name: "a wrong user", args: []string{"--wrong", "random-user"}, proxy: squid, want: "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"},
	{name: "no wrong password", args: []string{"--wrong", "never"}, proxy: squid, want: "OK: refused without credentials, fetched http://ORIGIN/ (200, 5 B)"},
	{name: "only the right credentials", args: []string{"--wrong", "never", "--no-credentials", "skip"}, proxy: squid, want: "OK: fetched http://ORIGIN/ (200, 5 B)"},
	{name: "it is slow", args: []string{"-w", "@0:"}, proxy: squid, want: "WARNING: slow: TIME (STAGES); refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B); limit crossed: time at least 0 s [proxy slow]"},
	{name: "anybody may, and that is expected", args: []string{"--no-credentials", "allowed"}, proxy: func(c call) { c.answer(200, "", "hello") }, want: "OK: fetched http://ORIGIN/ (200, 5 B)"},
	{name: "nobody logs in", args: []string{nobody, "--no-credentials", "allowed"}, proxy: func(c call) { c.answer(200, "", "hello") }, want: "OK: fetched http://ORIGIN/ (200, 5 B)"},

	{name: "200 to everything", proxy: func(c call) { c.answer(200, "", "hello") }, want: "CRITICAL: open proxy: served without credentials (200); wrong credentials accepted (200); fetched http://ORIGIN/ (200, 5 B) [proxy open_proxy]"},
	{name: "open, but its origin is dead", proxy: squidSays(503, "ERR_CONNECT_FAIL"), want: "CRITICAL: open proxy: tried to fetch without credentials (503 ERR_CONNECT_FAIL); wrong credentials accepted (503 ERR_CONNECT_FAIL); http://ORIGIN/ 503 ERR_CONNECT_FAIL, directly 200: the proxy does not get through to the origin [proxy open_proxy]"},
	{name: "a web server that has no such page", proxy: webServer(404, 200), want: "CRITICAL: no proxy answers there, but a web server, for itself (404): give the proxy's -H and -p [proxy gateway]"},
	{name: "a web server that answers all with its page", proxy: webServer(200, 200), want: "CRITICAL: no proxy answers there, but a web server, for itself (200): give the proxy's -H and -p [proxy gateway]"},
	{name: "a web server that sends all to another", proxy: webServer(301, 301), want: "CRITICAL: no proxy answers there, but a web server, for itself (301): give the proxy's -H and -p [proxy gateway]"},
	{name: "a web server, and nothing may be asked directly: it may be an open proxy", args: []string{"--no-direct", "--expect", "hello"}, proxy: webServer(200, 200), want: `CRITICAL: open proxy: served without credentials (200); wrong credentials accepted (200); http://ORIGIN/ 200 does not contain "hello" [proxy open_proxy]`},
	{name: "an open proxy whose origin has no such page", proxy: webServer(404, 400), args: []string{"--no-direct"}, want: "CRITICAL: open proxy: served without credentials (404); wrong credentials accepted (404); http://ORIGIN/ 404 instead of 200-299 [proxy open_proxy]"},
	{name: "an open proxy that delivers another page than the origin to this machine", proxy: webServer(200, 400), want: "CRITICAL: open proxy: served without credentials (200); wrong credentials accepted (200); fetched http://ORIGIN/ (200, 9 B) [proxy open_proxy]"},
	{name: "any password will do", proxy: func(c call) {
		if user, _ := c.login(); user == "alice" {
			c.answer(200, "", "hello")
			return
		}
		c.challenge()
	}, want: "CRITICAL: wrong credentials accepted (200); refused without credentials, fetched http://ORIGIN/ (200, 5 B) [auth open_proxy]"},
	{name: "wrong credentials are neither served nor refused", proxy: func(c call) {
		switch user, password := c.login(); {
		case user == "":
			c.challenge()
		case password == "wonder":
			c.answer(200, "", "hello")
		default:
			c.answer(503, "", "busy")
		}
	}, want: "UNKNOWN: wrong_accepted was not measured; refused without credentials, fetched http://ORIGIN/ (200, 5 B) [monitor not_measured]"},

	{name: "407 without a challenge", proxy: func(c call) {
		if user, password := c.login(); user == "alice" && password == "wonder" {
			c.answer(200, "", "hello")
			return
		}
		c.answer(407, "", "no")
	}, want: "CRITICAL: refused without credentials (407), but without Proxy-Authenticate: no client knows how to log in; refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B) [proxy gateway]"},
	{name: "an access rule keeps this monitor out", proxy: squidSays(403, "ERR_ACCESS_DENIED"), want: "CRITICAL: refused without credentials, but by an access rule (403 ERR_ACCESS_DENIED) and not with 407: no client is asked to log in; http://ORIGIN/ denied by an access rule of the proxy (403 ERR_ACCESS_DENIED) [acl acl]"},
	{name: "a balancer without a squid behind it", proxy: func(c call) { c.answer(503, "Server: haproxy\r\n", "no server") }, want: "CRITICAL: answered 503 without credentials, and not 407; http://ORIGIN/ 503, directly 200: the proxy does not get through to the origin [proxy gateway]"},

	{name: "the password changed", proxy: func(c call) { c.challenge() }, want: "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
	{name: "the helper hangs", timeout: impatient, proxy: func(c call) {
		if user, _ := c.login(); user != "" {
			c.stall()
		}
		c.challenge()
	}, want: "CRITICAL: the authentication helper does not answer: 407 at once without credentials, no answer within 2s with them; see cache.log on the proxy [auth auth_refused]"},
	{name: "the helper hangs, and no wrong password is tried", timeout: impatient, args: []string{"--wrong", "never", "--no-direct"}, proxy: withPassword(call.stall), want: "CRITICAL: the authentication helper does not answer, or nothing behind the proxy does: 407 at once without credentials, http://ORIGIN/ no answer within 2s with them; see cache.log on the proxy [auth auth_refused]"},
	{name: "an access rule forbids the URL", proxy: withPassword(squidSays(403, "ERR_ACCESS_DENIED")), want: "CRITICAL: http://ORIGIN/ denied by an access rule of the proxy (403 ERR_ACCESS_DENIED) [acl acl]"},
	{name: "an access rule forbids the URL, as expected", args: []string{"--expect-status", "403"}, proxy: withPassword(squidSays(403, "ERR_ACCESS_DENIED")), want: "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (403 ERR_ACCESS_DENIED, 18 B)"},
	{name: "an access rule redirects (deny_info)", proxy: withPassword(func(c call) {
		c.answer(302, "X-Squid-Error: 302 Access Denied\r\nLocation: http://portal.test/login\r\n", "")
	}), want: `CRITICAL: http://ORIGIN/ denied by an access rule of the proxy (302 by squid) [acl acl]`},

	{name: "its resolver is dead: squid 5.7", proxy: byAddress(squidSays(502, "ERR_READ_ERROR")), want: "CRITICAL: the proxy's resolver fails: http://ORIGIN/ by name 502 ERR_READ_ERROR, by address 200 [proxy_resolver proxy_resolver]"},
	{name: "its resolver is silent", timeout: impatient, proxy: byAddress(call.stall), want: "CRITICAL: the proxy's resolver fails: http://ORIGIN/ by name no answer within 2s, by address 200 [proxy_resolver proxy_resolver]"},
	{name: "its resolver is dead, and the address is given", args: []string{"--no-direct", "--url-by-address", "http://192.0.2.1/"}, proxy: byAddress(squidSays(502, "ERR_READ_ERROR")), want: "CRITICAL: the proxy's resolver fails: http://ORIGIN/ by name 502 ERR_READ_ERROR, by address 200 [proxy_resolver proxy_resolver]"},
	{name: "only the address is forbidden", args: []string{"--url-by-address", "http://192.0.2.1/"}, proxy: withPassword(func(c call) {
		if c.Host == "192.0.2.1" {
			squidSays(403, "ERR_ACCESS_DENIED")(c)
			return
		}
		c.answer(http.StatusOK, "", "hello")
	}), want: "CRITICAL: http://192.0.2.1/ denied by an access rule of the proxy (403 ERR_ACCESS_DENIED) [acl acl]"},
	{name: "it says that its resolver is dead, and nothing more may be asked", args: []string{"--no-direct"}, proxy: withPassword(squidSays(503, "ERR_DNS_FAIL")), want: "CRITICAL: the proxy's resolver fails: http://ORIGIN/ 503 ERR_DNS_FAIL [proxy_resolver proxy_resolver]"},
	{name: "the proxy has no way out", proxy: withPassword(squidSays(503, "ERR_CONNECT_FAIL")), want: "CRITICAL: http://ORIGIN/ 503 ERR_CONNECT_FAIL, directly 200: the proxy does not get through to the origin [proxy gateway]"},
	{name: "one URL comes and one does not", args: []string{"--url", "http://other.test/"}, proxy: withPassword(func(c call) {
		if c.Host == "other.test" {
			c.answer(200, "", "hello")
			return
		}
		squidSays(503, "ERR_CONNECT_FAIL")(c)
	}), want: "CRITICAL: http://ORIGIN/ 503 ERR_CONNECT_FAIL, directly 200, while other URLs come through: the origin, or the way to it, refuses this proxy [origin origin]"},

	{name: "the origin says no such page", proxy: withPassword(func(c call) { c.answer(404, "", "where?") }), args: []string{"--no-direct"}, want: "CRITICAL: http://ORIGIN/ 404 instead of 200-299 [origin origin]"},
	{name: "the proxy's page instead of the origin's", proxy: withPassword(func(c call) { c.answer(200, "", "buy this") }), args: []string{"--expect", "hello"}, want: `CRITICAL: the proxy delivers something else: http://ORIGIN/ 200 does not contain "hello", directly 200 [proxy gateway]`},
	{name: "neither has the text", proxy: squid, args: []string{"--expect", "goodbye"}, want: `CRITICAL: http://ORIGIN/ 200 does not contain "goodbye", directly 200 does not contain "goodbye" [origin origin]`},
	{name: "a redirect is not followed", args: []string{"--no-direct"}, proxy: withPassword(func(c call) { c.answer(301, "Location: https://origin.test/\r\n", "") }), want: `CRITICAL: http://ORIGIN/ 301 instead of 200-299 (redirects to "https://origin.test/", which is not followed) [origin origin]`},

	{name: "it offers only Negotiate", proxy: func(c call) { c.answer(407, "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n", "") }, want: `UNKNOWN: asking proxy "PROXY" for "http://ORIGIN/" without credentials: the proxy offers only negotiate, ntlm: this check speaks Basic, and Digest with MD5 or SHA-256 and qop=auth [monitor not_measured]`},
	{name: "it offers an unknown Digest", proxy: func(c call) {
		c.answer(407, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256, qop=\"auth-int\"\r\n", "")
	}, want: `UNKNOWN: asking proxy "PROXY" for "http://ORIGIN/" without credentials: the proxy offers only digest SHA-512-256 qop=auth-int: this check speaks Basic, and Digest with MD5 or SHA-256 and qop=auth [monitor not_measured]`},
	{name: "Negotiate before Basic", proxy: func(c call) {
		if user, password := c.login(); user != "alice" || password != "wonder" {
			c.answer(407, "Proxy-Authenticate: Negotiate, Basic realm=\"a, b=c\"\r\n", "")
			return
		}
		c.answer(200, "", "hello")
	}, want: "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"},
}

func TestSituations(t *testing.T) {
	t.Parallel()
	for _, s := range about {
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

// run is the plugin's line about the proxy at addr, for http://origin.test at origin.
func (s situation) run(t *testing.T, origin, proxy netip.AddrPort) string {
	t.Helper()
	host := fmt.Sprintf("origin.test:%d", origin.Port())
	cfg := config(t, append([]string{"--url", "http://" + host + "/"}, s.args...)...)
	lookUps := resolve(cfg, origin.Addr())
	timeout := s.timeout
	if timeout == 0 {
		timeout = patient
	}
	o := probe(t, proxy, timeout, cfg)
	if strings.HasPrefix(s.want, "OK") && lookUps.Load() > 0 {
		t.Error("this machine resolved the target's name")
	}
	return spell(o, host, "ORIGIN", fmt.Sprintf("proxy.test:%d", proxy.Port()), "PROXY", fmt.Sprintf("127.0.0.1:%d", origin.Port()), "127.0.0.1:ORIGINPORT")
}

// resolve makes origin.test's address known to cfg, and counts who asks for it.
func resolve(cfg *squidauth.Config, address netip.Addr) *atomic.Int32 {
	var n atomic.Int32
	cfg.LookUp = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		n.Add(1)
		if host != "origin.test" {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return []netip.Addr{address}, nil
	}
	return &n
}
