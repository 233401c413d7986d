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
	"time"

	"milepost/lib/echo"
	"milepost/lib/metric"
)

// Config is how to ping and what is allowed.
type Config struct {
	Count    int           `short:"n" placeholder:"N" help:"Packets to send."`
	Spacing  time.Duration `short:"i" placeholder:"SECONDS" help:"Time from one packet to the next."`
	Baseline Percent       `placeholder:"PERCENT" help:"Loss that is usual on this path. Without limits on the loss, only more than this is bad; not given, 0.5 is assumed."`
	Burst    float64       `placeholder:"CHANCE" help:"Chance from 0 to 1 that a packet sent 0.25 s after a lost one is lost too; at least the baseline is assumed."`
	Bounds   `embed:""`
	Learned  `embed:""`

	Streams *Streams `kong:"-"` // look at the host's stream there, and send nothing for it; nil = a round

	begin func(echo.Plan) (pinger, error) // nil = over the network
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
	return Config{Count: 20, Spacing: burstStep, Burst: 0.33}
}

// Validate refuses what cannot be.
func (c Config) Validate() error {
	switch {
	case c.Count < 1 || c.Count > maxPackets:
		return fmt.Errorf("--count: %d is not between 1 and %d", c.Count, maxPackets)
	case c.Spacing < minSpacing || c.Spacing > maxSpacing:
		return fmt.Errorf("--spacing: %v is not between %v and %v", c.Spacing, minSpacing, maxSpacing)
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
	if c.Streams != nil { // these only add to what the round itself amounts to
		limits = append(limits, metric.Never("down"))
		if !c.limited() {
			limits = append(limits, metric.Limit{Warning: metric.All{"degraded": metric.MustRange("0:0")}})
		}
	}
	if !c.RTTWarning.IsZero() || !c.RTTCritical.IsZero() {
		limits = append(limits, metric.On("rtt_median", c.RTTWarning, c.RTTCritical))
	}
	return limits
}

// limited says that the user set a limit on the loss himself.
func (c Config) limited() bool { return !c.Warning.IsZero() || !c.Critical.IsZero() }

// Measure pings t's first address. It yields a Result whenever packets are settled.
// A request that could not be sent is an error, which ends the round.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if len(t.Addrs) == 0 {
			yield(Result{}, fmt.Errorf("pinging %q: %w", t.Address, errors.New("it has no address")))
			return
		}
		if c.Streams != nil {
			c.Streams.measure(ctx, t, c)(yield)
			return
		}
		c.round(ctx, t, yield)
	}
}

// round pings and, if it is to, learns from that.
func (c Config) round(ctx context.Context, t metric.Target, yield func(Result, error) bool) {
	usual, unknown := c.baseline(ctx, t)
	var last Result
	newRound(ctx, t, c, usual).run(ctx, func(r Result, err error) bool {
		last = r
		if err == nil && r.Left == 0 { // what may prove a fault all the same is over
			err = unknown
		}
		return yield(r, err)
	})
	if c.State != "" && ctx.Err() == nil {
		_ = c.learn(t.Name, last) // the verdict is out; what hinders every run was said before
	}
}
