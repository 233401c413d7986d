package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// A permission is a Config of packet_loss on a machine that lets its user ping, or not.
type permission struct {
	Baseline float64
	May      bool `kong:"-"`
}

// Limits are none.
func (permission) Limits() []metric.Limit { return nil }

// Needs is what pinging takes.
func (p permission) Needs(context.Context, metric.Target) []metric.Need {
	return []metric.Need{{What: "permission for ICMP", OK: p.May}}
}

// Report is nothing.
func (permission) Report() metric.Report { return metric.Report{} }

// letting are the kinds on a machine that lets its user ping, or not.
func letting(may bool) []check.Kind {
	all := slices.Clone(served())
	i := slices.IndexFunc(all, func(k check.Kind) bool { return k.Name == "packet_loss" })
	all[i] = check.Define("packet_loss", func() permission { return permission{May: may} },
		func(context.Context, metric.Target, permission) iter.Seq2[permission, error] {
			return func(func(permission, error) bool) {}
		})
	return all
}

// What cannot be measured decides nothing, and squid's log is counted where there is one.
func TestThisMachine(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		mayPing bool
		log     string
		want    string
	}{
		{"without squid", true, "/nonexistent/access.log", "down [packet_loss], degraded [resolver], logs []"},
		{"with squid's log", true, log, "down [packet_loss], degraded [resolver], logs [" + log + "]"},
		{"where pinging is forbidden", false, "", "down [resolver], degraded [packet_loss], logs []"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := thisMachine(letting(tt.mayPing), tt.log)
			if err == nil {
				err = errors.Join(validate(f)...)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := roles(f); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if n := len(f.Hosts[0].Checks); n != 3 {
				t.Errorf("%d checks", n)
			}
		})
	}
}

func roles(f *fleet.Fleet) string {
	return fmt.Sprintf("down %v, degraded %v, logs %v", f.Status.Down, f.Status.Degraded, f.Billing.AccessLog)
}

// The first start shows what was measured here, and squid's bytes.
func TestRealThisMachine(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	grow(t, log, 3)
	f, err := thisMachine(served(), log)
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Hosts[0].Checks[slices.IndexFunc(f.Hosts[0].Checks, func(c check.Check) bool { return c.Name == "packet_loss" })]; !able(c) {
		peers.Missing(t, "permission for ICMP")
	}
	s := &server{t: t, log: &lockedBuffer{}}
	options := defaultFlags()
	options.StateDir = t.TempDir()
	s.start(options, f)
	name := f.Hosts[0].Name
	s.until("/metrics",
		fmt.Sprintf(`milepost_check_status{check="packet_loss",host=%q} 0`, name),
		fmt.Sprintf(`milepost_ping_received_total{host=%q} `, name),
		fmt.Sprintf(`milepost_check_status{check="clock_offset",host=%q} `, name),
		fmt.Sprintf(`milepost_check_status{check="resolver",host=%q} `, name),
		fmt.Sprintf(`milepost_squid_bytes_total{direction="out",host=%q} 3000`, name))
	s.until("/", `<th><a href="host/`+name+`">`, "alice")
}

// Where the system lets nobody ping, the page says which command changes that, and goes
// on with what can be measured. A new network namespace forbids it, as Debian 12 does.
func TestRealThisMachineWithoutPrivileges(t *testing.T) {
	if os.Geteuid() != 0 {
		peers.Missing(t, "only root can start a program as another user")
	}
	const nobody = 65534
	program, dir := plugintest.Build(t, "."), peers.Dir(t)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := program.Command(t.Context(), "--state-dir", dir, "--web.listen-address", "0.0.0.0:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := `pinging "127.0.0.1": no permission for ICMP: run setcap cap_net_raw=p "` + program.Path + `"`
	var out []byte
	if !peers.Until(30*time.Second, func() bool {
		out, _ = program.Command(t.Context(), "why", name, "--state-dir", dir).CombinedOutput()
		return strings.Contains(string(out), want)
	}) {
		t.Errorf("%s, not in: %s\n%s", want, out, said.String())
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("at the end: %v", err)
	}
}

// What is known first is shown at once: a check whose time was up before its stream had
// packets enough is made again when it has, and not a whole round later.
func TestRealFirstTruth(t *testing.T) {
	s := startServer(t, `
defaults: {interval: 600s, timeout: 1s}
hosts: [{name: here, address: 127.0.0.1, checks: {packet_loss: {baseline: 2, spacing: 0.5}}}]
`)
	s.until("/status.json", `"status":"up"`) // it waits less than a minute, and the next round is 10 minutes away
}
