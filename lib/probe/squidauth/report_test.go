package squidauth_test

import (
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/probe/squidauth"
	"milepost/lib/secret"
	"milepost/lib/verdict"
)

func TestNothingMeasuredReportsNothing(t *testing.T) {
	if r := (squidauth.Result{}).Report(); !reflect.DeepEqual(r, metric.Report{}) {
		t.Errorf("%+v", r)
	}
}

// names are the samples as perfdata, flags and Prometheus name them.
func names(o check.Outcome) (perfdata, flags, prometheus string) {
	var all [3][]string
	for _, f := range o.Findings {
		switch {
		case f.Kind == metric.IsFlag:
			all[1] = append(all[1], fmt.Sprintf("%s=%v", f.Name, f.Value))
		case f.Name != "":
			name := f.Name
			if math.IsNaN(f.Value) {
				name += "=U"
			}
			all[0] = append(all[0], name)
		}
		if f.Metric != "" {
			all[2] = append(all[2], f.Metric+strings.Join(append([]string{""}, f.Labels...), " "))
		}
	}
	return strings.Join(all[0], " "), strings.Join(all[1], " "), strings.Join(all[2], ", ")
}

func TestSamples(t *testing.T) {
	const stages = "squid_auth_stage_duration_seconds stage "
	for _, c := range []struct {
		name, args                  string
		proxy                       func(call)
		perfdata, flags, prometheus string
	}{
		{
			"it works", "", squid, "time connect challenge auth fetch size",
			"unreachable=0 open_proxy=0 no_challenge=0 wrong_accepted=0 helper_silent=0 right_refused=0 no_fetch=0",
			stages + "connect, " + stages + "challenge, " + stages + "auth, " + stages + "fetch, squid_auth_up",
		},
		{
			"nobody there, in TLS, and no wrong password is tried", "--tls --wrong=never", closing(func(call) {}), "time=U connect tls challenge=U fetch=U size=U cert_expires_in=U", "unreachable=1",
			stages + "connect, " + stages + "tls, squid_auth_up",
		},
		{
			"only the right credentials", "--wrong=never --no-credentials=skip", squid, "time connect fetch size",
			"unreachable=0 helper_silent=0 right_refused=0 no_fetch=0",
			stages + "connect, " + stages + "fetch, squid_auth_up",
		},
		{
			"refused", "", call.challenge, "time=U connect challenge auth fetch size=U",
			"unreachable=0 open_proxy=0 no_challenge=0 wrong_accepted=0 helper_silent=0 right_refused=1",
			stages + "connect, " + stages + "challenge, " + stages + "auth, " + stages + "fetch, squid_auth_up",
		},
		{
			"nothing comes", "--no-direct", withPassword(squidSays(503, "ERR_CONNECT_FAIL")), "time=U connect challenge auth fetch size=U",
			"unreachable=0 open_proxy=0 no_challenge=0 wrong_accepted=0 helper_silent=0 right_refused=0 no_fetch=1",
			stages + "connect, " + stages + "challenge, " + stages + "auth, " + stages + "fetch, squid_auth_up",
		},
		{
			"unreachable", "", closing(func(call) {}), "time=U connect challenge auth=U fetch=U size=U", "unreachable=1",
			stages + "connect, " + stages + "challenge, squid_auth_up",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, append(strings.Fields(c.args), "--url=http://origin.test/")...)
			o := probe(t, fake(t, c.proxy).addr, patient, cfg)
			perfdata, flags, prometheus := names(o)
			for _, x := range [][2]string{{perfdata, c.perfdata}, {flags, c.flags}, {prometheus, c.prometheus}} {
				if x[0] != x[1] {
					t.Errorf("\n got %s\nwant %s", x[0], x[1])
				}
			}
			up := o.Findings[len(o.Findings)-1]
			if working := strings.HasSuffix(c.flags, "no_fetch=0"); (up.Value == 1) != working {
				t.Errorf("squid_auth_up %v", up.Value)
			}
		})
	}
}

func TestProxyCertificate(t *testing.T) {
	for _, c := range []struct {
		name string
		ends time.Duration // from now
		want string
	}{
		{"good", 24 * time.Hour, strings.Replace(hello, "ORIGIN", "origin.test", 1) + ", the proxy's certificate is valid for DAYS days"},
		{"over", -time.Hour, `CRITICAL: starting TLS with proxy "PROXY": x509: certificate has expired or is not yet valid: NOW [proxy tls]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cert, trusted := certificate(t, time.Now().Add(c.ends))
			l := listen(t)
			// Each answer ends the connection, so that TLS starts anew for the next.
			fakeOn(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}), closing(squid))
			at := l.Addr().(*net.TCPAddr).AddrPort()
			o := probe(t, at, patient, config(t, "--tls", "--ca-file", trusted, "--url", "http://origin.test/"))
			got := now.ReplaceAllString(spell(o, fmt.Sprintf("proxy.test:%d", at.Port()), "PROXY"), ": NOW")
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			i := slices.IndexFunc(o.Findings, func(f verdict.Finding) bool { return f.Name == "cert_expires_in" })
			if i < 0 {
				t.Fatal("nothing says when the certificate ends")
			}
			if off := o.Findings[i].Value - c.ends.Seconds(); off > 60 || off < -60 {
				t.Errorf("it ends in %v s", o.Findings[i].Value)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("wonder\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := fake(t, squid)
	for _, c := range []struct {
		name string
		set  func(*squidauth.Config)
		want string
	}{
		{"a password file counts more than the environment", func(c *squidauth.Config) {
			c.Login.PasswordFile = "PATH"
		}, strings.Replace(hello, "ORIGIN", "origin.test", 1)},
		{"it went away", func(c *squidauth.Config) { c.Login.PasswordFile = "/does/not/exist" }, `UNKNOWN: reading secret "/does/not/exist": no such file or directory [monitor not_measured]`},
		{"no certificates", func(c *squidauth.Config) { c.Proxy.TLS, c.Proxy.CAFile = true, "/does/not/exist" }, `UNKNOWN: reading certificates "/does/not/exist": no such file or directory [monitor not_measured]`},
		{"a directory of certificates", func(c *squidauth.Config) { c.Fetch.OriginCAFile = "/" }, `UNKNOWN: reading certificates "/": not a regular file of at most 4194304 bytes [monitor not_measured]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(t, "--url", "http://origin.test/")
			if c.set(cfg); cfg.Login.PasswordFile == "PATH" {
				cfg.Login.PasswordFile = secret.File(password)
			} else {
				cfg.Login.Password = secret.New("wonder")
			}
			if got := spell(probe(t, p.addr, patient, cfg)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEveryURLThatFailsIsNamed(t *testing.T) {
	p := fake(t, withPassword(func(c call) {
		if c.Host == "good.test" {
			c.answer(200, "", "hello")
			return
		}
		squidSays(503, "ERR_CONNECT_FAIL")(c)
	}))
	cfg := config(t, "--no-direct", "--url", "http://a.test/", "--url", "http://good.test/", "--url", "http://b.test/?x=y")
	want := "CRITICAL: http://a.test/ 503 ERR_CONNECT_FAIL; also http://b.test/?... 503 ERR_CONNECT_FAIL [origin origin]"
	if got := spell(probe(t, p.addr, patient, cfg)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Without a host it is this machine's proxy.
func TestThisMachine(t *testing.T) {
	p := fake(t, squid)
	cfg := config(t, "--url", "http://origin.test/")
	cfg.Proxy.Port = int(p.addr.Port())
	c, err := check.Define("squid_auth", squidauth.Default, squidauth.Measure).Local().Bind(cfg, metric.Target{Name: "here"})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Run(t.Context())
	if got, want := spell(o), strings.Replace(hello, "ORIGIN", "origin.test", 1); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if want := fmt.Sprintf("connecting to proxy %q", p.addr); o.Stages[0].Doing != want {
		t.Errorf("\n got %s\nwant %s", o.Stages[0].Doing, want)
	}
}
