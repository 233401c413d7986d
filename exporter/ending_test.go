package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/plugintest"
)

// TestRealEndings: probe ends as a plugin does, whatever happens to it, and what could
// not be written is no success.
func TestRealEndings(t *testing.T) {
	program := plugintest.Build(t, ".")
	good := inventoryFile(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {baseline: 2}}}]")
	t.Run("full", func(t *testing.T) {
		for args, want := range map[string]int{
			"probe a --config.file " + good: 3, "probe --help": 3, "probe nobody --config.file " + good: 3,
			"check-config " + good: 1, "--version": 1, "--help": 1, "version": 1, "usage --help": 1, "--help=json": 1,
			"usage --log /dev/null": 1, "generate hosts --config.file " + good: 1,
		} {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			cmd := program.Command(t.Context(), strings.Fields(args)...)
			cmd.Stdout = full
			_ = cmd.Run() // its exit code says more
			full.Close()
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("%s: %d, want %d", args, code, want)
			}
		}
	})
	t.Run("closed", func(t *testing.T) {
		closed := exec.CommandContext(t.Context(), "/bin/sh", "-c", `exec "$@" >&-`, "sh", program.Path, "probe", "a", "--config.file", good)
		_ = closed.Run()
		if code := closed.ProcessState.ExitCode(); code != 3 {
			t.Errorf("%d", code)
		}
	})
	for _, sig := range []struct {
		syscall.Signal
		name string
	}{{syscall.SIGINT, "SIGINT"}, {syscall.SIGTERM, "SIGTERM"}, {syscall.SIGQUIT, "SIGQUIT"}, {syscall.SIGHUP, "SIGHUP"}} {
		t.Run(sig.name, func(t *testing.T) { toldToStop(t, program, sig.Signal, sig.name) })
	}
}

// toldToStop runs probe until it has asked a server that says nothing, and then tells it to stop.
func toldToStop(t *testing.T, program plugintest.Program, sig syscall.Signal, name string) {
	t.Helper()
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, _ := net.SplitHostPort(silent.LocalAddr().String())
	file := inventoryFile(t, "hosts: [{name: a, address: 127.0.0.1, checks: {clock_offset: {source: ntp, port: "+port+", reference: none, timeout: 60}}}]")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := program.Command(ctx, "probe", "a", "clock_offset", "--config.file", file)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = silent.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, _, err := silent.ReadFrom(make([]byte, 100)); err != nil {
		t.Error(err)
	}
	_ = cmd.Process.Signal(sig)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.HasPrefix(out.String(), "CLOCK_OFFSET UNKNOWN: interrupted by "+name+" while ") || faults.Len() > 0 {
		t.Errorf("%d %s%s", code, out.String(), faults.String())
	}
}
