package clock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/ntp"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// headway is the least time from one question to an NTP server to the next: who
// asks faster gets no answer, or the kiss code RATE (RFC 5905, section 7.4).
const headway = 2 * time.Second

// errKiss is wrapped by the errors of servers that send a kiss code (RFC 5905,
// section 7.4), after which they must not be asked again.
var errKiss = errors.New("the kiss code")

// overNTP asks an NTP server.
func (c Config) overNTP(t metric.Target) source {
	dial, called := c.addresses(t)
	return source{
		doing: fmt.Sprintf("asking %q for its time over NTP", called),
		live:  true, // each answer repeats a random number of its question
		pace:  headway,
		burst: samples,
		hint:  "does an NTP server run there, and does it let this monitor in?",
		ask:   func(ctx context.Context) (answer, error) { return c.askNTP(ctx, dial.String()) },
		close: func() {},
	}
}

func (c Config) askNTP(ctx context.Context, addr string) (answer, error) {
	sent := c.now()
	r, err := queryNTP(ctx, addr)
	received := c.now()
	if err != nil {
		return answer{}, err
	}
	// The host's clock showed ServerRecv after ClientXmit and ServerXmit before
	// ClientRecv: that is the offset of RFC 5905, section 8, ± half the delay.
	at := r.Timestamps
	reading := reading{
		value: at.ServerXmit, resolution: r.Precision,
		sent: sent, received: received, rtt: r.RTT,
		lo: at.ServerXmit.Sub(at.ClientRecv) - r.Precision,
		hi: at.ServerRecv.Sub(at.ClientXmit) + r.Precision,
	}
	if r.RTT > received.since(sent)+time.Second {
		return answer{}, garbled(errors.New("its times do not fit the time that the answer took"))
	}
	if reading.lo > reading.hi {
		return answer{}, garbled(errors.New("the server held the question for longer than we waited"))
	}
	return answer{
		reading: reading,
		server:  selfDescription(r),
		said: fmt.Sprintf("offset %s, RTT %s, stratum %d, leap indicator %d, reference %s, root distance %s",
			r.ClockOffset, r.RTT, r.Stratum, r.Leap, r.ReferenceString(), r.RootDistance),
	}, nil
}

// selfDescription is what a person wants to know of a server.
func selfDescription(r *ntp.Response) string {
	leap := "leap none"
	if r.Leap != ntp.LeapNoWarning {
		leap = "which announces a leap second"
	}
	return fmt.Sprintf("stratum %d, %s", r.Stratum, leap)
}

// queryNTP asks an NTP server once, and refuses an answer that says of itself that
// it is worth nothing.
func queryNTP(ctx context.Context, addr string) (_ *ntp.Response, err error) {
	defer func() { // the library takes a precision of 2^-128 s for a number of bits to shift by
		if broken := crew.Recovered(recover()); broken != nil {
			err = garbled(errors.New("it makes the NTP library panic"))
		}
	}()
	stop := func() bool { return true }
	defer func() { stop() }()
	options := ntp.QueryOptions{
		Timeout: usualPatience,
		Dialer: func(_, remote string) (net.Conn, error) { // the library resolves names without a limit
			conn, err := (&net.Dialer{}).DialContext(ctx, "udp", remote)
			if err == nil {
				stop = context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		},
	}
	r, err := ntp.QueryWithOptions(addr, options)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, closed("does an NTP server run there, and listen on this address?")
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return nil, err // this machine's doing: no route, no name
	}
	if err != nil {
		return nil, garbled(err)
	}
	return r, worthless(r)
}

// worthless says why an answer must not be used.
func worthless(r *ntp.Response) error {
	err, kiss := r.Validate(), strings.TrimRight(r.KissCode, "\x00")
	switch {
	case err == nil:
		return nil
	case r.IsKissOfDeath() && kiss != "": // whose leap indicator is 3, too
		return blame(fmt.Errorf("the server sends %w %q: it does not want to be asked, or not so often", errKiss, kiss))
	case r.Leap == ntp.LeapNotInSync:
		return blame(fmt.Errorf("the server says that it is not synchronised (stratum %d, leap indicator 3): see chronyc sources there", r.Stratum))
	default:
		return blame(fmt.Errorf("%w (stratum %d, root distance %s)", err, r.Stratum, short(r.RootDistance)))
	}
}
