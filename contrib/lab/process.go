package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A process is a program that runs in a city.
type process struct {
	what string // "squid of paris"
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// program finds a program: beside the tree, where the tests' servers are, then where
// Debian has it.
func program(name string) (string, error) {
	dirs := []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	if here, err := os.Getwd(); err == nil {
		for up := here; ; up = filepath.Dir(up) {
			dirs = append(dirs, filepath.Join(up, ".peers/usr/sbin"), filepath.Join(up, ".peers/usr/bin"))
			if up == filepath.Dir(up) {
				break
			}
		}
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("looking for program %q: not here: make peers installs it", name)
}

// command is program in p; it is to be started in the city's network.
func (p place) command(ctx context.Context, program ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, p.arguments(program...)...)
	// A group of its own: its helpers end with it. Pdeathsig: it ends with the lab,
	// however that ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd, nil
}

// start starts a program that runs until ctx ends. What it says is in dir/log.
func (w *world) start(ctx context.Context, p place, dir, what string, program ...string) (*process, error) {
	r := &process{what: what + " of " + p.city.ID, log: filepath.Join(dir, what+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if r.cmd, err = p.command(ctx, program...); err != nil {
		return nil, err
	}
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = dir, log, log
	r.cmd.WaitDelay = time.Second
	started := make(chan error, 1)
	w.crew.Go(func() {
		// The kernel sends Pdeathsig when the thread that started the child ends: it
		// waits for the child, and ends with the goroutine, because it is in the city.
		runtime.LockOSThread()
		defer close(r.done)
		err := enter(p.city.space, r.cmd.Start)
		started <- err
		if err == nil {
			_ = r.cmd.Wait() // how it ended is in its log
			_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", r.what, err)
	}
	return r, nil
}

// ended says why the process is not there any more, nil if it is.
func (r *process) ended() error {
	select {
	case <-r.done:
		return fmt.Errorf("%s ended (%v): %s", r.what, r.cmd.ProcessState, tail(r.log))
	default:
		return nil
	}
}

// tail is the last line that a program said.
func tail(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
