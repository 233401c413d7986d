package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/control"
	"milepost/lib/maintenance"
	"milepost/lib/peers"
)

// A command without what it is about says how it is written.
func TestOperandsThatAreMissing(t *testing.T) {
	for name, want := range map[string]string{
		"maintenance": "write milepost-exporter maintenance start HOST... | end WINDOW... | list",
		"why":         "write milepost-exporter why HOST",
		"ledger":      "write milepost-exporter ledger check|backup FILE|adopt ID|schema",
	} {
		if exit, _, faults := execute(name); exit != 1 || !strings.Contains(faults, "0 operands were given: "+want) {
			t.Errorf("%s: %d %s", name, exit, faults)
		}
	}
}

// Maintenance of a host masks that host, and no other; the commands talk to the
// exporter that runs.
func TestRealMaintenanceAndWhy(t *testing.T) {
	dead := peers.Port(t)
	inventory := func(state string) string {
		return fmt.Sprintf(`
state_dir: %s
defaults: {interval: 1s, timeout: 1s}
hosts:
  - {name: fra-1, group: eu, address: 127.0.0.1, checks: {squid_auth: {port: %d, urls: ["http://x/"], no_credentials: allowed}}}
  - {name: nyc-1, group: us, address: 127.0.0.1, checks: {squid_auth: {port: %d, urls: ["http://x/"], no_credentials: allowed}}}
`, state, dead, dead)
	}
	state := t.TempDir()
	s := startServer(t, inventory(state))
	do := func(args ...string) string {
		exit, out, faults := execute(append(args, "--state-dir", state)...)
		return fmt.Sprintf("%d %s%s", exit, out, faults)
	}
	s.until("/status.json", `"counts":{"up":0,"degraded":0,"down":2,"maintenance":0,"unknown":0}`)
	if info, err := os.Stat(control.Path(state)); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v %v", info, err)
	}
	for _, row := range []struct{ command, want string }{
		{"maintenance list", "0 no maintenance is announced"},
		{"maintenance start fra-1", "1 milepost-exporter maintenance: one of --for, --until and --weekly is needed"},
		{"maintenance start fra-9 --for 1h", `1 milepost-exporter maintenance: no host "fra-9" in the inventory: did you mean "fra-1"?`},
		{"maintenance start --group asia --for 1h", `1 milepost-exporter maintenance: no host of the inventory is in a group "asia"`},
		{"maintenance start --for 1h", "1 milepost-exporter maintenance: neither hosts nor groups"},
		{"maintenance start fra-1 --until yesterday", `1 milepost-exporter maintenance: --until: "yesterday" is no time`},
		{"maintenance start fra-1 --for 1h --timezone Mars", `1 milepost-exporter maintenance: --timezone: "Mars" is unknown`},
		{"maintenance end fra-1", `1 milepost-exporter maintenance: no window "fra-1" was started by hand`},
		{"maintenance stop fra-1", `1 milepost-exporter maintenance: no "stop": start, end or list`},
		{"maintenance start fra-1 --for 1h --reason disk", "0 WINDOW"},
		{"why nyc-9", `1 milepost-exporter why: no host "nyc-9" in the inventory: did you mean "nyc-1"?`},
	} {
		if got := do(strings.Fields(row.command)...); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s, want %s", row.command, got, row.want)
		}
	}
	s.until("/status.json", `"counts":{"up":0,"degraded":0,"down":1,"maintenance":1,"unknown":0}`, `"status":"down"`)
	for _, want := range []string{
		"fra-1 is in maintenance since ", ": disk; beneath it the host is down", "down to maintenance",
		"unknown to down", ": refused, fault: proxy", "squid_auth CRITICAL: ", "connection refused",
	} {
		if got := do("why", "fra-1"); !strings.Contains(got, want) {
			t.Errorf("why has no %q:\n%s", want, got)
		}
	}
	if got := do("maintenance", "list"); !strings.Contains(got, "yes  fra-1") || !strings.Contains(got, "disk") {
		t.Error(got)
	}
	if got := do("maintenance", "end", "fra-1"); !strings.HasPrefix(got, "0 window ") || !strings.HasSuffix(strings.TrimSpace(got), " of fra-1 has ended") {
		t.Error(got)
	}
	s.until("/status.json", `"counts":{"up":0,"degraded":0,"down":2,"maintenance":0,"unknown":0}`)
	weekly := func(args ...string) string {
		return do(append([]string{"maintenance", "start", "--group", "us", "--weekly"}, args...)...)
	}
	if got := weekly("Son 02:00-04:00"); !strings.HasPrefix(got, `1 milepost-exporter maintenance: --weekly: "Son" is no day of the week`) {
		t.Error(got)
	}
	if got := weekly("Sun 02:00-04:00", "--for", "1h"); !strings.HasPrefix(got, "1 milepost-exporter maintenance: --weekly excludes --from, --until and --for") {
		t.Error(got)
	}
	const when = "every Sun 02:00-04:00 America/New_York"
	if got := weekly("Sun 02:00-04:00", "--timezone", "America/New_York"); !strings.HasPrefix(got, "0 WINDOW") || !strings.Contains(got, when) {
		t.Error(got)
	}
	kept, err := maintenance.Open(filepath.Join(state, calendarFile), time.Now())
	if err != nil || len(kept.List(time.Now())) != 1 {
		t.Errorf("kept: %v, %v", kept.List(time.Now()), err)
	}
	if got := do("maintenance", "list"); !strings.Contains(got, "group us") || !strings.Contains(got, when) {
		t.Error(got)
	}
	if got := do("maintenance", "end", "us"); !strings.HasPrefix(got, "0 window ") || !strings.HasSuffix(strings.TrimSpace(got), " of group us will not begin again") {
		t.Error(got)
	}
}

// Without an exporter that runs, why reads what is kept, and maintenance says so.
func TestCommandsWithoutAnExporter(t *testing.T) {
	state := t.TempDir()
	for _, row := range []struct{ command, want string }{
		{"why fra-1", "nobody answers: does milepost-exporter run, with this state directory?"},
		{"maintenance list", "nobody answers: does milepost-exporter run, with this state directory?"},
	} {
		exit, out, faults := execute(append(strings.Fields(row.command), "--state-dir", state)...)
		if exit != 1 || out != "" || !strings.Contains(faults, row.want) {
			t.Errorf("%s: %d %s%s", row.command, exit, out, faults)
		}
	}
	p := openPast(t.Context(), state, slog.New(slog.DiscardHandler))
	p.close()
	exit, out, faults := execute("why", "fra-1", "--state-dir", state)
	if exit != 0 || !strings.Contains(out, "no exporter runs here, so nobody knows what it is now\nno change of it is known") {
		t.Errorf("%d %s%s", exit, out, faults)
	}
}
