package clock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/beevik/ntp"

	"milepost/lib/metric"
)

// headway is the least time between two questions to one NTP server: what asks
// faster gets the kiss code RATE (RFC 5905, section 7.4).
const headway = 2 * time.Second

// overNTP asks an NTP server.
func (c Config) overNTP(t metric.Target) source {
	dial, called := c.addresses(t)
	return source{
		called: "NTP",
		doing:  fmt.Sprintf("asking %q for its time over NTP", called),
		live:   true, // each answer repeats a number of its question
		pace:   headway,
		hint:   "does an NTP server run there, and does it let this monitor in?",
		ask:    func(ctx context.Context) (answer, error) { return c.askNTP(ctx, dial) },
		close:  func() {},
	}
}

func (c Config) askNTP(ctx context.Context, addr string) (answer, error) {
	sent := c.now()
	r, err := query(ctx, addr)
	received := c.now()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
		return answer{}, context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, &metric.Blamed{
			Fault: metric.FaultHost, Reason: metric.ReasonRefused,
			Err: errors.New("connection refused: no NTP server listens there"),
		}
	case errors.Is(err, ntp.ErrServerResponseMismatch), errors.Is(err, ntp.ErrInvalidProtocolVersion):
		return answer{}, blame(fmt.Errorf("%w: %w", errGarbled, err))
	case err != nil:
		return answer{}, err
	}
	server := fmt.Sprintf("stratum %d, leap indicator %d, reference %s", r.Stratum, r.Leap, r.ReferenceString())
	if r.KissCode != "" {
		return answer{}, blame(fmt.Errorf("the server sent the kiss code %s: it does not want to be asked", r.KissCode))
	}
	if err := r.Validate(); err != nil {
		return answer{}, blame(fmt.Errorf("the server's own time is worth nothing: %w (%s)", err, server))
	}
	// The offset is known to half the round trip (RFC 5905, section 8): the two
	// ways may be as different as one of them takes it all.
	half := r.RTT / 2
	reading := reading{
		value: received.wall.Add(r.ClockOffset), resolution: r.Precision, sent: sent, received: received,
		rtt: r.RTT, lo: r.ClockOffset - half, hi: r.ClockOffset + half,
	}
	return answer{reading: reading, server: server, said: fmt.Sprintf("offset %s, RTT %s, %s", r.ClockOffset, r.RTT, server)}, nil
}
