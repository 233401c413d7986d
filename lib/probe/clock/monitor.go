package clock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"milepost/lib/metric"
)

// A MonitorClock is how far the monitor's own clock is known. The zero value is
// that of a clock that nobody vouches for.
type MonitorClock struct {
	Lo, Hi time.Duration // the monitor's clock minus the true time lies between
	By     string        // who says so, or why nobody does
	Proven bool
}

// String is who says what of the monitor's clock.
func (c MonitorClock) String() string {
	if !c.Proven {
		return "unproven: " + c.By
	}
	return span(c.Lo, c.Hi) + " by " + c.By
}

// maxError is the most that a monitor's clock may be off, or may be in doubt, by
// the word of its own machine, to judge others: a fifth of the default warning.
// What a majority of servers says has no such limit, because it is subtracted.
const maxError = time.Second

// maxVouching bounds the time in which somebody must vouch for the monitor's clock:
// the host is still to be asked.
const maxVouching = 2 * time.Second

// vouch finds out how far the monitor's own clock may be believed. The error is
// that it is known to be wrong.
func (m *measurement) vouch(ctx context.Context) error {
	began := time.Now()
	stage := metric.Stage{Doing: "proving this monitor's clock"}
	limited, cancel := context.WithTimeout(ctx, min(m.patience/2, maxVouching))
	defer cancel()
	clock, err := m.config.vouch(limited)
	m.result.Clock = clock
	stage.Took, stage.Said = time.Since(began), clock.String()
	m.result.Stages = append(m.result.Stages, stage)
	if ctx.Err() != nil {
		return &metric.Interrupted{Stage: stage.Doing, Err: ctx.Err()}
	}
	return err
}

// vouch asks whom c says.
func (c Config) vouch(ctx context.Context) (MonitorClock, error) {
	switch {
	case c.Reference.none:
		return MonitorClock{By: "--reference none", Proven: true}, nil
	case len(c.Reference.servers) > 0:
		return c.Shared.Prove(ctx, c.Reference.servers), nil
	}
	clock := c.local(ctx)
	if off := max(clock.Lo.Abs(), clock.Hi.Abs()); clock.Proven && off > maxError && c.Source != Local {
		return clock, distrust("may be off by %s, says %s", short(off), clock.By)
	}
	return clock, nil
}

// local asks this machine: chronyd, else the kernel.
func (c Config) local(ctx context.Context) MonitorClock {
	clock, err := askChronyd(ctx, c.chronyd)
	if err == nil {
		return clock
	}
	adjtimex := c.adjtimex
	if adjtimex == nil {
		adjtimex = unix.Adjtimex
	}
	clock, kernel := askKernel(adjtimex)
	if kernel != nil {
		clock.By = fmt.Sprintf("%v; %v", err, kernel)
	}
	return clock
}

// askKernel asks the kernel, which is told by whatever disciplines its clock
// (adjtimex(2); with no modes anybody may). In a container it is the node's.
func askKernel(adjtimex func(*unix.Timex) (int, error)) (MonitorClock, error) {
	var t unix.Timex
	state, err := adjtimex(&t)
	switch {
	case err != nil:
		return MonitorClock{}, fmt.Errorf("asking the kernel: %w", err)
	case state == unix.TIME_ERROR, t.Status&unix.STA_UNSYNC != 0:
		return MonitorClock{}, errors.New("the kernel says that its clock is not synchronised")
	}
	// Maxerror says little: it grows by 500 ppm from one update to the next.
	bound := time.Duration(t.Esterror) * time.Microsecond
	return MonitorClock{Lo: -bound, Hi: bound, By: "the kernel", Proven: true}, nil
}
