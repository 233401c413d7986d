// Package plugintest holds a plugin against its manual, against what it printed
// before, and, as a program of its own, against the world.
package plugintest

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// A Program is a plugin that was built.
type Program struct {
	Path string
	Env  []string // NAME=value, beside PATH; nothing else reaches the plugin
}

// Build builds the plugin of the folder, as make build does, into a directory
// that other users may enter: NRPE runs plugins as nagios.
func Build(tb testing.TB, folder string) Program {
	tb.Helper()
	abs, err := filepath.Abs(folder)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(peers.Dir(tb), filepath.Base(abs))
	build := exec.CommandContext(tb.Context(), "go", "build", "-trimpath", "-o", path, ".")
	build.Dir = abs
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("building %q: %v\n%s", folder, err, out)
	}
	return Program{Path: path}
}

// An Answer is what Nagios gets of a plugin.
type Answer struct {
	Exit   int
	Output string // stdout
	Errors string // stderr, which NRPE drops
	Took   time.Duration
}

// First is the line that Nagios shows.
func (a Answer) First() string {
	line, _, _ := strings.Cut(a.Output, "\n")
	return line
}

// Command is the program with its arguments, and the little environment that NRPE gives it.
func (p Program) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Path, args...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, p.Env...)
	return cmd
}

// longest is above every -t that a test gives.
const longest = 30 * time.Second

// Run runs the program to its end.
func (p Program) Run(tb testing.TB, args ...string) Answer {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), longest)
	defer cancel()
	return Run(tb, p.Command(ctx, args...))
}

// Run runs cmd to its end. That a signal ended it is the test's failure.
func Run(tb testing.TB, cmd *exec.Cmd) Answer {
	tb.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &errs
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || !cmd.ProcessState.Exited() {
		tb.Fatalf("running %q: %v\n%s", cmd.Args, err, errs.String())
	}
	return Answer{Exit: cmd.ProcessState.ExitCode(), Output: out.String(), Errors: errs.String(), Took: took}
}
