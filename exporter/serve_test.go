package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

const idle = "hosts: [{name: a, address: 127.0.0.1, checks: {clock_offset: {source: ntp}}}]\n"

// A port that is taken is told with the option that chooses another.
func TestAPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"the operator's", []string{"--web.listen-address", taken}, "choose another with --web.listen-address\n"},
		{"the public one", []string{"--web.listen-address", "127.0.0.1:0", "--web.public-listen-address", taken}, "choose another with --web.public-listen-address\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"serve", "--config.file", inventoryFile(t, idle), "--state-dir", t.TempDir()}, tt.args...)
			exit, _, faults := execute(args...)
			if want := `listening on ["` + taken + `"]: the port is in use: see ss -ltnp, or ` + tt.want; exit != 1 || !strings.HasSuffix(faults, want) {
				t.Errorf("%d %s, want %s", exit, faults, want)
			}
		})
	}
}

// What is logged, and in which form.
func TestLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // taken, so that each ends by itself
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tt := range []struct {
		name string
		args []string
		want []string // levels that are there
		none []string
		json bool
	}{
		{"by default", nil, []string{"INFO"}, []string{"DEBUG"}, false},
		{"warnings", []string{"--log.level", "warn"}, nil, []string{"INFO", "DEBUG"}, false},
		{"errors", []string{"--log.level=error"}, nil, []string{"INFO", "WARN", "DEBUG"}, false},
		{"in JSON", []string{"--log.json"}, []string{"INFO"}, []string{"DEBUG"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"serve", "--config.file", inventoryFile(t, idle), "--state-dir", t.TempDir(), "--web.listen-address", l.Addr().String()}, tt.args...)
			_, _, faults := execute(args...)
			lines := strings.Split(strings.TrimSuffix(faults, "\n"), "\n")
			for i, line := range lines[:len(lines)-1] { // the last is the program's own: why it ended
				var one struct{ Time, Level, Msg string }
				if is := json.Unmarshal([]byte(line), &one) == nil && one.Msg != "" && one.Level != ""; is != tt.json {
					t.Errorf("line %d is JSON: %v: %s", i+1, is, line)
				}
			}
			for _, level := range tt.want {
				if !strings.Contains(faults, "level="+level) && !strings.Contains(faults, `"level":"`+level+`"`) {
					t.Errorf("no %s in %s", level, faults)
				}
			}
			for _, level := range tt.none {
				if strings.Contains(faults, "level="+level) || strings.Contains(faults, `"level":"`+level+`"`) {
					t.Errorf("%s in %s", level, faults)
				}
			}
		})
	}
	if exit, _, faults := execute("serve", "--log.level", "loud"); exit != 1 || !strings.Contains(faults, "--log.level: ") {
		t.Errorf("%d %s", exit, faults)
	}
}

// A host that does not resolve is a finding about that host: the others are watched.
func TestRealHostThatDoesNotResolve(t *testing.T) {
	s := startServer(t, `
defaults: {interval: 5s, timeout: 2s, checks: {packet_loss: {spacing: 0.05, baseline: 2}}}
hosts:
  - {name: here, address: 127.0.0.1}
  - {name: nowhere, address: nowhere.invalid}
`)
	s.until("/metrics", `milepost_check_status{check="packet_loss",host="here"} 0`, `milepost_check_status{check="packet_loss",host="nowhere"} 3`)
	page := s.until("/", "nowhere", "resolving &#34;nowhere.invalid&#34;")
	if !slices.Contains(strings.Split(page, "\n"), "<tbody>") {
		t.Error(page)
	}
}

// What the exporter's user may not read is said before anything starts.
func TestRealInventoryOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		peers.Missing(t, "only root can start a program as another user")
	}
	const nobody = 65534
	program, dir := plugintest.Build(t, "."), peers.Dir(t)
	file := filepath.Join(dir, "milepost.yml")
	if err := os.WriteFile(file, []byte(idle), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--config.file", file}, {"check-config", file}, {"probe", "a", "--config.file", file}} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := program.Command(ctx, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		_ = cmd.Run() // its exit code says it
		cancel()
		if exit := cmd.ProcessState.ExitCode(); exit != 1 && args[0] != "probe" || args[0] == "probe" && exit != 3 {
			t.Errorf("%q: exit %d", args, exit)
		}
		if want := `reading inventory "` + file + `": permission denied: let the user that this runs as (uid 65534) read it: chgrp and chmod g+r`; !strings.Contains(said.String(), want) {
			t.Errorf("%q: %s, want %s", args, said.String(), want)
		}
	}
}
