package peers

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"milepost/lib/crew"
)

const (
	startPatience = 30 * time.Second // a machine that runs other tests is slow
	stopPatience  = 5 * time.Second
	pollInterval  = 10 * time.Millisecond
	tryPatience   = time.Second // of one question to a server that may not be up yet
	logTail       = 32 << 10
)

// A Running is a server that a test started.
type Running struct {
	Addr string // "127.0.0.1:port"
	Port int
	Dir  string // its files: configuration, logs, state

	tb    testing.TB
	args  []string
	env   []string
	files []*os.File          // handed over as descriptors 3, 4, ...
	as    *syscall.Credential // nil = whoever runs the test
	ready func() error        // asks the server something, in its own protocol
	hasty bool                // its goodbye takes seconds: the end of the test is a Kill

	farewell syscall.Signal // of Stop

	crew  crew.Crew
	cmd   *exec.Cmd
	done  chan struct{} // closed when the process has ended
	alone *os.File      // at its end when whatever the process started has ended too
}

// newRunning is a server on port of 127.0.0.1 that is still to be launched.
func newRunning(tb testing.TB, dir string, port int) *Running {
	return &Running{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Port: port,
		Dir:  dir,
		tb:   tb,

		farewell: syscall.SIGTERM,
	}
}

// launch starts r for the first time and ends it with the test.
func (r *Running) launch() {
	r.tb.Helper()
	r.tb.Cleanup(func() {
		if r.hasty {
			r.Kill()
		}
		r.Stop()
		if r.tb.Failed() {
			r.tb.Logf("%s said:\n%s", r.args[0], r.Log())
		}
	})
	r.Start()
}

// Start starts the server again after Stop or Kill, with the same port and files,
// and waits until it answers.
func (r *Running) Start() {
	r.tb.Helper()
	if r.alive() {
		r.tb.Fatalf("starting %q: it runs already", r.args[0])
	}
	if err := r.exec(); err != nil {
		r.tb.Fatalf("starting %q: %v", r.args[0], err)
	}
	if err := r.await(); err != nil {
		r.tb.Fatalf("starting %q: %v", r.args[0], err)
	}
}

// exec starts the process.
func (r *Running) exec() error {
	log, err := os.OpenFile(r.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	// Nobody writes to this pipe, but who inherits it holds it open.
	alone, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer held.Close()
	cmd := exec.Command(r.args[0], r.args[1:]...) //nolint:noctx // Stop ends it, and lets it write what it must first
	cmd.Env = append(os.Environ(), r.env...)
	cmd.Dir = r.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = append(slices.Clone(r.files), held)
	// A group of its own, so that helpers end with it. Pdeathsig: a test that times
	// out or is killed runs no cleanup, and must not leave a server behind either.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: r.as}

	started, done := make(chan error, 1), make(chan struct{})
	r.crew.Go(func() {
		// The kernel sends Pdeathsig when the thread that started the child ends, so
		// that thread waits for the child and does nothing else.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(done)
	})
	if err := <-started; err != nil {
		_ = alone.Close()
		return err
	}
	r.cmd, r.done, r.alone = cmd, done, alone
	return nil
}

// await asks until the server answers, has ended, or took too long.
func (r *Running) await() error {
	late := time.NewTimer(startPatience)
	defer late.Stop()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for {
		err := r.ready()
		if err == nil {
			return nil
		}
		select {
		case <-r.done:
			return fmt.Errorf("it ended at once (%s)", r.cmd.ProcessState)
		case <-late.C:
			return fmt.Errorf("no answer after %s: %w", startPatience, err)
		case <-again.C:
		}
	}
}

// until waits for what the server is about to do.
func (r *Running) until(what string, done func() bool) {
	r.tb.Helper()
	if !Until(startPatience, done) {
		r.tb.Fatalf("waiting for %s by %q: not there after %s", what, r.args[0], startPatience)
	}
}

// Until asks again and again, for at most so long, whether what another process is about
// to do is done, and says whether it was in the end.
func Until(within time.Duration, done func() bool) bool {
	late := time.NewTimer(within)
	defer late.Stop()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for !done() {
		select {
		case <-late.C:
			return done()
		case <-again.C:
		}
	}
	return true
}

// alive says that the process was started and has not ended.
func (r *Running) alive() bool {
	if r.cmd == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// Stop ends the server as a service manager would: politely, and by SIGKILL if
// that is not enough. It returns when the server is gone; a second Stop does nothing.
func (r *Running) Stop() { r.end(r.farewell) }

// Kill ends the server as a crash would: it gets no chance to write anything.
func (r *Running) Kill() { r.end(syscall.SIGKILL) }

func (r *Running) end(sig syscall.Signal) {
	if r.cmd == nil {
		return
	}
	pid := r.cmd.Process.Pid
	_ = r.cmd.Process.Signal(sig) // it may have ended by itself
	select {
	case <-r.done:
	case <-time.After(stopPatience):
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // the helpers too
	r.crew.Wait()
	// PostgreSQL's left the group, and end because their parent did.
	_ = r.alone.SetReadDeadline(time.Now().Add(stopPatience))
	_, _ = r.alone.Read(make([]byte, 1))
	_ = r.alone.Close()
	r.cmd = nil
}

// Signal sends sig to the server.
func (r *Running) Signal(sig syscall.Signal) {
	r.tb.Helper()
	if !r.alive() {
		r.tb.Fatalf("signalling %q: it does not run", r.args[0])
	}
	if err := r.cmd.Process.Signal(sig); err != nil {
		r.tb.Fatalf("signalling %q: %v", r.args[0], err)
	}
}

func (r *Running) logFile() string { return filepath.Join(r.Dir, "log") }

// Log is the end of what the server said on stdout and stderr.
func (r *Running) Log() string {
	f, err := os.Open(r.logFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTail {
		_, _ = f.Seek(-logTail, io.SeekEnd)
	}
	text, err := io.ReadAll(io.LimitReader(f, logTail))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
