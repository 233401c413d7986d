package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// TestRealPlugins judges all of ours, beside real servers.
func TestRealPlugins(t *testing.T) {
	bin := peers.Dir(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", bin, "milepost/plugins/...")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(origin.Close)
	agent := peers.StartSnmpd(t, peers.Snmpd{Offset: 30 * time.Hour})
	resolver := peers.StartUnbound(t, "  local-zone: \"com.\" static\n  local-zone: \"invalid.\" static\n")
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "wonder"}})
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wonder\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf("-u monitor --password-file %s --url %s/ --no-direct", password, origin.URL)
	for _, row := range []struct{ plugin, args, slow string }{
		{"check_clock_offset", fmt.Sprintf("-H 127.0.0.1 -p %d -o %s --reference none -t 2", agent.Port, agent.EpochOID), "-H 127.0.0.1 -p {port} --reference none"},
		{"check_squid_auth", fmt.Sprintf("-H 127.0.0.1 -p %d %s", squid.Port, login), "-H 127.0.0.1 -p {port} " + login},
		{"check_resolver", fmt.Sprintf("-H 127.0.0.1 -p %d", resolver.Port), "-H 127.0.0.1 -p {port} --query www.example.test"},
		{"check_packet_loss", "-H 127.0.0.1 -n 2 -i 0.01", ""},
		{"check_path", "-H 127.0.0.1 --from 51.5,-0.1 --to 51.5,-0.1 -n 2 -i 0.01", ""},
		{"check_host_drift", "--root / --not-immutable /etc/passwd", ""},
	} {
		t.Run(row.plugin, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-grace", "200ms", "-line", "1000", "-slow", row.slow, filepath.Join(bin, row.plugin)}, strings.Fields(row.args)...)
			if exit, broken := conform(t, args...); exit != 0 || len(broken) > 0 {
				t.Errorf("broken: %q", broken)
			}
		})
	}
}
