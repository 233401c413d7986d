package plugins

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// Nagios gets of the plugins what NRPE carries: an exit code and stdout, from a
// process of another user with hardly any environment.
func TestRealNRPE(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(origin.Close)
	host := peers.StartSnmpd(t, peers.Snmpd{})
	squid := peers.StartSquid(t, peers.Squid{})
	login := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "s3cret"}})
	resolver := peers.StartUnbound(t, "  local-zone: \"com.\" static\n  local-zone: \"invalid.\" static\n")
	clock, auth, dns, loss := plugin("check_clock_offset"), plugin("check_squid_auth"), plugin("check_resolver"), plugin("check_packet_loss")
	permitted := plugintest.Build(t, "check_packet_loss") // one of its own, which gets the capability
	nrpe := peers.StartNRPE(t, map[string]string{
		"clock":     fmt.Sprintf("%s -H 127.0.0.1 -p %d", clock.Path, host.Port),
		"clock_far": fmt.Sprintf("%s -H 127.0.0.1 -p %d --reference none -w 1000: -c 2000:", clock.Path, host.Port),
		"squid":     fmt.Sprintf("%s -H 127.0.0.1 -p %d --no-credentials allowed --url %s/", auth.Path, squid.Port, origin.URL),
		"squid_bad": fmt.Sprintf("%s -H 127.0.0.1 -p %d --wrong never --url %s/ -u monitor --password-file /etc/passwd", auth.Path, squid.Port, origin.URL),
		"login":     fmt.Sprintf("%s -H 127.0.0.1 -p %d --url %s/ -u monitor --password-file %s", auth.Path, login.Port, origin.URL, secretOf(t, "nagios", "s3cret")),
		"locked":    fmt.Sprintf("%s -H 127.0.0.1 -p %d --url %s/ -u monitor --password-file %s", auth.Path, login.Port, origin.URL, secretOf(t, "nagios", "changed")),
		"resolver":  fmt.Sprintf("%s -H 127.0.0.1 -p %d", dns.Path, resolver.Port),
		"slow":      fmt.Sprintf("%s -H 127.0.0.1 -p %d -w @0:", dns.Path, resolver.Port),
		"loss":      loss.Path + " -H 127.0.0.1 -n 5 -i 0.02",
		"permitted": permitted.Path + " -H 127.0.0.1 -n 5 -i 0.02",
		"verbose":   fmt.Sprintf("%s -H 127.0.0.1 -p %d -v", dns.Path, resolver.Port),
	})
	for _, tt := range []struct {
		name string
		exit int
		want string
	}{
		{"clock", 0, "CLOCK_OFFSET OK: offset ..."},
		{"clock_far", 2, "CLOCK_OFFSET CRITICAL: offset ..."},
		{"squid", 0, "SQUID_AUTH OK: fetched ..."},
		{"squid_bad", 3, "SQUID_AUTH UNKNOWN: usage: --password-file: reading secret \"/etc/passwd\": others may open it ..."},
		{"login", 0, "SQUID_AUTH OK: refused without credentials, refused wrong ones, fetched ..."},
		{"locked", 2, "SQUID_AUTH CRITICAL: ... refused ..."},
		{"resolver", 0, "RESOLVER OK: resolver \"127.0.0.1\": 3 tests, 0 failed, ..."},
		{"slow", 1, "RESOLVER WARNING: slow: ..."},
		{"verbose", 0, "RESOLVER OK: ..."},
	} {
		t.Run(tt.name, func(t *testing.T) { answer(nrpe, tt.name).Expect(t, tt.exit, tt.want) })
	}
	t.Run("loss", func(t *testing.T) {
		if groups, err := os.ReadFile("/proc/sys/net/ipv4/ping_group_range"); err != nil || strings.TrimSpace(string(groups)) != "1\t0" {
			peers.Missing(t, fmt.Sprintf("this machine lets other users ping: ping_group_range is %q", groups))
		}
		answer(nrpe, "loss").Expect(t, 3, fmt.Sprintf(`PACKET_LOSS UNKNOWN: pinging "127.0.0.1": no permission for ICMP: run setcap cap_net_raw=p %q, or sysctl -w net.ipv4.ping_group_range='0 2147483647'`, loss.Path))
	})
	t.Run("permitted", func(t *testing.T) {
		setcap, err := exec.LookPath("/usr/sbin/setcap")
		if err != nil || os.Geteuid() != 0 {
			peers.Missing(t, "setcap, or root for it, is not here")
		}
		if out, err := exec.CommandContext(t.Context(), setcap, "cap_net_raw=p", permitted.Path).CombinedOutput(); err != nil {
			peers.Missing(t, fmt.Sprintf("this file system has no capabilities: %s", out))
		}
		answer(nrpe, "permitted").Expect(t, 0, "PACKET_LOSS OK: 0/... lost ...")
	})
}

// secretOf is a file with a secret that only the user may read, if there is one to be.
func secretOf(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(peers.Dir(t), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return path // NRPE runs as this user
	}
	u, err := user.Lookup(name)
	if err != nil {
		peers.Missing(t, err.Error())
	}
	uid, err := strconv.Atoi(u.Uid)
	if err == nil {
		err = os.Chown(path, uid, -1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// answer is what check_nrpe gives Nagios.
func answer(n *peers.RunningNRPE, name string) plugintest.Answer {
	exit, output := n.Check(name)
	return plugintest.Answer{Exit: exit, Output: output}
}
