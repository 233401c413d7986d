package nagios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"milepost/lib/verdict"
)

// outputLimit is the most that is taken from a supervised child, in bytes: NRPE
// carries 64 KiB.
const outputLimit = 1 << 20

// supervise runs the check in a child of this program. What recover() cannot
// catch (a fatal error of the runtime, a library's own goroutine, a signal) ends
// the child with a code that Nagios reads as CRITICAL, or with none; here it
// becomes UNKNOWN with a sentence.
func (r *run) supervise(ctx context.Context) int {
	ctx, cancel := context.WithDeadline(ctx, r.began.Add(r.common.Timeout.After+grace/2))
	defer cancel()
	// The name that this program was started by stays in argv[0]: ps shows it.
	// An ini file may say supervise too: the child must not make a child of its own.
	args := append([]string{"--supervise=false"}, withoutSupervise(r.args)...)
	child := exec.CommandContext(ctx, "/proc/self/exe", args...)
	child.Args[0] = os.Args[0]
	var out, faults bytes.Buffer
	child.Stdin = r.in
	if r.piped != nil { // it is read to its end; what the child reads of it is this
		child.Stdin = bytes.NewReader(r.piped)
	}
	child.Stdout = &limited{&out, outputLimit}
	child.Stderr = &limited{&faults, outputLimit}
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	child.Cancel = func() error { return endChild(ctx, child.Process) }
	child.WaitDelay = 2 * grace
	err := child.Run()
	status := verdict.Status(child.ProcessState.ExitCode())
	sig, signalled := errors.AsType[signalError](context.Cause(ctx))
	switch {
	case (signalled || ctx.Err() == nil) && whole(out.String(), r.Kind.Name, status):
		return r.print(out.String(), status)
	case signalled:
		return r.end(fmt.Errorf("interrupted by %w", sig))
	case ctx.Err() != nil:
		return r.end(fmt.Errorf("timed out after %v: the check did not stop and was killed", r.common.Timeout.After))
	case child.Process == nil:
		return r.end(fmt.Errorf("starting the check in a child of its own: %w", err))
	default:
		return r.end(crash(err, faults.String()))
	}
}

// endChild passes a signal on to the child, which knows what it was doing, and
// answers within the grace that it has. A child whose time is up is killed.
func endChild(ctx context.Context, child *os.Process) error {
	if s, ok := errors.AsType[signalError](context.Cause(ctx)); ok {
		return child.Signal(s.Signal)
	}
	return syscall.Kill(-child.Pid, syscall.SIGKILL)
}

// withoutSupervise is args for the child. An abbreviation is refused by the
// child's own parser only if it is ambiguous, so every spelling is matched.
func withoutSupervise(args []string) []string {
	var rest []string
	for _, a := range args {
		if len(a) > len("--s") && strings.HasPrefix("--supervise", a) || strings.HasPrefix(a, "--supervise=") {
			continue
		}
		rest = append(rest, a)
	}
	return rest
}

// whole says that a child printed its verdict and ended as that verdict says.
func whole(out, name string, status verdict.Status) bool {
	if status < verdict.OK || status > verdict.Unknown || out == "" {
		return false
	}
	word, is := strings.CutPrefix(out, strings.ToUpper(name)+" ")
	return !is || strings.HasPrefix(word, status.String()+":")
}

// crash says how a child ended that told nothing.
func crash(err error, faults string) error {
	first, _, _ := strings.Cut(strings.TrimSpace(faults), "\n")
	if first == "" {
		first = "it printed nothing"
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	return fmt.Errorf("the check crashed: %w: %s", err, first)
}

// limited passes on at most left bytes and swallows the rest, so that a child
// that prints for ever does not fill the memory.
type limited struct {
	w    io.Writer
	left int
}

// Write never fails.
func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, _ = l.w.Write(p[:n])
	return len(p), nil
}
