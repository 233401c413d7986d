package squidauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/probe/squidauth"
)

// certificate is one for origin.test that ends at notAfter, and the file that makes a client trust it.
func certificate(t *testing.T, notAfter time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"origin.test", "proxy.test"},
		NotBefore: notAfter.Add(-48 * time.Hour), NotAfter: notAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// tunnels opens tunnels to the origin whatever its name, for alice.
func tunnels(origin netip.AddrPort) func(call) {
	return withPassword(func(c call) {
		if c.Method != http.MethodConnect {
			c.answer(http.StatusOK, "", "hello")
			return
		}
		to, err := net.Dial("tcp", origin.String())
		if err != nil {
			squidSays(503, "ERR_CONNECT_FAIL")(c)
			return
		}
		c.say("HTTP/1.1 200 Connection established\r\n\r\n")
		relay(c.conn, to)
	})
}

func TestTunnels(t *testing.T) {
	good, trusted := certificate(t, tomorrow())
	other, _ := certificate(t, tomorrow())
	old, oldTrusted := certificate(t, time.Now().Add(-time.Hour))
	for _, c := range []struct {
		name  string
		cert  tls.Certificate
		args  []string
		proxy func(origin netip.AddrPort) func(call)
		want  string
	}{
		{"it works", good, []string{"--origin-ca-file", trusted}, tunnels, "OK: refused without credentials, refused wrong ones, fetched https://ORIGIN/ (200, 5 B)"},
		{"and by address", good, []string{"--origin-ca-file", trusted, "--url-by-address", "https://192.0.2.1/"}, tunnels, "OK: refused without credentials, refused wrong ones, fetched https://ORIGIN/ (200, 5 B)"},
		{"a stranger's certificate", good, nil, tunnels, "CRITICAL: https://ORIGIN/ TLS x509: certificate signed by unknown authority: --origin-ca-file names the certificates to trust: the origin fails, directly TLS x509: certificate signed by unknown authority: --origin-ca-file names the certificates to trust [origin origin]"},
		{"an old certificate", old, []string{"--origin-ca-file", oldTrusted}, tunnels, "CRITICAL: https://ORIGIN/ TLS x509: certificate has expired or is not yet valid: NOW: the origin fails, directly TLS x509: certificate has expired or is not yet valid: NOW [origin origin]"},
		{"the proxy breaks into TLS", good, []string{"--origin-ca-file", trusted}, func(netip.AddrPort) func(call) {
			return tunnels(originTLS(t, other, page("hello")).addr)
		}, "CRITICAL: https://ORIGIN/ TLS x509: certificate signed by unknown authority: --origin-ca-file names the certificates to trust, directly 200: something behind the proxy breaks into TLS [proxy gateway]"},
		{"the tunnel ends nowhere", good, []string{"--origin-ca-file", trusted}, func(netip.AddrPort) func(call) { return tunnels(deadPort(t)) }, "CRITICAL: https://ORIGIN/ CONNECT 503 ERR_CONNECT_FAIL, directly 200: the proxy does not get through to the origin [proxy gateway]"},
		{"the proxy's resolver is dead", good, []string{"--origin-ca-file", trusted}, func(o netip.AddrPort) func(call) {
			return withPassword(func(c call) {
				if strings.HasPrefix(c.Host, "origin.test") {
					squidSays(500, "ERR_CANNOT_FORWARD")(c)
					return
				}
				tunnels(o)(c)
			})
		}, "CRITICAL: the proxy's resolver fails: https://ORIGIN/ by name CONNECT 500 ERR_CANNOT_FORWARD, by address 200 [proxy_resolver proxy_resolver]"},
		{"an access rule forbids CONNECT", good, nil, func(netip.AddrPort) func(call) { return withPassword(squidSays(403, "ERR_ACCESS_DENIED")) }, "CRITICAL: https://ORIGIN/ denied by an access rule of the proxy (CONNECT 403 ERR_ACCESS_DENIED) [acl acl]"},
		{"tunnels for everybody", good, []string{"--origin-ca-file", trusted}, func(o netip.AddrPort) func(call) {
			return func(c call) { c.Header.Set("Proxy-Authorization", "Basic YWxpY2U6d29uZGVy"); tunnels(o)(c) }
		}, "CRITICAL: open proxy: served without credentials (200); wrong credentials accepted (200); fetched https://ORIGIN/ (200, 5 B) [proxy open_proxy]"},
		{"no TLS in the tunnel", good, []string{"--origin-ca-file", trusted}, func(netip.AddrPort) func(call) { return tunnels(origin(t, page("hello")).addr) }, "CRITICAL: https://ORIGIN/ TLS an answer that is not TLS, directly 200: something behind the proxy breaks into TLS [proxy gateway]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := originTLS(t, c.cert, page("hello"))
			host := fmt.Sprintf("origin.test:%d", o.addr.Port())
			cfg := config(t, append([]string{"--url", "https://" + host + "/"}, c.args...)...)
			resolve(cfg, o.addr.Addr())
			got := spell(probe(t, fake(t, c.proxy(o.addr)).addr, patient, cfg), host, "ORIGIN")
			if got = now.ReplaceAllString(got, ": NOW"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOriginsAtFault(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin func(call) // nil = nobody listens there
		host   string     // "" = origin.test
		proxy  func(call)
		args   []string
		want   string
	}{
		{"nobody listens", nil, "", withPassword(squidSays(503, "ERR_CONNECT_FAIL")), nil, "CRITICAL: http://ORIGIN/ 503 ERR_CONNECT_FAIL: the origin fails, directly connection refused [origin origin]"},
		{"it closes", closing(func(call) {}), "", withPassword(squidSays(502, "ERR_ZERO_SIZE_OBJECT")), nil, "CRITICAL: http://ORIGIN/ 502 ERR_ZERO_SIZE_OBJECT: the origin fails, directly connection closed without an answer [origin origin]"},
		{"nothing may be asked", nil, "", withPassword(squidSays(504, "ERR_READ_TIMEOUT")), []string{"--no-direct"}, "CRITICAL: http://ORIGIN/ 504 ERR_READ_TIMEOUT [origin origin]"},
		{"its name is gone", nil, "gone.test", withPassword(squidSays(502, "ERR_READ_ERROR")), nil, "CRITICAL: http://gone.test/ 502 ERR_READ_ERROR: this machine does not find its name either (no such host) [origin origin]"},
		{"it has no such page", func(c call) { c.answer(404, "", "") }, "", withPassword(func(c call) { c.answer(404, "", "") }), nil, "CRITICAL: http://ORIGIN/ 404 instead of 200-299, directly 404 instead of 200-299 [origin origin]"},
		{"it forbids it to everybody", func(c call) { c.answer(403, "", "") }, "", withPassword(func(c call) { c.answer(403, "", "") }), nil, "CRITICAL: http://ORIGIN/ 403 instead of 200-299, directly 403 instead of 200-299 [origin origin]"},
		{"somebody forbids it to the proxy", func(c call) { c.answer(200, "", "") }, "", withPassword(func(c call) { c.answer(403, "", "") }), nil, "CRITICAL: http://ORIGIN/ denied through the proxy (403 instead of 200-299), directly 200 [acl acl]"},
		{"somebody forbids it", func(c call) { c.answer(200, "", "") }, "", withPassword(func(c call) { c.answer(403, "", "") }), []string{"--no-direct"}, "CRITICAL: http://ORIGIN/ denied (403 instead of 200-299) by the proxy or by the origin [acl acl]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := deadPort(t)
			if c.origin != nil {
				at = fake(t, c.origin).addr
			}
			host := fmt.Sprintf("origin.test:%d", at.Port())
			if c.host != "" {
				host = c.host
			}
			cfg := config(t, append([]string{"--url", "http://" + host + "/"}, c.args...)...)
			resolve(cfg, at.Addr())
			got := spell(probe(t, fake(t, c.proxy).addr, patient, cfg), fmt.Sprintf("origin.test:%d", at.Port()), "ORIGIN")
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// An answer that begins and never ends is not the helper's doing: somebody let the
// credentials pass. So it is where wrong ones were not tried in this run.
func TestAnswersThatNeverEnd(t *testing.T) {
	unending := func(c call) {
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhel")
		c.stall()
	}
	for _, c := range []struct {
		name, args string
		origin     func(call)
		want       string
	}{
		{"nothing may be asked", "--wrong never --no-direct", squid, "CRITICAL: http://ORIGIN/ 200, then only part of an answer within 2s [origin origin]"},
		{"nor directly", "--wrong never", unending, "CRITICAL: http://ORIGIN/ 200, then only part of an answer within 2s [origin origin]"},
		{"wrong ones are remembered", "--wrong-every 15m --no-direct", squid, "CRITICAL: http://ORIGIN/ 200, then only part of an answer within 2s [origin origin]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := fake(t, c.origin).addr
			host := fmt.Sprintf("origin.test:%d", at.Port())
			cfg := config(t, append(strings.Fields(c.args), "--url", "http://"+host+"/")...)
			resolve(cfg, at.Addr())
			p := fake(t, withPassword(unending)).addr
			if strings.Contains(c.args, "--wrong-every") {
				probe(t, p, impatient, cfg)
			}
			got := spell(probe(t, p, impatient, cfg), host, "ORIGIN")
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestExit(t *testing.T) {
	canary := func(client string) func(call) {
		return withPassword(func(c call) {
			body, _ := json.Marshal(map[string]string{"nonce": c.URL.Query().Get("nonce"), "client": client})
			c.answer(200, "", string(body))
		})
	}
	cached := withPassword(func(c call) { c.answer(200, "", `{"nonce":"old","client":"192.0.2.1"}`) })
	for _, c := range []struct {
		name  string
		args  string
		proxy func(call)
		want  string
	}{
		{"right", "--expect-exit=192.0.2.1", canary("192.0.2.1"), "OK: refused without credentials, refused wrong ones, fetched http://canary.test/?... (200, N B) by 192.0.2.1"},
		{"one of two", "--expect-exit=2001:db8::1 --expect-exit=192.0.2.1", canary("2001:db8::1"), "OK: refused without credentials, refused wrong ones, fetched http://canary.test/?... (200, N B) by 2001:db8::1"},
		{"wrong", "--expect-exit=192.0.2.1", canary("198.51.100.7"), "CRITICAL: wrong exit: the origin saw 198.51.100.7 and not 192.0.2.1; refused without credentials, refused wrong ones, fetched http://canary.test/?... (200, N B) by 198.51.100.7 [proxy wrong_exit]"},
		{"no canary", "--expect-exit=192.0.2.1 --no-direct", squid, "UNKNOWN: no_fetch was not measured; wrong_exit was not measured; http://canary.test/?... 200 is no milepost canary: --expect-exit needs one as the first --url [monitor not_measured]"},
		{"a cache", "--expect-exit=192.0.2.1 --no-direct", cached, "CRITICAL: http://canary.test/?... 200 answered with another request's nonce: a cache answered, not the canary [proxy gateway]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, append(strings.Fields(c.args), "--url", "http://canary.test/?a=b")...)
			got := spell(probe(t, fake(t, c.proxy).addr, patient, cfg))
			if got = size.ReplaceAllString(got, "200, N B"); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// The credentials come back in everything that a proxy sends, and appear nowhere.
func TestSecretsAreNeverShown(t *testing.T) {
	echo := func(c call) {
		credentials := c.Header.Get("Proxy-Authorization")
		_, password := c.login()
		if password == "" {
			c.challenge()
			return
		}
		all := password + " " + credentials
		c.answer(302, fmt.Sprintf("X-Squid-Error: %s\r\nVia: %s\r\nX-Cache: %[2]s\r\nLocation: http://x/%[2]s\r\nServer: %[2]s\r\nContent-Type: %[2]s\r\n", password, all), all)
	}
	for name, proxy := range map[string]func(call){
		"in a header":                 echo,
		"as a header without a colon": withPassword(func(c call) { c.say("HTTP/1.1 200 OK\r\n%s\r\n\r\n", c.Header.Get("Proxy-Authorization")) }),
		"as a status":                 withPassword(func(c call) { c.say("HTTP/1.1 %s\r\n\r\n", c.Header.Get("Proxy-Authorization")) }),
		"as no HTTP":                  withPassword(func(c call) { c.say("%s\r\n", c.Header.Get("Proxy-Authorization")) }),
	} {
		t.Run(name, func(t *testing.T) {
			o := probe(t, fake(t, proxy).addr, patient, config(t, "--no-direct", "--url", "http://x.test/?token=hidden"))
			shown := fmt.Sprintf("%+v", o)
			for _, secret := range []string{"wonder", "YWxpY2U6d29uZGVy", "hidden"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%q is shown: %s", secret, shown)
				}
			}
		})
	}
}

func TestWrongEvery(t *testing.T) {
	wrong := 0
	p := fake(t, func(c call) {
		if _, password := c.login(); password != "" && password != "wonder" {
			wrong++
		}
		squid(c)
	})
	cfg := config(t, "--wrong-every", "15m", "--url", "http://origin.test/")
	first := probe(t, p.addr, patient, cfg)
	second := probe(t, p.addr, patient, cfg)
	if got, want := spell(first), strings.Replace(hello, "ORIGIN", "origin.test", 1); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	want := "OK: refused without credentials, refused wrong ones AGO ago, fetched http://origin.test/ (200, 5 B)"
	if got := ago.ReplaceAllString(spell(second), "ones AGO ago"); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if wrong != 1 {
		t.Errorf("the wrong password was tried %d times", wrong)
	}
	stage := second.Stages[2].Doing
	if got, want := ago.ReplaceAllString(stage, "ones AGO ago"), "remembering that wrong credentials were refused (407 ERR_CACHE_ACCESS_DENIED) AGO ago: they are tried every 15m0s"; ago2.ReplaceAllString(got, ") AGO ago") != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if squidauth.Default().Memory == cfg.Memory {
		t.Error("configurations share a memory")
	}
}
