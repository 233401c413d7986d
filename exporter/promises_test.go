package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"milepost/lib/peers"
)

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// Every key that an inventory may have is taken, and has the meaning that it always had.
func TestTheWholeInventory(t *testing.T) {
	text, err := os.ReadFile("testdata/milepost.yml")
	if err != nil {
		t.Fatal(err)
	}
	secret := secretFile(t, "s3cret")
	file := inventoryFile(t, strings.NewReplacer("COMMUNITY", secret, "PASSWORD", secret).Replace(string(text)))
	exit, out, faults := execute("check-config", file)
	if want := file + ": 1 host, checks: 1 clock_offset, 1 packet_loss, 1 path, 1 squid_auth\n"; exit != 0 || !strings.HasPrefix(out, want) {
		t.Errorf("%d %s%s", exit, out, faults)
	}
}

// promised are the metrics that dashboards and rules are written against.
var promised = []string{
	"check_status{", "check_state{", "check_last_run_timestamp_seconds{", "check_duration_seconds{", "check_info{",
	"clock_offset_seconds{", "clock_offset_uncertainty_seconds{",
	"squid_auth_up{", "squid_auth_stage_duration_seconds{",
	"resolver_up{", "resolver_test_failed{", "resolver_duration_seconds{",
	"ping_sent_total{", "ping_received_total{", "ping_lost_total{", "ping_socket_dropped_total", "ping_rtt_seconds_bucket{",
	"ping_baseline_loss_ratio{", "ping_loss_score{",
	"path_speed_meters_per_second{", "path_fibre_ratio{",
	`squid_bytes_total{direction="out"`, "squid_requests_total{", "squid_log_lines_total{", "squid_log_lag_bytes{",
	"ledger_last_commit_timestamp_seconds", "ledger_holes_total{",
	"vantage_info{", "monitor_trusted{", "host_status{", "status_valid_until_timestamp_seconds",
	"config_last_reload_successful", "config_last_reload_success_timestamp_seconds", "build_info",
}

func TestRealEveryPromisedMetric(t *testing.T) {
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"monitor": "s3cret"}})
	snmpd := peers.StartSnmpd(t, peers.Snmpd{})
	unbound := peers.StartUnbound(t, "  local-zone: \".\" static\n  local-data: \"www.example.net. A 203.0.113.7\"")
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()
	appendTo(t, squid.AccessLog, "torn\n")
	s := startServer(t, fmt.Sprintf(`
vantage: {name: here, provider: lab, region: eu, latitude: 48.85, longitude: 2.35}
defaults: {interval: 2s, timeout: 1s}
hosts:
  - name: fra-1
    address: 127.0.0.1
    latitude: 48.85
    longitude: 4.35
    checks:
      squid_auth: {port: %d, user: monitor, password_file: %s, urls: ["%s/"]}
      clock_offset: {source: snmp, port: %d, reference: none}
      resolver: {port: %d, query: [www.example.net=203.0.113.7]}
      packet_loss: {spacing: 0.05}
      path: {}
billing: {server: fra-1, access_log: [%s], exclude_users: [nobody]}
`, squid.Port, secretFile(t, "s3cret"), origin.URL, snmpd.Port, unbound.Port, squid.AccessLog))
	var wanted []string
	for _, name := range promised {
		wanted = append(wanted, "\nmilepost_"+name)
	}
	pages := s.until("/metrics", wanted...)
	pages += s.until("/metrics/users", "\nmilepost_squid_user_bytes_total{", "\nmilepost_squid_user_requests_total{")
	servesWhatIsNamed(t, pages)
}

// servesWhatIsNamed holds contrib's dashboards and rules against scraped pages: a family that
// the exporter does not have draws nothing, and alerts never.
func servesWhatIsNamed(t *testing.T, pages string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(pages, -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			known[m[1]+"_bucket"], known[m[1]+"_sum"], known[m[1]+"_count"] = true, true, true
		}
	}
	var files []string
	for _, pattern := range []string{"../contrib/grafana/*.json", "../contrib/prometheus/rules/milepost.yml", "../contrib/prometheus/rules/quorum.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bmilepost_[a-z0-9_]+`).FindAllString(string(text), -1)
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s names %s, which /metrics and /metrics/users do not have", file, name)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
	}
}
