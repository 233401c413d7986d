package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/peers"
)

// fileSays waits until the file is as wanted. It gives up before silent hosts, asked for 30 s,
// would be told.
func fileSays(t *testing.T, situation, path, want string) {
	t.Helper()
	got := ""
	if !peers.Until(20*time.Second, func() bool {
		text, _ := os.ReadFile(path)
		got = string(text)
		return got == want
	}) {
		t.Errorf("%s: the file says %q, want %q", situation, got, want)
	}
}

// TestRealHostStatusFileOfARound: what a round amounts to is written; at the end, nothing is
// known.
func TestRealHostStatusFileOfARound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "states")
	t.Cleanup(func() { fileSays(t, "after the end", path, "fra-1 3\n") })
	s := startServer(t, fmt.Sprintf(`
defaults: {interval: 1s, timeout: 1s}
hosts: [{name: fra-1, address: 127.0.0.1, checks: {squid_auth: {port: %d, urls: ["http://x/"], no_credentials: allowed}}}]
status: {host_status_file: %s}
`, peers.Port(t), path))
	s.until("/status.json", `"down":1`)
	fileSays(t, "a host that is down", path, "fra-1 2\n")
}

// TestRealHostStatusFileIsNeverOld: what the exporter before wrote is no news, and what this
// one wrote is none after its lease.
func TestRealHostStatusFileIsNeverOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "states")
	if err := os.WriteFile(path, []byte("h0 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "defaults: {interval: 60s, timeout: 60s}\nstatus: {host_status_file: "+path+"}\n"+silentHosts(t, 1))
	fileSays(t, "before the first round", path, "h0 3\n")
	up := func(string) hoststate.Status { return hoststate.Up }
	s.m.tellStates(s.m.watching(), time.Now(), up)
	fileSays(t, "while its lease lasts", path, "h0 0\n")
	s.m.tellStates(s.m.watching(), time.Now().Add(-time.Hour), up)
	fileSays(t, "after its lease", path, "h0 3\n")
}
