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
	"syscall"
	"testing"

	"milepost/lib/check"
	"milepost/lib/peers"
	"milepost/lib/probe/squidauth"
)

// cut makes the check of the host fail as a way that is broken between it and this
// monitor, and nobody else.
func cut(t *testing.T, checks []check.Check) {
	t.Helper()
	for i, c := range checks {
		broken, err := c.With(func(cfg any) error {
			cfg.(*squidauth.Config).Dial = func(context.Context, netip.AddrPort) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		checks[i] = broken
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
	cut(t, loaded.Hosts[0].Checks)
	s.start(f, loaded)
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
