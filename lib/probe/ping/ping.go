// Package ping measures packet loss and round trips with ICMP echo requests.
//
// A packet has a time of its own to be answered in, three usual round trips but
// at least one second and at most three, and is lost only when that is over;
// until then it is neither lost nor received. Packets are counted in the order
// in which they were sent. What comes later than its time is late, what comes
// twice a duplicate, what another address sends a stray: each is counted apart
// and none of them is a received packet.
//
// While packets are out, every number is the interval in which its final value
// lies: a reader can stop as soon as no packet still to come can change the
// verdict, and is then as right as if all had been sent.
package ping

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"milepost/lib/burst"
	"milepost/lib/metric"
)

// Config is how to ping and what is allowed.
type Config struct {
	Count    int           `short:"n" placeholder:"N" help:"Packets to send; 0 goes on for ever."`
	Spacing  time.Duration `short:"i" placeholder:"SECONDS" help:"Time from one packet to the next."`
	Window   int           `placeholder:"N" help:"Where packets are sent for ever: how many of the latest are judged."`
	Baseline Percent       `placeholder:"PERCENT" help:"Loss that is usual on this path. Without limits on the loss, only more than this is bad; not given, 0.5 is assumed."`
	Burst    float64       `placeholder:"CHANCE" help:"Chance from 0 to 1 that a packet sent 0.25 s after a lost one is lost too; at least the baseline is assumed."`
	Bounds   `embed:""`

	Echo func(ctx context.Context, p Plan, tell func(Event)) error `kong:"-"` // nil = over the network
}

// Bounds are the limits that a user sets.
type Bounds struct {
	Warning     metric.Range `short:"w" placeholder:"RANGE" help:"Warn when the loss, in percent, is outside this range, whatever is usual."`
	Critical    metric.Range `short:"c" placeholder:"RANGE" help:"Be critical when the loss, in percent, is outside this range, whatever is usual."`
	RTTWarning  metric.Range `name:"rtt-warning" placeholder:"RANGE" help:"Warn when the median round trip, in seconds, is outside this range."`
	RTTCritical metric.Range `name:"rtt-critical" placeholder:"RANGE" help:"Be critical when the median round trip, in seconds, is outside this range."`
}

// What a run may ask for.
const (
	maxPackets  = 1000 // of a round or a window; the exact test takes their square in steps
	minSpacing  = time.Millisecond
	maxSpacing  = time.Hour
	burstStep   = 250 * time.Millisecond // that Config.Burst is the chance for
	assumedLoss = 0.5                    // percent; where no baseline is given
)

// Default is 20 packets in five seconds and no baseline.
func Default() Config {
	return Config{Count: 20, Spacing: burstStep, Window: 60, Burst: 0.33}
}

// Validate refuses what cannot be.
func (c Config) Validate() error {
	switch {
	case c.Count < 0 || c.Count > maxPackets:
		return fmt.Errorf("--count: %d is not between 1 and %d, nor 0, which goes on for ever", c.Count, maxPackets)
	case c.Spacing < minSpacing || c.Spacing > maxSpacing:
		return fmt.Errorf("--spacing: %v is not between %v and %v", c.Spacing, minSpacing, maxSpacing)
	case c.Window < 1 || c.Window > maxPackets:
		return fmt.Errorf("--window: %d is not between 1 and %d", c.Window, maxPackets)
	case !(c.Burst >= 0 && c.Burst < 1):
		return fmt.Errorf("--burst: %v is no chance from 0 to below 1", c.Burst)
	}
	return nil
}

// Limits are on the loss as the user says; where he says nothing, loss must be
// both much more than usual, in points, and hardly ever so by chance. Nothing
// received is critical in any case.
func (c Config) Limits() []metric.Limit {
	loss := metric.Limit{
		Warning:  metric.All{"excess": metric.MustRange("@5:"), "p": metric.MustRange("@0:0.01")},
		Critical: metric.All{"excess": metric.MustRange("@20:"), "p": metric.MustRange("@0:0.0001")},
	}
	if c.limited() {
		loss = metric.On("loss", c.Warning, c.Critical)
	}
	limits := []metric.Limit{metric.Never("all_lost"), loss}
	if !c.RTTWarning.IsZero() || !c.RTTCritical.IsZero() {
		limits = append(limits, metric.On("rtt_median", c.RTTWarning, c.RTTCritical))
	}
	return limits
}

// limited says that the user set a limit on the loss himself.
func (c Config) limited() bool { return !c.Warning.IsZero() || !c.Critical.IsZero() }

// usual is what the loss of a window of n packets this far apart is held against.
// Packets closer than burstStep are taken for as much alike as at burstStep: how
// much more alike they are nobody said, and taken for more, no loss among them
// would ever be more than one burst.
func (c Config) usual(spacing time.Duration, n int) Usual {
	loss, given := c.Baseline.Value()
	if !given {
		loss = assumedLoss
	}
	chain := burst.Chain{Loss: loss / 100, Repeat: max(loss/100, c.Burst)}.Every(max(float64(spacing)/float64(burstStep), 1))
	return Usual{Loss: loss, Assumed: !given, Judged: given || !c.limited(), chain: chain, tails: chain.Tails(n)}
}

// A Plan is what an Echo is to send.
type Plan struct {
	To      netip.Addr
	Count   int // 0 = until ctx ends, each up to a tenth of the spacing early or late
	Spacing time.Duration
}

// An Event is what an Echo tells: that a request left, that a reply came, or
// that a request could not be sent. An Echo that cannot go on returns why.
type Event struct {
	Seq  int        // which request, from 0
	At   time.Time  // with its monotonic reading
	From netip.Addr // who replied; zero if the request left
	Err  error      // why the request could not be sent
}

// Measure pings t's first address. It yields a Result whenever packets are
// settled; of a stream (Count 0) until ctx ends. A request that could not be
// sent is an error, which ends a round but not a stream.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if len(t.Addrs) == 0 {
			yield(Result{}, fmt.Errorf("pinging %q: %w", t.Address, errors.New("it has no address")))
			return
		}
		newRound(ctx, t, c).run(ctx, yield)
	}
}
