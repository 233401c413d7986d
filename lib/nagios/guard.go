package nagios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/verdict"
)

// Guard runs work as the main of a plugin runs: a panic, a signal that would end the
// process with a code of its own, and a standard output that is closed are UNKNOWN. The
// result is the exit code; broken tells of the panic and returns its own.
func Guard(stdout io.Writer, work func(context.Context) int, broken func(error) int) (exit int) {
	defer func() {
		if p := crew.Recovered(recover()); p != nil {
			exit = broken(fmt.Errorf("the program itself is broken: %w", p))
		}
	}()
	if closed(stdout) {
		return int(verdict.Unknown)
	}
	ignorePipe()
	ctx, stop := withSignals(context.Background())
	if stdout != os.Stdout { // else the process ends with the run, and there is nobody to give signals back to
		defer stop()
	}
	return work(ctx)
}

// Deliver writes the page at once, and returns the exit code. What cannot be told
// within the time is UNKNOWN: a reader that is gone, a full disk, a pipe that nobody
// empties.
func Deliver(out io.Writer, page string, status verdict.Status, within time.Duration) int {
	wrote := make(chan error, 1)
	var writer crew.Crew
	writer.Go(func() {
		_, err := io.WriteString(out, page)
		wrote <- err
	})
	patience := time.NewTimer(within)
	defer patience.Stop()
	select {
	case err := <-wrote:
		if err == nil {
			return int(status)
		}
	case <-patience.C:
	}
	return int(verdict.Unknown)
}

// Stopped is o, which ended after a signal had ended ctx, of a run under Guard. What was
// not run to its end is neither OK nor an alert: it is UNKNOWN, and says what it had found.
func Stopped(ctx context.Context, o check.Outcome) check.Outcome {
	why, stopped := errors.AsType[signalError](context.Cause(ctx))
	if !stopped || o.Status == verdict.Unknown {
		return o
	}
	v := verdict.Failed(fmt.Errorf("interrupted by %w while measuring: %s", why, o.Summary))
	v.Findings, v.Stages = o.Findings, o.Stages
	o.Verdict = v
	return o
}

// closed says that the program was started without a standard output. The
// runtime has opened /dev/null for reading and writing in its place by now;
// a shell's >/dev/null is for writing only.
func closed(stdout io.Writer) bool {
	f, ok := stdout.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return true
	}
	device, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode()&os.ModeCharDevice == 0 || device.Rdev != nullDevice {
		return false
	}
	flags, err := unix.FcntlInt(f.Fd(), syscall.F_GETFL, 0)
	return err == nil && flags&syscall.O_ACCMODE == syscall.O_RDWR
}

// nullDevice is the number of /dev/null: major 1, minor 3.
const nullDevice = 1<<8 | 3
