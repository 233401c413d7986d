package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/control"
	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// Whenever the exporter is told to stop, it stops soon and without complaint, and
// the next start counts on from the line where it was: sums are exact in the end.
func TestRealToldToStopAtAnyMoment(t *testing.T) {
	program := plugintest.Build(t, ".")
	dir := peers.Dir(t)
	log := filepath.Join(dir, "access.log")
	file := filepath.Join(dir, "milepost.yml")
	text := silentHosts(t, 20) + fmt.Sprintf("state_dir: %s\nbilling: {access_log: [%s]}\n", dir, log)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		for _, after := range []time.Duration{0, 3, 10, 30, 60, 120, 250, 400} {
			lines += grow(t, log, 500)
			stopped := program.Command(t.Context(), "--config.file", file, "--web.listen-address", "127.0.0.1:0")
			stopIt(t, stopped, after*time.Millisecond, signal)
		}
	}
	lines += grow(t, log, 500)
	last := program.Command(t.Context(), "--config.file", file, "--web.listen-address", "127.0.0.1:0")
	if err := last.Start(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`"bytes_out":%d,"requests":%d,"user":"alice"`, 1000*lines, lines)
	out := ""
	if !peers.Until(30*time.Second, func() bool {
		out = usage(t, program, filepath.Join(dir, "ledger.db"))
		return strings.Contains(out, want)
	}) {
		t.Errorf("%s is not in %s", want, out)
	}
	_ = last.Process.Signal(syscall.SIGTERM)
	if err := last.Wait(); err != nil {
		t.Errorf("at the end: %v", err)
	}
}

// Two exporters never share what they keep.
func TestRealSecondExporterOfAStateDirectory(t *testing.T) {
	s := startServer(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]")
	s.until("/metrics", "milepost_build_info")
	peers.Until(10*time.Second, func() bool { return control.Free(t.Context(), s.m.stateDir) != nil })
	exit, _, faults := execute("serve", "--config.file", s.file, "--state-dir", s.m.stateDir, "--web.listen-address", "127.0.0.1:0")
	if exit != 1 || !strings.Contains(faults, "another milepost-exporter answers there: give this one a state_dir of its own") {
		t.Errorf("%d %s", exit, faults)
	}
}

// A ledger that cannot be opened stops the counting, and not the watching; and no longer
// than it cannot be opened.
func TestRealLedgerThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	log, inTheWay := filepath.Join(dir, "access.log"), filepath.Join(dir, "ledger")
	appendTo(t, log, billed(time.Now(), "alice", 1000))
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, fmt.Sprintf("hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]\nbilling: {server: b, access_log: [%s], ledger: %s/ledger.db}\n", log, inTheWay))
	s.until("/metrics", `milepost_ledger_counting{host="b"} 0`, `milepost_check_status{check="packet_loss",host="a"} 0`)
	if log := s.log.String(); !strings.Contains(log, "NOTHING IS COUNTED until the ledger can be opened") {
		t.Error(log)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	s.until("/metrics", `milepost_ledger_counting{host="b"} 1`, `milepost_squid_bytes_total{direction="out",host="b"} 1000`)
	users := s.getAs("/metrics/users", "application/openmetrics-text; version=1.0.0")
	for _, want := range []string{`milepost_squid_user_bytes_total{`, `milepost_squid_user_bytes_created{`} {
		if !strings.Contains(users, want) {
			t.Errorf("no %s in\n%s", want, users)
		}
	}
}

// The program serves the public pages where it is told to, and reads its inventory again
// when it is told to.
func TestRealPublicListenerAndHangup(t *testing.T) {
	program := plugintest.Build(t, ".")
	dir := peers.Dir(t)
	file := filepath.Join(dir, "milepost.yml")
	hosts := func(names ...string) {
		text := "hosts:\n"
		for _, n := range names {
			text += "  - {name: " + n + ", address: 127.0.0.1, checks: {clock_offset: {source: ntp}}}\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hosts("first")
	public, operator := fmt.Sprintf("127.0.0.1:%d", peers.Port(t)), fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	cmd := program.Command(t.Context(), "--config.file", file, "--state-dir", dir, "--web.listen-address", operator, "--web.public-listen-address", public)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until := func(url, want string) {
		t.Helper()
		body := ""
		if !peers.Until(20*time.Second, func() bool {
			r, err := http.Get("http://" + url)
			if err != nil {
				return false
			}
			defer r.Body.Close()
			b, _ := io.ReadAll(r.Body)
			body = fmt.Sprint(r.StatusCode, " ", string(b))
			return strings.Contains(body, want)
		}) {
			t.Errorf("%s never has %q: %s", url, want, body)
		}
	}
	until(public+"/status.json", `200 {"schema":"milepost.status/1"`)
	until(public+"/metrics", "404 ")
	until(operator+"/sd", `"__param_target":"first"`)
	hosts("first", "second")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(operator+"/sd", `"__param_target":"second"`)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("at the end: %v:\n%s", err, said.String())
	}
}

// grow appends n lines of alice's to the log.
func grow(t *testing.T, log string, n int) int {
	t.Helper()
	line := "1795392148.123     12 127.0.0.1 TCP_MISS/200 1000 GET http://x/ alice HIER_DIRECT/127.0.0.1 text/plain\n"
	appendTo(t, log, strings.Repeat(line, n))
	return n
}

// stopIt starts the exporter and sends it the signal after a while.
func stopIt(t *testing.T, cmd *exec.Cmd, after time.Duration, signal syscall.Signal) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-time.After(after)
	_ = cmd.Process.Signal(signal)
	killed := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	switch {
	case !killed.Stop():
		t.Errorf("%v after %v: it does not stop:\n%s", signal, after, said.String())
	case signal == syscall.SIGKILL:
	case cmd.ProcessState.Exited() && err != nil:
		t.Errorf("%v after %v: %v:\n%s", signal, after, err, said.String())
	case !cmd.ProcessState.Exited() && said.Len() > 0: // a signal before main is the system's matter
		t.Errorf("%v after %v: %v:\n%s", signal, after, err, said.String())
	}
}

func usage(t *testing.T, program plugintest.Program, ledger string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	out, _ := program.Command(ctx, "usage", "--ledger", ledger, "--format", "json").Output()
	return string(out)
}
