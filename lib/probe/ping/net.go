package ping

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"milepost/lib/echo"
	"milepost/lib/metric"
)

// A pinger sends the requests of a plan, and says what happened, as soon as anything
// did, or nothing when that time is over or ctx ends.
type pinger interface {
	Next(ctx context.Context, until time.Time) ([]echo.Event, error)
	Close()
}

// overNetwork pings with ICMP echo requests.
func overNetwork(p echo.Plan) (pinger, error) {
	r, err := echo.Begin(p)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// unsendable is what an error of sending means. All of them are this machine's:
// what a router on the path has against a packet comes back later, as ICMP.
func unsendable(to netip.Addr, err error) error {
	why, known := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, echo.ErrForbidden):
		return err
	case !known:
		return fmt.Errorf("sending: %w", err)
	}
	switch why {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EACCES, syscall.EINVAL: // no route, unreachable, its interface down, prohibit, blackhole
		return &metric.Blamed{
			Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorRoute,
			Err: fmt.Errorf("sending: %w: this machine has no route to it: see ip route get %v", why, to),
		}
	case syscall.EPERM:
		return fmt.Errorf("sending: %w: this machine's firewall forbids it: see nft list ruleset", why)
	default:
		return fmt.Errorf("sending: %w", why)
	}
}

// Needs says whether this machine lets the probe ping, and over what, and whether it can
// keep and read what it is to learn.
func (c Config) Needs(context.Context, metric.Target) []metric.Need {
	n := metric.Need{What: "permission for ICMP"}
	over, err := echo.Permission()
	switch {
	case err == nil:
		n.OK, n.Have = true, over
	case errors.Is(err, echo.ErrForbidden):
		n.Have, n.Mend = "none", echo.Mend()
	default:
		n.Have = err.Error()
	}
	return append([]metric.Need{n}, c.Learned.needs()...)
}
