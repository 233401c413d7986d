package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/facebook/time/ntp/chrony"
)

const (
	// chronydAddress is where a chronyd answers whoever is on its machine.
	chronydAddress = "127.0.0.1:323"

	// maxChronyd bounds the wait for a program on this machine.
	maxChronyd = 500 * time.Millisecond

	// leapUnknown is the leap indicator of a clock that is not synchronised
	// (RFC 5905, figure 9).
	leapUnknown = 3

	// localReference is the reference of a chronyd that serves its own clock as it
	// is ("local" in chrony.conf): 127.127.1.1.
	localReference = 0x7f7f0101
)

// askChronyd asks a chronyd for its tracking. The true time is the system's less
// the remaining correction, within the root dispersion and half the root delay
// (chronyc(1), "tracking").
func askChronyd(ctx context.Context, addr string) (MonitorClock, error) {
	t, err := tracking(ctx, addr)
	if err != nil {
		return MonitorClock{}, fmt.Errorf("asking chronyd at %q: %w", addr, err)
	}
	correction, sane := seconds(t.CurrentCorrection) // to be added to the system's time
	bound, bounded := seconds(t.RootDispersion + t.RootDelay/2)
	switch {
	case t.LeapStatus == leapUnknown:
		err = errors.New("it is not synchronised")
	case t.RefID == localReference:
		err = errors.New("it serves its own clock as it is")
	case !sane, !bounded, bound < 0:
		err = fmt.Errorf("%w: an error of %g s", errGarbled, t.RootDispersion+t.RootDelay/2)
	}
	if err != nil {
		return MonitorClock{}, fmt.Errorf("asking chronyd at %q: %w", addr, err)
	}
	return MonitorClock{Lo: -correction - bound, Hi: -correction + bound, By: "the local chronyd", Proven: true}, nil
}

// tracking is one exchange of chronyd's command protocol.
func tracking(ctx context.Context, addr string) (*chrony.ReplyTracking, error) {
	ctx, cancel := context.WithTimeout(ctx, maxChronyd)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	client := &chrony.Client{Connection: conn, Sequence: rand.Uint32()}
	answer, err := client.Communicate(chrony.NewTrackingPacket())
	switch {
	case ctx.Err() != nil:
		return nil, errors.New("no answer")
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, errors.New("it does not run, or answers nobody")
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	}
	t, ok := answer.(*chrony.ReplyTracking)
	if !ok || t.Sequence != client.Sequence {
		return nil, fmt.Errorf("%w: to another question", errGarbled)
	}
	return t, nil
}

// seconds is s as a Duration, and whether it is one.
func seconds(s float64) (time.Duration, bool) {
	if math.IsNaN(s) || math.Abs(s) > math.MaxInt32 {
		return 0, false
	}
	return time.Duration(s * float64(time.Second)), true
}
