package nagios

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"milepost/lib/crew"
)

// ignorePipe makes a reader that went away a write error.
func ignorePipe() { signal.Ignore(syscall.SIGPIPE) }

// withSignals is ctx that ends, with the signal's name as cause, when somebody
// wants the plugin to stop.
func withSignals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGALRM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGSYS)
	var listener crew.Crew
	listener.Go(func() {
		select {
		case s := <-signals:
			cancel(signalError{s})
		case <-ctx.Done():
		}
	})
	return ctx, func() { signal.Stop(signals); cancel(nil); listener.Wait() }
}

// A signalError is a signal as the cause of an end.
type signalError struct{ os.Signal }

// Error is the signal's usual name.
func (e signalError) Error() string {
	switch e.Signal {
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGALRM:
		return "SIGALRM"
	case syscall.SIGHUP:
		return "SIGHUP"
	case syscall.SIGQUIT:
		return "SIGQUIT"
	case syscall.SIGABRT:
		return "SIGABRT"
	case syscall.SIGTRAP:
		return "SIGTRAP"
	case syscall.SIGSYS:
		return "SIGSYS"
	default:
		return e.Signal.String()
	}
}
