package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// TestReloadIsAllOrNothing: a file that changes what takes a restart is refused whole, and
// the metrics, the log and the answer say so.
func TestReloadIsAllOrNothing(t *testing.T) {
	const host = "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\n"
	m := stopped(t, host+"defaults: {interval: 60s}\n", nil)
	var log bytes.Buffer
	m.log = slog.New(slog.NewTextHandler(&log, nil))
	for _, tt := range []struct{ situation, text, want string }{
		{"the same", host, ""},
		{"another host", "hosts: [{name: b, address: 127.0.0.1, checks: {packet_loss: {}}}]\n", ""},
		{"billing", host + "billing: {access_log: /nowhere/x.log}\n", ":2:1: billing has changed, which takes a restart: nothing of this file is in force until then"},
		{"state_dir", host + "state_dir: /x\n", ":2:1: state_dir has changed"},
		{"interval", host + "defaults: {interval: 30s}\n", ":2:12: defaults.interval has changed"},
		{"votes", host + "status: {prometheus: {url: 'http://127.0.0.1:9/'}}\n", ":2:10: status.prometheus has changed"},
		{"a host and its billing: neither", "hosts: [{name: c, address: 127.0.0.1, checks: {packet_loss: {}}}]\nbilling: {top_users: 1}\n", ":2:1: billing has changed"},
		{"a fault", "hosts: [{nme: a}]\n", `unknown key "nme"`},
		{"nothing", "", "neither hosts nor billing"},
	} {
		if err := os.WriteFile(m.flags.ConfigFile, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		said := ""
		if err := m.reload(); err != nil {
			said = err.Error()
		}
		if tt.want == "" && said != "" || !strings.Contains(said, tt.want) || strings.Contains(log.String(), "not reloaded") != (said != "") {
			t.Errorf("%s: %s, want %s\n%s", tt.situation, said, tt.want, log.String())
		}
		if got := sample(m, "config_last_reload_successful"); (got == 1) != (said == "") {
			t.Errorf("%s: config_last_reload_successful %v", tt.situation, got)
		}
	}
	if got := names(m.watching()); len(got) != 1 || got[0] != "b" {
		t.Errorf("it watches %v", got)
	}
}

func sample(m *monitor, name string) (value float64) {
	m.samples(func(s metric.Sample) bool {
		if s.Metric == name {
			value = s.Value
		}
		return true
	})
	return value
}

// TestAReloadThatHangs: who asked for it can go.
func TestAReloadThatHangs(t *testing.T) {
	m := stopped(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\n", nil)
	ctx, leave := context.WithCancel(t.Context())
	var taking crew.Crew
	taking.Go(func() {
		<-m.reloadAsked
		leave()
	})
	if err := m.reloadFor(ctx); err == nil || err.Error() != "waiting for the reload: context canceled" {
		t.Error(err)
	}
	taking.Wait()
}

// TestReloadMethods: a reload is asked for as Prometheus is asked.
func TestReloadMethods(t *testing.T) {
	const host = "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\n"
	off := stopped(t, host, nil).operator()
	on := stopped(t, host, func(f *flags) { f.EnableReload = true }).operator()
	for _, tt := range []struct {
		h      http.Handler
		method string
		want   int
	}{{off, "GET", 405}, {on, "GET", 405}, {on, "HEAD", 405}, {on, "DELETE", 405}, {off, "POST", 403}, {off, "PUT", 403}} {
		w := httptest.NewRecorder()
		tt.h.ServeHTTP(w, httptest.NewRequest(tt.method, "/-/reload", nil))
		if w.Code != tt.want || tt.want == 405 && w.Header().Get("Allow") != "POST, PUT" {
			t.Errorf("%s: %d %v", tt.method, w.Code, w.Header())
		}
	}
}

// TestRealReloadCommand: the exporter that runs is found and says what it finds, whatever is
// wrong with the file.
func TestRealReloadCommand(t *testing.T) {
	const host = "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\n"
	state := t.TempDir()
	s := startServer(t, "state_dir: "+state+"\n"+host)
	for _, tt := range []struct {
		situation, text string
		named           bool // the state directory
		exit            int
		want            string
	}{
		{"as it was", host + "state_dir: " + state, false, 0, ""},
		{"no state_dir", host, true, 1, "state_dir has changed, which takes a restart"},
		{"another state_dir", host + "state_dir: /nonexistent\n", true, 1, "state_dir has changed, which takes a restart"},
		{"a fault", "state_dir: " + state + "\nhoasts: []\n", false, 1, `milepost-exporter reload: ` + s.file + `:2:1: inventory: unknown key "hoasts": did you mean "hosts"?`},
		{"no YAML", "hosts: [", true, 1, s.file + ":2:1: this is not YAML"},
		{"another host", "hosts: [{name: b, address: 127.0.0.1, checks: {packet_loss: {}}}]\nstate_dir: " + state, false, 0, ""},
	} {
		if err := os.WriteFile(s.file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"reload", "--config.file", s.file}
		if tt.named {
			args = append(args, "--state-dir", state)
		}
		exit, out, faults := execute(args...)
		if exit != tt.exit || out != "" || !strings.Contains(faults, tt.want) || tt.want == "" && faults != "" {
			t.Errorf("%s: %d %s%s, want %s", tt.situation, exit, out, faults, tt.want)
		}
	}
	if got := names(s.m.watching()); len(got) != 1 || got[0] != "b" {
		t.Errorf("it watches %v", got)
	}
	if exit, _, faults := execute("reload", "--state-dir", t.TempDir()); exit != 1 || !strings.Contains(faults, "nobody answers: does milepost-exporter run, with this state directory?") {
		t.Errorf("nobody runs: %d %s", exit, faults)
	}
}

// TestDurationsInJSON: they carry their unit.
func TestDurationsInJSON(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: spelled})).Info("x", "within", 110*time.Second)
	if !strings.Contains(b.String(), `"within":"1m50s"`) {
		t.Error(b.String())
	}
}

// TestStateDirectoryOfSystemd: a unit with several has them all in one variable.
func TestStateDirectoryOfSystemd(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
	for flag, want := range map[string]string{"/var/lib/a:/var/lib/b": "/var/lib/a", "/odd:name": "/odd:name"} {
		if got, err := statePath("", flag); err != nil || got != want {
			t.Errorf("%s: %s %v", flag, got, err)
		}
	}
	if got, _ := statePath("/inventory:s", "/x"); got != filepath.Clean("/inventory:s") {
		t.Error(got)
	}
}
