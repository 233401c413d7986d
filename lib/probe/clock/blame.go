package clock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"milepost/lib/metric"
)

// errGarbled is wrapped by errors about answers that may not have been meant for
// the question: a late or a forged packet.
var errGarbled = errors.New("garbled answer")

// garbled is err about such an answer.
func garbled(err error) error { return blame(fmt.Errorf("%w: %w", errGarbled, err)) }

// blame is err as the host's doing.
func blame(err error) error {
	return &metric.Blamed{Fault: metric.FaultHost, Reason: metric.ReasonNotMeasured, Err: err}
}

// closed is the error of a host that answers that nobody listens.
func closed(hint string) error {
	return &metric.Blamed{
		Fault: metric.FaultHost, Reason: metric.ReasonRefused,
		Err: errors.New("connection refused: " + hint),
	}
}

// distrust is the error of a measurement whose yardstick is wrong.
func distrust(format string, args ...any) error {
	return &metric.Blamed{
		Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorClock,
		Err: fmt.Errorf("this monitor's clock "+format+": host not judged", args...),
	}
}

// silent says that err is the end of the time for an answer.
func silent(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// silence is the error of a host that did not answer in the time that a stage has.
// The run's time may not be over yet; all the same, nobody told us in time.
func silence(doing string, patience time.Duration, tries int, hint string) error {
	why := silenceError(fmt.Sprintf("no answer within %s to %s: %s", short(patience), count(tries, "question"), hint))
	return blame(&metric.Interrupted{Stage: doing, Err: why})
}

// A silenceError says that nobody answered in time.
type silenceError string

// Error is the text.
func (e silenceError) Error() string { return string(e) }

// Unwrap makes it a timeout.
func (silenceError) Unwrap() error { return context.DeadlineExceeded }
