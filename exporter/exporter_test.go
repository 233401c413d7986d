package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/peers"
)

// execute is the program with these arguments.
func execute(args ...string) (exit int, out, faults string) {
	var o, f bytes.Buffer
	exit = run(args, &o, &f)
	return exit, o.String(), f.String()
}

func inventoryFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "milepost.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	good := inventoryFile(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {baseline: 2}}}]")
	bad := inventoryFile(t, "hosts: [{nme: a}]\n")
	for _, tt := range []struct {
		args string
		exit int
		want string
	}{
		{"--help", 0, "Usage: milepost-exporter [COMMAND] [options]"},
		{"--version", 0, "milepost-exporter "},
		{"version", 0, "milepost-exporter "},
		{"help", 0, "Usage: milepost-exporter [COMMAND] [options]"},
		{"help usage", 0, "milepost-exporter usage [options]"},
		{"help usge", 1, `no command "usge": did you mean "usage"?`},
		{"usage --help", 0, "milepost-exporter usage [options]"},
		{"--config.file=", 1, "--config.file: is empty: give it a value, or leave it out"},
		{"usage --timezone= --log /dev/null", 1, "--timezone: is empty: give it a value, or leave it out"},
		{"usage --by= --log /dev/null", 1, "--by: is empty: give it a value, or leave it out"},
		{"why a --state-dir=", 1, "--state-dir: is empty: give it a value, or leave it out"},
		{"--probe.concurrency 0", 1, "--probe.concurrency: 0 is less than one"},
		{"--probe.concurrency -1", 1, "--probe.concurrency: -1 is less than one"},
		{"maintenance start a --for 2h --until 2026-12-01T00:00:00Z", 1, "--for and --until exclude each other"},
		{"maintenance start a", 1, "one of --for, --until and --weekly is needed"},
		{"sevre", 1, `no command "sevre": did you mean "serve"?`},
		{"--web.listen 1", 1, "milepost-exporter serve: "},
		{"check-config " + good, 0, ": 1 host, checks: 1 packet_loss\n"},
		{"check-config " + bad, 1, bad + `:1:10: host: unknown key "nme": did you mean "name"?`},
		{"check-config /nonexistent", 1, `reading inventory "/nonexistent": no such file or directory`},
		{"check-config", 1, "which file?"},
		{"check-config --config.file " + good, 0, ": 1 host, checks: 1 packet_loss\n"},
		{"check-config " + good + " --config.file " + good, 1, "one file is checked at a time"},
		{"serve --config.file /nonexistent", 1, "milepost-exporter serve: reading inventory"},
		{"serve --config.file " + bad, 1, `unknown key "nme"`},
		{"probe nobody --config.file " + good, 3, `no host "nobody" in the inventory`},
		{"probe a clok --config.file " + good, 3, `host "a" has no check "clok": it has packet_loss`},
		{"usage --from x", 1, `--from: "x" is no date: write 2026-11-01`},
		{"usage --from 2026-11-02 --to 2026-11-01", 1, "is not before"},
		{"usage --timezone Mars", 1, `timezone "Mars" is unknown`},
		{"usage --ledger /nonexistent", 1, "name one with --ledger"},
		{"usage --log /nonexistent", 1, "no such file"},
		{"usage --by usr --log /dev/null", 1, "the keys are user"},
		{"usage stray", 1, `unexpected argument "stray"`},
	} {
		exit, out, faults := execute(strings.Fields(tt.args)...)
		if exit != tt.exit || !strings.Contains(out+faults, tt.want) {
			t.Errorf("%s: %d %q, want %d %q", tt.args, exit, out+faults, tt.exit, tt.want)
		}
	}
}

func TestUsageOfLogs(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	text := "1795392148.123     12 127.0.0.1 TCP_MISS/200 1000 GET http://x/ alice HIER_DIRECT/127.0.0.1 text/plain\n"
	if err := os.WriteFile(log, []byte(text+text), 0o600); err != nil {
		t.Fatal(err)
	}
	exit, out, _ := execute("usage", "--log", log, "--format", "json", "--by", "user,day", "--timezone", "Asia/Tokyo")
	if want := `{"rows":[{"bytes_in":null,"bytes_out":2000,"day":"2026-11-23","requests":2,"user":"alice"}],"holes":[]}` + "\n"; exit != 0 || out != want {
		t.Errorf("%d %s", exit, out)
	}
	if err := os.WriteFile(log, []byte(text+"torn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exit, out, _ = execute("usage", log, "--log", log); exit != 3 || !strings.Contains(out, "total, incomplete") {
		t.Errorf("%d %s", exit, out)
	}
	exit, _, faults := execute("usage", "--log", log, "--format", "csv")
	if want := "milepost-exporter usage: incomplete: not everything could be counted (1 malformed): --holes shows what\n"; exit != 3 || faults != want {
		t.Errorf("%d %s", exit, faults)
	}
	exit, _, faults = execute("usage", "--log", log, "--format", "csv", "--holes")
	if want := "(1 malformed):\n1 malformed from 2026-11-23T00:02:28Z to 2026-11-23T00:02:28Z on "; exit != 3 || !strings.Contains(faults, want) || strings.Contains(faults, "--holes") || strings.Count(faults, "\n") != 2 {
		t.Errorf("%d %s", exit, faults)
	}
}

// A server is a running exporter.
type server struct {
	t    *testing.T
	m    *monitor
	log  *lockedBuffer
	file string
	http *httptest.Server
	pub  *httptest.Server
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write writes.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startServer(t *testing.T, inventory string, change ...func(*flags)) *server {
	t.Helper()
	s := &server{t: t, log: &lockedBuffer{}, file: inventoryFile(t, inventory)}
	f := defaultFlags()
	f.ConfigFile, f.StateDir = s.file, t.TempDir()
	for _, c := range change {
		c(&f)
	}
	loaded, err := f.load(served())
	if err != nil {
		t.Fatal(err)
	}
	s.start(f, loaded)
	return s
}

// start runs the inventory until the test ends.
func (s *server) start(f flags, loaded *fleet.Fleet) {
	t := s.t
	t.Helper()
	var err error
	if s.m, err = newMonitor(f, loaded, slog.New(slog.NewTextHandler(s.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.m.watch(ctx) })
	running.Go(func() { s.m.reloads(ctx) })
	s.http, s.pub = httptest.NewServer(s.m.operator()), httptest.NewServer(s.m.public())
	t.Cleanup(func() {
		s.http.Close()
		s.pub.Close()
		stop()
		running.Wait()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
}

func (s *server) get(path string) (int, string) {
	s.t.Helper()
	return s.fetch(s.http.URL + path)
}

func (s *server) fetch(url string) (int, string) {
	s.t.Helper()
	r, err := http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// getAs is the operator's page in the format that is asked for.
func (s *server) getAs(path, format string) string {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.http.URL+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", format)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// until waits for the page to hold what is wanted.
func (s *server) until(path string, wanted ...string) string {
	s.t.Helper()
	var page string
	var missing []string
	if !peers.Until(40*time.Second, func() bool {
		_, page = s.get(path)
		missing = slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return strings.Contains(page, w) })
		return len(missing) == 0
	}) {
		s.t.Fatalf("%s never has %q:\n%s", path, missing, page)
	}
	return page
}

const oneHost = `
defaults:
  interval: 2s
  timeout: 1s
hosts:
  - {name: here, address: 127.0.0.1, group: lab, city: Paris, country: FR, labels: {rack: r1, "data center": d1}, checks: {packet_loss: {spacing: 0.05, baseline: 2}}}
status: {down: [packet_loss], degraded: []}
`

func TestRealServe(t *testing.T) {
	s := startServer(t, oneHost, func(f *flags) { f.EnableReload = true })
	s.until("/metrics",
		`milepost_check_status{check="packet_loss",host="here"} 0`, `milepost_check_state{check="packet_loss",host="here",state="ok"} 1`,
		`milepost_monitor_trusted{test="all"} 1`, `milepost_config_last_reload_successful 1`, "milepost_ping_rtt_seconds_bucket", "go_goroutines", "milepost_scheduler_lag_seconds")
	status := s.until("/status.json", `"status":"up"`)
	var page struct {
		Schema, Status string
		Components     []struct{ ID, Status, Group string }
	}
	if err := json.Unmarshal([]byte(status), &page); err != nil || page.Schema != "milepost.status/1" || page.Components[0].ID != "here" || page.Components[0].Group != "lab" {
		t.Errorf("%v %s", err, status)
	}
	s.until("/", "here")
	_, sd := s.get("/sd")
	if !strings.Contains(sd, `"__param_target":"here"`) || !strings.Contains(sd, `"__meta_milepost_label_rack":"r1"`) || !strings.Contains(sd, `"__meta_milepost_label_data_center":"d1"`) || !strings.Contains(sd, `"__metrics_path__":"/probe"`) {
		t.Error(sd)
	}
	for path, want := range map[string]string{"/-/healthy": "healthy", "/-/ready": "ready", "/canary?nonce=ab12": `{"client":"127.0.0.1","nonce":"ab12"}`} {
		if code, body := s.get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	t.Run("probe", func(t *testing.T) { s.t = t; probes(t, s) })
	t.Run("reload", func(t *testing.T) { s.t = t; reloads(t, s) })
	t.Run("public", func(t *testing.T) { s.t = t; publicOnly(t, s) })
}

func probes(t *testing.T, s *server) {
	for _, tt := range []struct {
		query string
		code  int
		want  string
	}{
		{"target=here&check=packet_loss&count=2", 200, "probe_success 1\n"},
		{"target=here&module=packet_loss&count=2", 200, "milepost_ping_sent_total{host=\"here\"}"},
		{"target=here&check=packet_loss&count=2&debug=true", 200, "PACKET_LOSS OK: "},
		{"target=here&check=packet_loss&count=2&critical=@0:100", 200, "probe_success 0\n"},
		{"target=here&check=packet_loss&ip=6", 200, "probe_success 0\n"},
		{"target=here&check=packet_loss&ip=5", 400, `ip "5" is neither 4 nor 6`},
		{"target=here&check=packet_loss&count=x", 400, "count: "},
		{"target=here&check=packet_loss&baseline=3", 400, `unknown parameter "baseline"`},
		{"target=here&target=there&check=packet_loss", 400, `parameter "target" is there twice`},
		{"target=here", 400, "which host and which check?"},
		{"target=here&check=clock_offset", 404, `host "here" has no check "clock_offset"`},
		{"target=127.0.0.1&check=packet_loss", 404, `no host "127.0.0.1" in the inventory`},
	} {
		if code, body := s.get("/probe?" + tt.query); code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.query, code, body, tt.code, tt.want)
		}
	}
}

func reloads(t *testing.T, s *server) {
	write := func(text string) {
		if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	post := func() (int, string) {
		r, err := http.Post(s.http.URL+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	write(strings.Replace(oneHost, "baseline: 2", "baseline: x", 1))
	if code, body := post(); code != 500 || !strings.Contains(body, ":6:") {
		t.Errorf("%d %s", code, body)
	}
	s.until("/metrics", "milepost_config_last_reload_successful 0", `milepost_check_status{check="packet_loss",host="here"} 0`)
	write(strings.Replace(oneHost, "hosts:", "hosts:\n  - {name: second, address: 127.0.0.2, checks: {packet_loss: {spacing: 0.05}}}", 1))
	if code, body := post(); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	s.until("/metrics", "milepost_config_last_reload_successful 1", `milepost_check_status{check="packet_loss",host="second"} 0`)
	write(oneHost)
	post()
	s.until("/metrics", `host="here"`)
	if _, page := s.get("/metrics"); strings.Contains(page, `host="second"`) {
		t.Error("a host that is gone is still in the metrics")
	}
}

// publicOnly walks every route of both listeners on the public one.
func publicOnly(t *testing.T, s *server) {
	for path, want := range map[string]int{
		"/status.json": 200, "/fleet.json": 200, "/api/v2/status.json": 200, "/api/v2/summary.json": 200, "/api/v2/components.json": 200,
		"/badge/here.json": 200, "/badge/here.svg": 200, "/": 200, "/canary?nonce=1": 200,
		"/metrics": 404, "/metrics/users": 404, "/probe?target=here&check=packet_loss": 404, "/sd": 404, "/-/healthy": 404, "/-/ready": 404,
		"/history.json": 200, "/feed.atom": 200, "/status.schema.json": 200, "/widget.js": 200, "/bar.svg": 200,
		"/host/here": 404, "/smoke/here.svg": 404, "/paths": 404, "//": 404, "//status.json": 404, "/x/../metrics": 404, "/./": 404, "/..": 404,
		"/badge/../status.json": 404, "//metrics": 404, "/canary/": 404,
		"/badge/nobody.json": 404, "/debug/pprof/": 404, "/etc/passwd": 404,
	} {
		code, body := s.fetch(s.pub.URL + path)
		if code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
		if !strings.HasPrefix(path, "/canary") && strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s tells an address: %s", path, body)
		}
	}
	r, err := http.Post(s.pub.URL+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode < 400 {
		t.Errorf("POST /-/reload: %d", r.StatusCode)
	}
}

func TestRealOutageAndRecovery(t *testing.T) {
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "s3cret"}})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	s := startServer(t, fmt.Sprintf(`
state_dir: %s
defaults: {interval: 2s, timeout: 1s}
hosts:
  - name: fra-1
    address: 127.0.0.1
    checks: {squid_auth: {port: %d, user: monitor, password_file: %s, urls: ["%s/"], timeout: 2s}}
billing: {server: fra-1, access_log: [%s]}
`, state, squid.Port, password, origin.URL, squid.AccessLog))
	s.until("/status.json", `"summary":"1 of 1 proxy working"`)
	s.until("/metrics", `milepost_squid_auth_up{host="fra-1"} 1`, `milepost_squid_requests_total{host="fra-1",result="denied"}`)
	s.until("/metrics/users", `milepost_squid_user_bytes_total{direction="out",host="fra-1",user="monitor"}`)
	s.until("/fleet.json", `"bytes_total":`)
	squid.Kill()
	s.until("/metrics", `milepost_check_info{check="squid_auth",fault="proxy",host="fra-1"} 1`)
	page := s.until("/metrics", `milepost_check_status{check="squid_auth",host="fra-1"} 2`)
	if strings.Contains(page, "s3cret") {
		t.Error("the password is in the metrics")
	}
	if strings.Contains(s.log.String(), "s3cret") {
		t.Error("the password is in the log")
	}
	s.until("/status.json", `"status":"down"`, `"reason":"refused"`)
	exit, out, _ := execute("usage", "--ledger", filepath.Join(state, "ledger.db"), "--format", "csv")
	if (exit != 0 && exit != 3) || !strings.Contains(out, "monitor,") {
		t.Errorf("%d %s", exit, out)
	}
}

// A monitor whose own references are gone accuses nobody.
func TestRealBlindMonitor(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	dead := fmt.Sprintf("127.0.0.1:%d", peers.Port(t)) // nobody answers DNS there
	t.Setenv("MILEPOST_PASSWORD", "x")
	s := startServer(t, fmt.Sprintf(`
references: {resolve: [example.com], resolvers: ["%s"]}
defaults: {interval: 2s, timeout: 1s}
hosts:
  - {name: fra-1, address: 127.0.0.1, checks: {squid_auth: {port: %d, user: u, urls: ["http://127.0.0.1:9/"], wrong: never}}}
`, dead, port))
	s.until("/metrics", `milepost_monitor_trusted{test="resolver"} 0`, `milepost_check_status{check="squid_auth",host="fra-1"} 3`, `fault="monitor"`)
	if page := s.until("/status.json", `"monitor":{"status":`); strings.Contains(page, `"status":"down"`) {
		t.Error(page)
	}
}

// Whoever may scrape must not be able to lock an account, whatever the inventory says.
func TestProbeNeverTriesAWrongPassword(t *testing.T) {
	t.Setenv("MILEPOST_PASSWORD", "x")
	file := inventoryFile(t, `hosts: [{name: a, address: 127.0.0.1, checks: {squid_auth: {user: u, wrong: same-user, urls: ["http://x/"]}}}]`)
	f, err := configOption{ConfigFile: file}.load(served())
	if err != nil {
		t.Fatal(err)
	}
	c := f.Hosts[0].Checks[0]
	fit, err := override(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !triesWrong(c) || triesWrong(fit) {
		t.Errorf("serve tries a wrong password: %v, probe: %v", triesWrong(c), triesWrong(fit))
	}
}

func triesWrong(c check.Check) bool {
	return slices.ContainsFunc(c.Limits, func(l metric.Limit) bool {
		_, has := l.Critical["wrong_accepted"]
		return has
	})
}
