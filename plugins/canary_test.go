package plugins

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// startCanary starts "milepost-exporter canary" and returns where it is served.
func startCanary(t *testing.T) (url string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "milepost-exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "../exporter")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the exporter: %v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(context.Background()) // the test's own has ended when it cleans up
	addr := fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	canary := exec.CommandContext(ctx, program, "canary", "--web.listen-address", addr)
	canary.Cancel = func() error { return canary.Process.Signal(syscall.SIGTERM) }
	canary.Stderr = os.Stderr
	if err := canary.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = canary.Wait() })
	url = "http://" + addr + "/"
	if !peers.Until(20*time.Second, func() bool {
		r, err := http.Get(url)
		if err == nil {
			_ = r.Body.Close()
		}
		return err == nil
	}) {
		t.Fatal("the canary does not answer")
	}
	return url
}

// The address that the origin saw proves which way a request went, though the proxy
// tells nobody of itself.
func TestRealExit(t *testing.T) {
	canary := startCanary(t)
	users := map[string]string{"monitor": "swordfish"}
	stealthy := peers.StartSquid(t, peers.Squid{Users: users, Conf: "via off\nforwarded_for delete"})
	other := peers.StartSquid(t, peers.Squid{Users: users, Conf: "tcp_outgoing_address 127.0.0.2"})
	caching := peers.StartSquid(t, peers.Squid{Users: users, Conf: "refresh_pattern . 60 100% 60 override-expire ignore-reload ignore-no-store ignore-private"})
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := plugin("check_squid_auth")
	for _, tt := range []struct {
		name  string
		proxy int
		exit  string
		code  int
		want  string
	}{
		{"the proxy's own address", stealthy.Port, "--expect-exit 127.0.0.1", 0, "SQUID_AUTH OK: refused without credentials, refused wrong ones, fetched " + canary + " (200, ... by 127.0.0.1 | ..."},
		{"one of several", other.Port, "--expect-exit 192.0.2.1 --expect-exit 127.0.0.2", 0, "SQUID_AUTH OK: ... by 127.0.0.2 | ..."},
		{"another way out", other.Port, "--expect-exit 127.0.0.1", 2, "SQUID_AUTH CRITICAL: wrong exit: the origin saw 127.0.0.2 and not 127.0.0.1...| ..."},
		{"a cache cannot make it up", caching.Port, "--expect-exit 127.0.0.1", 0, "SQUID_AUTH OK: ... by 127.0.0.1 | ..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := fmt.Sprintf("-H 127.0.0.1 -p %d -u monitor --password-file %s --url %s %s", tt.proxy, password, canary, tt.exit)
			program.Run(t, plugintest.Args(args)...).Expect(t, tt.code, tt.want)
		})
	}
}

// Whatever a plugin has to say, the Monitoring Plugins' own library reads its
// performance data: of several hosts, of failures, of what was not determined.
func TestRealPerfdata(t *testing.T) {
	open := peers.StartSquid(t, peers.Squid{})
	agent := peers.StartSnmpd(t, peers.Snmpd{Offset: -90 * time.Second})
	resolver := peers.StartUnbound(t, `local-data: "www.example.test. A 192.0.2.1"`)
	ping := plugin("check_packet_loss").Run(t, "--self-test").Exit == 0
	squid := " --no-direct --no-credentials allowed --url http://127.0.0.1:9/ -p "
	for _, tt := range []struct {
		plugin, args string
		exit         int
		want         string
	}{
		{"check_squid_auth", fmt.Sprint("-H 127.0.0.1", squid, peers.Port(t)), 2, "SQUID_AUTH CRITICAL: ... | time=U connect=... fetch=U size=U"},
		{"check_squid_auth", fmt.Sprint("-H 127.0.0.1 -H 127.0.0.2 -w 1 -c 2", squid, open.Port), 2, "SQUID_AUTH CRITICAL: 2 hosts: 2 CRITICAL; ... | 127.0.0.1_time=U;1;2 ...127.0.0.2_time=U;1;2 ..."},
		{"check_clock_offset", fmt.Sprintf("-H 127.0.0.1 -p %d --reference none -o %s", agent.Port, agent.EpochOID), 2, "CLOCK_OFFSET CRITICAL: offset -...; limit crossed: offset below -60 s | offset=-...s;-5:5;-60:60 offset_abs=...s;5;60 uncertainty=...s rtt=...s"},
		{"check_clock_offset", fmt.Sprintf("-H 127.0.0.1 -H ::1 -p %d --reference none -w ~:10 -c @100:200", agent.Port), 3, "CLOCK_OFFSET UNKNOWN: 2 hosts: ... | 127.0.0.1_offset=...s;~:10;@100:200 ..."},
		{"check_resolver", fmt.Sprintf("-H 127.0.0.1 -p %d --query www.example.test=192.0.2.2 --random none -w 5 -c 9", resolver.Port), 2, "RESOLVER CRITICAL: ... | time=...s;5;9 failed=2 tests=2"},
		{"check_resolver", fmt.Sprintf("-H 127.0.0.1 -p %d --query www.example.test -t 2", peers.Port(t)), 2, "RESOLVER CRITICAL: ... | ..."},
		{"check_packet_loss", "-H 127.0.0.1 -H 127.0.0.2 -n 3 -i 0.01 -w 33.3 -c 66.6", 0, "PACKET_LOSS OK: 2 hosts: 2 OK | 127.0.0.1_loss=0%;33.3;66.6;0;100 ...127.0.0.2_loss=0%;33.3;66.6;0;100 ..."},
		{"check_path", "-H 127.0.0.1 --from Paris --to Sydney -n 2 -i 0.01", 2, "PATH CRITICAL: cannot be there: ... | fibre=..."},
		{"check_host_drift", "--expect-hostname no-such-name", 2, "HOST_DRIFT CRITICAL: ... | drifted=1 looked_at=1"},
	} {
		if !ping && (tt.plugin == "check_packet_loss" || tt.plugin == "check_path") {
			peers.Missing(t, "no permission for ICMP")
		}
		plugin(tt.plugin).Run(t, plugintest.Args(tt.args)...).Expect(t, tt.exit, tt.want)
	}
}
