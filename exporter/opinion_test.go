package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"milepost/lib/check"
	"milepost/lib/peers"
	"milepost/lib/probe/squidauth"
)

// mayBreak makes the way to the host one that, once broken is set, fails between it and
// this monitor, and nobody else.
func mayBreak(t *testing.T, checks []check.Check, broken *atomic.Bool) {
	t.Helper()
	for i, c := range checks {
		changed, err := c.With(func(cfg any) error {
			cfg.(*squidauth.Config).Dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
				if broken.Load() {
					return nil, syscall.ECONNREFUSED
				}
				return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checks[i] = changed
	}
}

// Real squids stand for four providers. A proxy that this monitor alone cannot reach
// is degraded, and down as soon as the others cannot reach it either.
func TestRealSecondOpinion(t *testing.T) {
	users := map[string]string{"monitor": "s3cret"}
	suspect := peers.StartSquid(t, peers.Squid{Users: users})
	shipped, err := os.ReadFile(filepath.Join("..", "contrib", "squid", "second-opinion.conf"))
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.Replace(string(shipped), "port 3128", fmt.Sprintf("port %d", suspect.Port), 1) +
		"acl peers_connect method CONNECT\nhttp_access deny peers_connect"
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var hosts strings.Builder
	host := func(name, provider string, port int) {
		fmt.Fprintf(&hosts, "  - {name: %s, address: 127.0.0.1, labels: {provider: %s}, checks: {squid_auth: {port: %d}}}\n", name, provider, port)
	}
	host("suspect", "gandi", suspect.Port)
	host("sister", "gandi", peers.StartSquid(t, peers.Squid{Users: users, Conf: "http_access deny all"}).Port)
	host("ovh-1", "ovh", peers.StartSquid(t, peers.Squid{Users: users, Conf: conf}).Port)
	host("aws-1", "aws", peers.StartSquid(t, peers.Squid{Users: users, Conf: strings.ReplaceAll(conf, "allow milepost", "deny milepost")}).Port)

	s := &server{t: t, log: &lockedBuffer{}, file: inventoryFile(t, fmt.Sprintf(`
defaults:
  interval: 1s
  timeout: 1s
  checks: {squid_auth: {user: monitor, password_file: %s, urls: ["%s/"], wrong: never}}
hosts:
%s`, password, origin.URL, hosts.String()))}
	f := defaultFlags()
	f.ConfigFile, f.StateDir = s.file, t.TempDir()
	loaded, err := f.load(served())
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	mayBreak(t, loaded.Hosts[0].Checks, &broken)
	s.start(f, loaded)
	s.until("/status.json", `"id":"suspect","name":"suspect","group":"","status":"up"`, `"id":"ovh-1","name":"ovh-1","group":"","status":"up"`,
		`"id":"aws-1","name":"aws-1","group":"","status":"up"`)
	broken.Store(true)
	s.until("/status.json", `"id":"suspect","name":"suspect","group":"","status":"degraded"`)
	if log := s.log.String(); !strings.Contains(log, "ovh-1 reaches it (the suspect answers 407") || !strings.Contains(log, "aws-1 has no opinion (407") {
		t.Errorf("who said what is not in the log:\n%s", log)
	}
	suspect.Kill()
	s.until("/status.json", `"id":"suspect","name":"suspect","group":"","status":"down"`)
	if log := s.log.String(); !strings.Contains(log, "ovh-1 does not reach it (503 ERR_CONNECT_FAIL)") || strings.Contains(log, "s3cret") {
		t.Errorf("who said what is not in the log, or too much is:\n%s", log)
	}
}
