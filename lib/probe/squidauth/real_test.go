package squidauth_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"milepost/lib/peers"
)

// alice is the user of the real squids.
var alice = map[string]string{"alice": "wonder"}

// asked is the plugin's line about a real squid. What a URL calls origin.test is
// at origin; this machine alone can resolve that name.
func asked(t *testing.T, s *peers.RunningSquid, origin netip.AddrPort, args ...string) string {
	t.Helper()
	cfg := config(t, args...)
	resolve(cfg, origin.Addr())
	o := probe(t, netip.MustParseAddrPort(s.Addr), patient, cfg)
	return spell(o, fmt.Sprintf("proxy.test:%d", s.Port), "PROXY", origin.String(), "ORIGIN", fmt.Sprintf("origin.test:%d", origin.Port()), "NAME")
}

// helper is squid.conf that authenticates by a shell script, which finds its
// directory in $0, and what lies there.
func helper(t *testing.T, script string) (conf, dir string) {
	t.Helper()
	dir = peers.Dir(t)
	path := filepath.Join(dir, "helper")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return "auth_param basic program " + path + `
auth_param basic children 2 startup=1 idle=1
auth_param basic realm peers
acl users proxy_auth REQUIRED
http_access allow users
http_access deny all`, dir
}

const answersOK = "while read -r line; do echo OK; done"

func TestRealSquid(t *testing.T) {
	const works = "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"
	errs, _ := helper(t, "while read -r line; do echo ERR; done")
	broken, _ := helper(t, "while read -r line; do echo BH; done")
	yes, _ := helper(t, answersOK)
	for _, c := range []struct {
		name  string
		squid peers.Squid
		args  []string // beside --url http://ORIGIN/
		want  string
	}{
		{"it works", peers.Squid{Users: alice}, nil, works},
		{"it works by Digest", peers.Squid{Users: alice, Digest: true}, nil, works},
		{"it works by Digest, unasked", peers.Squid{Users: alice, Digest: true}, []string{"--no-credentials", "skip"}, "OK: refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"},
		{"a user that does not exist, by Digest", peers.Squid{Users: alice, Digest: true}, []string{"--wrong", "random-user"}, works},
		{"a user that does not exist", peers.Squid{Users: alice}, []string{"--wrong", "random-user"}, works},
		{"open", peers.Squid{}, nil, "CRITICAL: open proxy: served without credentials (200); wrong credentials accepted (200); fetched http://ORIGIN/ (200, 5 B) [proxy open_proxy]"},
		{"open, as expected", peers.Squid{}, []string{"--no-credentials", "allowed", nobody}, "OK: fetched http://ORIGIN/ (200, 5 B)"},
		{"the password changed", peers.Squid{Users: map[string]string{"alice": "other"}}, nil, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"the password changed, by Digest", peers.Squid{Users: map[string]string{"alice": "other"}, Digest: true}, nil, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"the helper says yes to everybody", peers.Squid{Conf: yes}, nil, "CRITICAL: wrong credentials accepted (200); refused without credentials, fetched http://ORIGIN/ (200, 5 B) [auth open_proxy]"},
		{"the helper says no to everybody", peers.Squid{Conf: errs}, nil, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"the helper says that it is broken", peers.Squid{Conf: broken}, nil, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"a deny rule that ends in a user asks for another user", peers.Squid{Users: alice, Conf: "http_access deny peers_users"}, nil, "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"},
		{"an access rule forbids it to the user", peers.Squid{Users: alice, Conf: "http_access deny peers_users all"}, nil, "CRITICAL: http://ORIGIN/ denied by an access rule of the proxy (403 ERR_ACCESS_DENIED) [acl acl]"},
		{"an access rule redirects the user", peers.Squid{Users: alice, Conf: "acl port port 1-65535\ndeny_info 302:http://portal.test/ port\nhttp_access deny peers_users port"}, nil, "CRITICAL: http://ORIGIN/ denied by an access rule of the proxy (302 by squid) [acl acl]"},
		{"an access rule forbids it to everybody", peers.Squid{Users: alice, Conf: "http_access deny all"}, nil, "CRITICAL: refused without credentials, but by an access rule (403 ERR_ACCESS_DENIED) and not with 407: no client is asked to log in; http://ORIGIN/ denied by an access rule of the proxy (403 ERR_ACCESS_DENIED) [acl acl]"},
		{"its resolver is dead", peers.Squid{Users: alice, Conf: deadResolver}, []string{"--url", "http://origin.test:ORIGINPORT/"}, "CRITICAL: the proxy's resolver fails: http://NAME/ by name 502 ERR_READ_ERROR, by address 200 [proxy_resolver proxy_resolver]"},
		{"its resolver is dead, and nothing else may be asked", peers.Squid{Users: alice, Conf: deadResolver}, []string{"--no-direct", "--url", "http://origin.test:ORIGINPORT/", "--url-by-address", "http://ORIGIN/"}, "CRITICAL: the proxy's resolver fails: http://NAME/ by name 502 ERR_READ_ERROR, by address 200 [proxy_resolver proxy_resolver]"},
		{"nobody has such a name", peers.Squid{Users: alice, Conf: deadResolver}, []string{"--url", "http://gone.test/"}, "CRITICAL: http://gone.test/ 502 ERR_READ_ERROR: this machine does not find its name either (no such host) [origin origin]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := origin(t, page("hello"))
			args := []string{"--url", o.url}
			for _, a := range c.args {
				args = append(args, strings.NewReplacer("ORIGINPORT", fmt.Sprint(o.addr.Port()), "ORIGIN", o.addr.String()).Replace(a))
			}
			if got := asked(t, peers.StartSquid(t, c.squid), o.addr, args...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// deadResolver is a name server where nobody listens.
const deadResolver = "dns_nameservers 127.0.0.253\nhosts_file none\ndns_retransmit_interval 1 second\ndns_timeout 1 second"

func TestRealTunnel(t *testing.T) {
	cert, trusted := certificate(t, tomorrow())
	o := originTLS(t, cert, page("hello"))
	hosts := filepath.Join(peers.Dir(t), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 origin.test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	named := peers.StartSquid(t, peers.Squid{Users: alice, Conf: "hosts_file " + hosts})
	nameless := peers.StartSquid(t, peers.Squid{Users: alice, Conf: deadResolver})
	digest := peers.StartSquid(t, peers.Squid{Users: alice, Digest: true, Conf: "hosts_file " + hosts})
	forbidden := peers.StartSquid(t, peers.Squid{Users: alice, Conf: "acl CONNECT method CONNECT\nhttp_access deny peers_users CONNECT"})
	url := fmt.Sprintf("https://origin.test:%d/", o.addr.Port())
	for _, c := range []struct {
		name  string
		squid *peers.RunningSquid
		args  []string
		want  string
	}{
		{"it works", named, []string{"--origin-ca-file", trusted, "--url-by-address", "https://" + o.addr.String() + "/"}, "OK: refused without credentials, refused wrong ones, fetched https://NAME/ (200, 5 B)"},
		{"it works by Digest", digest, []string{"--origin-ca-file", trusted}, "OK: refused without credentials, refused wrong ones, fetched https://NAME/ (200, 5 B)"},
		{"nobody knows the certificate", named, nil, "CRITICAL: https://NAME/ TLS x509: certificate signed by unknown authority: --origin-ca-file names the certificates to trust: the origin fails, directly TLS x509: certificate signed by unknown authority: --origin-ca-file names the certificates to trust [origin origin]"},
		{"its resolver is dead", nameless, []string{"--origin-ca-file", trusted}, "CRITICAL: the proxy's resolver fails: https://NAME/ by name CONNECT 500 ERR_CANNOT_FORWARD, by address 200 [proxy_resolver proxy_resolver]"},
		{"an access rule forbids CONNECT", forbidden, nil, "CRITICAL: https://NAME/ denied by an access rule of the proxy (CONNECT 403 ERR_ACCESS_DENIED) [acl acl]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := asked(t, c.squid, o.addr, append(c.args, "--url", url)...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRealDeadOrigin(t *testing.T) {
	s := peers.StartSquid(t, peers.Squid{Users: alice})
	dead, alive := deadPort(t), origin(t, page("hello"))
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"it is the origin", []string{"--url", "http://" + dead.String() + "/"}, "CRITICAL: http://ORIGIN/ 503 ERR_CONNECT_FAIL: the origin fails, directly connection refused [origin origin]"},
		{"by CONNECT", []string{"--url", "https://" + dead.String() + "/"}, "CRITICAL: https://ORIGIN/ CONNECT 503 ERR_CONNECT_FAIL: the origin fails, directly connection refused [origin origin]"},
		{"another one lives", []string{"--url", alive.url, "--url", "http://" + dead.String() + "/", "--no-direct"}, "CRITICAL: http://ORIGIN/ 503 ERR_CONNECT_FAIL [origin origin]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := asked(t, s, dead, c.args...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// squid says yes from its cache while the helper says no. Only a wrong password
// for the same user makes it ask the helper again.
func TestRealDeadHelperShowsOnlyAfterAWrongPassword(t *testing.T) {
	o := origin(t, page("hello"))
	conf, dir := helper(t, `while read -r user password; do
	if [ "$password" = wonder ] && [ ! -e "$(dirname "$0")/dead" ]; then echo OK; else echo ERR; fi
done`)
	s := peers.StartSquid(t, peers.Squid{Conf: conf})
	const works = "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B)"
	if got := asked(t, s, o.addr, "--url", o.url); got != works {
		t.Fatal(got)
	}
	if err := os.WriteFile(filepath.Join(dir, "dead"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := asked(t, s, o.addr, "--url", o.url, "--wrong", "random-user"); got != works {
		t.Errorf("squid's cache is not what this test takes it for: %s", got)
	}
	want := "CRITICAL: right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy [auth auth_refused]"
	if got := asked(t, s, o.addr, "--url", o.url); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestRealSilence(t *testing.T) {
	o := origin(t, page("hello"))
	hanging, _ := helper(t, "exec cat >/dev/null")
	s := peers.StartSquid(t, peers.Squid{Conf: hanging})
	at := netip.MustParseAddrPort(s.Addr)
	check := func(want string, args ...string) {
		t.Helper()
		cfg := config(t, append(args, "--url", o.url)...)
		resolve(cfg, o.addr.Addr())
		got := spell(probe(t, at, impatient, cfg), fmt.Sprintf("proxy.test:%d", s.Port), "PROXY", o.addr.String(), "ORIGIN")
		if got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	check("CRITICAL: the authentication helper does not answer: 407 at once without credentials, no answer within 2s with them; see cache.log on the proxy [auth auth_refused]")
	check("CRITICAL: the authentication helper does not answer, or nothing behind the proxy does: 407 at once without credentials, http://ORIGIN/ no answer within 2s with them; see cache.log on the proxy [auth auth_refused]", "--wrong", "never")

	s.Signal(syscall.SIGSTOP) // the kernel still accepts connections for it
	check(`CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: no answer within 2s [proxy connect_timeout]`)
	s.Signal(syscall.SIGCONT)
	s.Kill()
	check(`CRITICAL: connecting to proxy "PROXY": connection refused [proxy refused]`)
}

func TestRealTLS(t *testing.T) {
	o := origin(t, page("hello"))
	secure := peers.StartSquid(t, peers.Squid{Users: alice, TLS: true})
	plain := peers.StartSquid(t, peers.Squid{Users: alice})
	_, stranger := certificate(t, tomorrow())
	for _, c := range []struct {
		name  string
		squid *peers.RunningSquid
		args  []string
		want  string
	}{
		{"it works", secure, []string{"--tls", "--ca-file", secure.CAFile}, "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B), the proxy's certificate is valid for DAYS days"},
		{"it works by another name", secure, []string{"--tls", "--ca-file", secure.CAFile, "--server-name", "localhost"}, "OK: refused without credentials, refused wrong ones, fetched http://ORIGIN/ (200, 5 B), the proxy's certificate is valid for DAYS days"},
		{"it has another name", secure, []string{"--tls", "--ca-file", secure.CAFile, "--server-name", "other.test"}, `CRITICAL: starting TLS with proxy "PROXY": x509: certificate is valid for localhost, proxy.test, not other.test [proxy tls]`},
		{"nobody knows it", secure, []string{"--tls"}, `CRITICAL: starting TLS with proxy "PROXY": x509: certificate signed by unknown authority: --ca-file names the certificates to trust [proxy tls]`},
		{"somebody else is known", secure, []string{"--tls", "--ca-file", stranger}, `CRITICAL: starting TLS with proxy "PROXY": x509: certificate signed by unknown authority: --ca-file names the certificates to trust [proxy tls]`},
		{"TLS to a port that speaks none", plain, []string{"--tls"}, `CRITICAL: starting TLS with proxy "PROXY": an answer that is not TLS: leave out --tls, or name the https_port [proxy tls]`},
		{"no TLS to a port that speaks it", secure, nil, `CRITICAL: asking proxy "PROXY" for "http://ORIGIN/" without credentials: an answer in TLS: add --tls [proxy tls]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := asked(t, c.squid, o.addr, append(c.args, "--url", o.url)...); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}
