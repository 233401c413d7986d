package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"milepost/lib/crew"
)

// A run is what became of a plugin.
type run struct {
	args   []string
	exit   int // -1 = a signal ended it, or it had to be killed
	out    string
	errs   string
	took   time.Duration
	killed bool // it did not end by itself
}

// first is the line that Nagios shows.
func (r run) first() string {
	line, _, _ := strings.Cut(r.out, "\n")
	return line
}

// String tells a person what was done and what came of it.
func (r run) String() string {
	return fmt.Sprintf("%q ended with %d after %s\nstdout: %.300q\nstderr: %.300q", r.args, r.exit, r.took.Round(time.Millisecond), r.out, r.errs)
}

// changed is how a run differs from a usual one.
type changed struct {
	stdout *os.File                // nil = it is kept
	closed bool                    // there is no standard output
	env    []string                // nil = this process's
	during func(*os.Process) error // is done while it runs
}

// run starts the plugin with args.
func (o options) run(ctx context.Context, args []string, how changed) (run, error) {
	ctx, cancel := context.WithTimeout(ctx, o.longest)
	defer cancel()
	path, argv := o.plugin, args
	if how.closed {
		path, argv = "/bin/sh", append([]string{"-c", `exec "$0" "$@" >&-`, o.plugin}, args...)
	}
	cmd := exec.CommandContext(ctx, path, argv...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, how.env
	if how.stdout != nil {
		cmd.Stdout = how.stdout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return run{}, fmt.Errorf("starting %q: %w", o.plugin, err)
	}
	var during crew.Crew
	var failed error
	if how.during != nil {
		during.Go(func() { failed = how.during(cmd.Process) })
	}
	err := cmd.Wait()
	during.Wait()
	r := run{args: args, exit: cmd.ProcessState.ExitCode(), out: out.String(), errs: errs.String(), took: time.Since(began), killed: ctx.Err() != nil}
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended && !r.killed && !errors.Is(err, exec.ErrWaitDelay) {
		failed = errors.Join(failed, err)
	}
	return r, failed
}

// A peer accepts TCP connections and UDP packets on 127.0.0.1, and says nothing.
type peer struct {
	port   int
	called chan struct{} // closed when somebody came
	close  func()
}

// silent starts a peer.
func silent() (*peer, error) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	p := &peer{port: port, called: make(chan struct{})}
	calls := make(chan struct{}, 1)
	came := func() {
		select {
		case calls <- struct{}{}:
		default:
		}
	}
	done := make(chan struct{})
	var serving crew.Crew
	serving.Go(func() {
		var open []net.Conn
		for {
			c, err := tcp.Accept()
			if err != nil {
				break
			}
			open = append(open, c)
			came()
		}
		for _, c := range open {
			_ = c.Close()
		}
	})
	serving.Go(func() {
		b := make([]byte, 65535)
		for {
			if _, _, err := udp.ReadFrom(b); err != nil {
				return
			}
			came()
		}
	})
	serving.Go(func() {
		select {
		case <-calls:
			close(p.called)
		case <-done:
		}
	})
	p.close = func() { _ = tcp.Close(); _ = udp.Close(); close(done); serving.Wait() }
	return p, nil
}

// slowArgs are the arguments with which the plugin waits for p.
func (o options) slowArgs(p *peer, more ...string) []string {
	return append(strings.Fields(strings.ReplaceAll(o.slow, "{port}", strconv.Itoa(p.port))), more...)
}
