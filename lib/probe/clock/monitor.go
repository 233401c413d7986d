package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/beevik/ntp"
	"github.com/facebook/time/ntp/chrony"
	"golang.org/x/sys/unix"

	"milepost/lib/crew"
	"milepost/lib/metric"
)

// A MonitorClock is how far the monitor's own clock is known.
type MonitorClock struct {
	Lo, Hi time.Duration // the monitor's clock minus the true time lies between
	By     string        // who says so: "chronyd at 127.0.0.1:323"
	Proven bool          // false: nobody vouches for it
}

// maxError is the most that a monitor's clock may be off, or may not be known, to
// judge others: a fifth of the default warning.
const maxError = time.Second

// askingLimit is how long the monitor's own clock may take to be vouched for, of
// the patience that there is: the host has to be asked too.
const askingLimit = 3 * time.Second

// vouch finds out how far the monitor's own clock may be believed. The error is
// that it may not.
func (m *measurement) vouch(ctx context.Context) error {
	c := m.config
	stage := metric.Stage{Doing: "proving this monitor's clock"}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, min(m.patience/2, askingLimit))
	defer cancel()
	var clock MonitorClock
	var err error
	switch {
	case c.Reference.none:
		clock = MonitorClock{By: "nobody was asked (--reference none)", Proven: true}
	case len(c.Reference.servers) > 0:
		clock, err = majority(ctx, c.Reference.servers)
	default:
		clock = c.local(ctx)
	}
	stage.Took, stage.Said = time.Since(began), clock.String()
	m.result.Stages = append(m.result.Stages, stage)
	m.result.Clock = clock
	if err != nil {
		return err
	}
	if off := max(clock.Hi.Abs(), clock.Lo.Abs()); clock.Proven && off > maxError {
		return distrust("may be off by %s (%s)", short(off), clock.By)
	}
	return nil
}

// String is who says what of the monitor's clock.
func (c MonitorClock) String() string {
	if !c.Proven {
		return "unproven: " + c.By
	}
	return fmt.Sprintf("%s: %s", c.By, span(c.Lo, c.Hi))
}

// local asks the local chronyd, else the kernel.
func (c Config) local(ctx context.Context) MonitorClock {
	clock, err := askChronyd(ctx, c.chronyd)
	if err == nil {
		return clock
	}
	kernel := c.kernel
	if kernel == nil {
		kernel = adjtimex
	}
	k, kerr := kernel()
	switch {
	case kerr != nil:
		return MonitorClock{By: fmt.Sprintf("%v; %v", err, kerr)}
	case !k.synchronised || k.maxError > maxError:
		return MonitorClock{By: fmt.Sprintf("%v; the kernel's clock is not synchronised", err)}
	}
	return MonitorClock{Lo: -k.maxError, Hi: k.maxError, By: "the kernel", Proven: true}
}

// A kernelClock is what the kernel says of its clock.
type kernelClock struct {
	synchronised bool
	maxError     time.Duration
}

// adjtimex asks the kernel (adjtimex(2) with no modes, which anybody may).
func adjtimex() (kernelClock, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return kernelClock{}, fmt.Errorf("asking the kernel for its clock: %w", err)
	}
	return kernelClock{
		synchronised: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		maxError:     time.Duration(t.Maxerror) * time.Microsecond,
	}, nil
}

// askChronyd asks chronyd for its tracking, over its command protocol. Its clock
// is right within the system time's remaining correction, the root dispersion and
// half the root delay (chronyc(1), "tracking").
func askChronyd(ctx context.Context, addr string) (MonitorClock, error) {
	bad := func(err error) (MonitorClock, error) {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errors.New("no answer")
		}
		return MonitorClock{}, fmt.Errorf("asking chronyd at %q: %w", addr, err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", addr)
	if err != nil {
		return bad(err)
	}
	defer conn.Close()
	// chronyd is on this machine: a second is long.
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return bad(err)
	}
	answer, err := (&chrony.Client{Sequence: 1, Connection: conn}).Communicate(chrony.NewTrackingPacket())
	if err != nil {
		return bad(refused(err))
	}
	t, ok := answer.(*chrony.ReplyTracking)
	switch {
	case !ok:
		return bad(errors.New("it answered another question"))
	case t.LeapStatus == leapUnsynchronised || t.RefID == 0:
		return bad(errors.New("it is not synchronised"))
	}
	off := seconds(t.CurrentCorrection)
	err95 := seconds(t.RootDispersion + t.RootDelay/2)
	if err95 < 0 {
		return bad(errors.New("it tells an error below zero"))
	}
	return MonitorClock{Lo: -off - err95, Hi: -off + err95, By: "chronyd at " + addr, Proven: true}, nil
}

// leapUnsynchronised is the leap indicator of a clock that is not synchronised
// (RFC 5905, figure 9).
const leapUnsynchronised = 3

func refused(err error) error {
	if errors.Is(err, unix.ECONNREFUSED) {
		return errors.New("it does not run here")
	}
	return err
}

// seconds is s as a Duration; what is no sane number of seconds is a negative one.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) || math.Abs(s) > math.MaxInt32 {
		return -1
	}
	return time.Duration(s * float64(time.Second))
}

// A vote is one reference's word on the monitor's clock.
type vote struct {
	server string
	lo, hi time.Duration // the monitor's clock minus the reference's lies between
	err    error
}

// majority asks all references at once. The monitor's clock is where most of
// them, more than half of all that were named, agree (Marzullo 1984; RFC 5905,
// section 11.2.1): one that lies or is silent has no say.
func majority(ctx context.Context, servers []string) (MonitorClock, error) {
	votes := make([]vote, len(servers))
	var asking crew.Crew
	for i, s := range servers {
		asking.Go(func() { votes[i] = askReference(ctx, s) })
	}
	asking.Wait()
	lo, hi, agree := intersect(votes)
	by := fmt.Sprintf("%d of %d references", agree, len(servers))
	if 2*agree <= len(servers) {
		return MonitorClock{By: by}, distrust("is not proven: %s agree, and a majority is needed (%s)", by, spellVotes(votes))
	}
	return MonitorClock{Lo: lo, Hi: hi, By: by, Proven: true}, nil
}

func askReference(ctx context.Context, server string) vote {
	r, err := query(ctx, server)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return vote{server: server, err: err}
	}
	// ClockOffset is what is to be added to the monitor's clock.
	return vote{server: server, lo: -r.ClockOffset - r.RootDistance, hi: -r.ClockOffset + r.RootDistance}
}

// intersect is the interval that most votes share, and how many do.
func intersect(votes []vote) (lo, hi time.Duration, agree int) {
	type edge struct {
		at   time.Duration
		step int // +1 where an interval begins, -1 where it ends
	}
	var edges []edge
	for _, v := range votes {
		if v.err == nil {
			edges = append(edges, edge{v.lo, 1}, edge{v.hi, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return b.step - a.step // touching intervals agree
	})
	inside := 0
	for i, e := range edges {
		if inside += e.step; inside > agree {
			agree, lo, hi = inside, e.at, edges[i+1].at
		}
	}
	return lo, hi, agree
}

func spellVotes(votes []vote) string {
	var all []string
	for _, v := range votes {
		if v.err != nil {
			all = append(all, fmt.Sprintf("%s: %v", v.server, v.err))
			continue
		}
		all = append(all, fmt.Sprintf("%s: %s", v.server, span(v.lo, v.hi)))
	}
	return strings.Join(all, "; ")
}

// query asks one NTP server once.
func query(ctx context.Context, server string) (*ntp.Response, error) {
	patience := askingLimit
	if end, ok := ctx.Deadline(); ok {
		patience = time.Until(end)
	}
	return ntp.QueryWithOptions(server, ntp.QueryOptions{
		Timeout: patience,
		// The library resolves names outside its timeout.
		Dialer: func(_, remote string) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "udp", remote) },
	})
}
