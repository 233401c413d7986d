package contrib

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// TestRealSnmpd: snmpd tells the time to the user of the snippet alone, and tells it afresh.
func TestRealSnmpd(t *testing.T) {
	t.Parallel()
	s := programs(t)
	epoch, err := filepath.Abs("snmpd/epoch")
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.Replace(read(t, "snmpd/milepost.conf"), "/usr/share/milepost/snmpd/epoch", epoch, 1)
	// lib/peers has a clock of its own there.
	conf = strings.ReplaceAll(conf, "8072.9999.9999.1", "8072.9999.9999.77")
	host := peers.StartSnmpd(t, peers.Snmpd{Conf: "createUser milepost SHA-256 wonderland AES looking-glass\n" + conf})
	auth, priv := filepath.Join(peers.Dir(t), "auth"), filepath.Join(peers.Dir(t), "priv")
	for file, text := range map[string]string{auth: "wonderland\n", priv: "looking-glass\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ situation, oid, want string }{
		{"the time", "1.3.6.1.4.1.8072.9999.9999.77.0", "CLOCK_OFFSET OK: "},
		{"hrSystemDate", "1.3.6.1.2.1.25.1.2.0", "CLOCK_OFFSET OK: "},
		{"what is outside the view: load averages", "1.3.6.1.4.1.2021.10.1.5.1", "CLOCK_OFFSET UNKNOWN: "},
	} {
		out, err := exec.CommandContext(t.Context(), s.programs+"/check_clock_offset", "-H", "127.0.0.1", "-p", fmt.Sprint(host.Port), "-P", "3", "-U", "milepost",
			"-a", "SHA-256", "--auth-password-file", auth, "-x", "AES", "--priv-password-file", priv, "-o", tt.oid, "--reference", "none", "--precise").CombinedOutput()
		if !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("%s: %v, %s", tt.situation, err, out)
		}
	}
}

// TestRealSquid: squid takes the snippet, the monitor's user gets its canary and nothing
// else, and the exporter bills from the log that squid writes.
func TestRealSquid(t *testing.T) {
	t.Parallel()
	s := programs(t)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(origin.Close)
	dir := peers.Dir(t)
	if err := os.Chmod(dir, 0o777); err != nil { // squid is no root
		t.Fatal(err)
	}
	log := filepath.Join(dir, "access.log")
	conf := strings.NewReplacer("/var/log/squid/access.log", log, "dstdomain canary.example.net", "dst 127.0.0.1/32").Replace(read(t, "squid/milepost.conf"))
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "wonder", "alice": "looking"}, Conf: conf})
	for _, tt := range []struct {
		user, password, to string
		want               int
	}{
		{"monitor", "wonder", origin.URL, 200},
		{"monitor", "wonder", strings.Replace(origin.URL, "127.0.0.1", "127.0.0.2", 1), 403},
		{"alice", "looking", origin.URL, 200},
	} {
		proxy := &url.URL{Scheme: "http", Host: squid.Addr, User: url.UserPassword(tt.user, tt.password)}
		client := http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil }, DisableKeepAlives: true}}
		answer, err := client.Get(tt.to)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != tt.want {
			t.Errorf("%s gets %s from %s, want %d", tt.user, answer.Status, tt.to, tt.want)
		}
	}
	squid.Lines(3)
	out, err := exec.CommandContext(t.Context(), s.programs+"/milepost-exporter", "usage", "--log", log, "--log-format", "bill", "--exclude-users", "monitor", "--format", "csv").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nalice,") || strings.Contains(string(out), "monitor") {
		t.Errorf("usage: %v\n%s", err, out)
	}
}

// TestRealLogrotate: logrotate rotates by the snippet.
func TestRealLogrotate(t *testing.T) {
	dir := peers.Dir(t)
	put(t, filepath.Join(dir, "access.log"), "a line\n")
	put(t, filepath.Join(dir, "conf"), strings.ReplaceAll(read(t, "logrotate/squid"), "/var/log/squid", dir))
	out, err := exec.CommandContext(t.Context(), peers.Program(t, "logrotate"), "--force", "--state", filepath.Join(dir, "state"), filepath.Join(dir, "conf")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "access.log.1")); err != nil {
		t.Errorf("nothing was rotated: %v", err)
	}
}

// TestRealUnits: systemd understands the units and the drop-ins, and the service gives
// little away.
func TestRealUnits(t *testing.T) {
	analyze := peers.Program(t, "systemd-analyze")
	dir := peers.Dir(t)
	service := filepath.Join(dir, "milepost-exporter.service")
	// What they start, and their manuals, are not installed here.
	text := strings.ReplaceAll(read(t, tree+"/packaging/debian/milepost-exporter.service"), "/usr/bin/milepost-exporter", "/bin/true")
	put(t, service, strings.ReplaceAll(text, "Documentation=", "#"))
	if !strings.Contains(text, "\nType=notify\nWatchdogSec=60s\n") { // TestRealAsAService: it feeds it
		t.Error("systemd does not start a service again that hangs")
	}
	put(t, filepath.Join(dir, "milepost-exporter.socket"), strings.ReplaceAll(read(t, tree+"/packaging/debian/milepost-exporter.socket"), "Documentation=", "#"))
	dropIns := service + ".d"
	if err := os.Mkdir(dropIns, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secrets.conf", "publish.conf"} {
		put(t, filepath.Join(dropIns, name), read(t, filepath.Join("systemd", name)))
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", service, filepath.Join(dir, "milepost-exporter.socket")).CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", "--no-pager", service).CombinedOutput()
	if err != nil {
		t.Errorf("the service is exposed by more than 2.0: %v\n%s", err, out)
	}
}

// TestRealAsAService: the exporter serves the socket that systemd hands it, without an
// option, tells systemd when it is ready, feeds its watchdog, and says when it ends.
func TestRealAsAService(t *testing.T) {
	t.Parallel()
	s := programs(t)
	dir := peers.Dir(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	manager := filepath.Join(dir, "notify")
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: manager, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = notified.Close() })
	hear := func(want string) {
		t.Helper()
		said := make([]byte, 200)
		for got := ""; got != want; {
			_ = notified.SetReadDeadline(time.Now().Add(30 * time.Second)) // a new socket takes any deadline
			n, err := notified.Read(said)
			if err != nil {
				t.Fatalf("systemd does not hear %q: %v", want, err)
			}
			got, _, _ = strings.Cut(string(said[:n]), "\n")
		}
	}
	// LISTEN_PID is the exporter's own: a shell that becomes it says so.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$0" --state-dir "$1"`, s.programs+"/milepost-exporter", dir)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager, "WATCHDOG_USEC=300000")
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hear("READY=1")
	// A connection waits in the socket until the exporter is there.
	answer, err := http.Get("http://" + l.Addr().String() + "/-/ready")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", answer, err)
	}
	hear("WATCHDOG=1")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("the exporter ended so: %v", err)
	}
}
