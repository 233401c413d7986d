// Package path measures how fast a path is for its length: the least round trip to a
// host, against the great circle between where it is asked from and where it is said
// to be. That tells a path that goes a long way round, and a host that cannot be
// where it is said to be, because not even light comes back from there so soon.
//
// It does not ping: the round trips come in as a function.
package path

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"milepost/lib/geo"
	"milepost/lib/metric"
)

// Config is where the path leads, how it is measured and what is allowed.
type Config struct {
	From       geo.Place     `placeholder:"PLACE" help:"Where this machine is: a city (\"Paris\", or \"San Jose, CR\" where there are several), or LATITUDE,LONGITUDE in degrees, north and east positive; not needed with an inventory that has it."`
	To         geo.Place     `placeholder:"PLACE" help:"Where the host is said to be, in the same spellings."`
	FibreSpeed float64       `placeholder:"MILES" help:"What counts as the speed of light in fibre, in miles a millisecond. That a host cannot be there is judged by physics, whatever this says."`
	Count      int           `short:"n" placeholder:"N" help:"Packets to send; the least round trip counts."`
	Spacing    time.Duration `short:"i" placeholder:"SECONDS" help:"Time from one packet to the next."`
	Warning    metric.Range  `short:"w" placeholder:"RANGE" help:"Warn when the speed, in percent of light in fibre, is outside this range."`
	Critical   metric.Range  `short:"c" placeholder:"RANGE" help:"Be critical when the speed, in percent of light in fibre, is outside this range."`

	Pinger Pinger `kong:"-"` // must be set: see Using
	// Past is the least round trip to the target in a longer time before, and how long
	// that is; 0 = not known. nil = nobody remembers.
	Past func(metric.Target) (least, over time.Duration) `kong:"-"`
}

// A Pinger is where round trips come from.
type Pinger interface {
	// RoundTrips are those of up to count packets to the target: as many as were answered.
	RoundTrips(ctx context.Context, t metric.Target, count int, spacing time.Duration) ([]time.Duration, error)
	// Needs is what that needs on this machine.
	Needs(ctx context.Context, t metric.Target) []metric.Need
}

// Using is whose round trips are taken.
type Using struct{ Pinger }

// Default is the package's Default with that Pinger.
func (u Using) Default() Config {
	c := Default()
	c.Pinger = u.Pinger
	return c
}

// Default is five packets in a second, and no limits.
func Default() Config {
	return Config{FibreSpeed: geo.Usable / geo.MilesPerMillisecond, Count: 5, Spacing: 200 * time.Millisecond}
}

// What a run may ask for.
const (
	maxCount   = 1000
	minSpacing = time.Millisecond
	maxSpacing = time.Hour
)

// Validate refuses what cannot be.
func (c Config) Validate() error {
	switch {
	case !(c.FibreSpeed >= 1 && c.FibreSpeed <= geo.Light/geo.MilesPerMillisecond):
		return fmt.Errorf("--fibre-speed: %v is not between 1 and the speed of light, 186.28 miles a millisecond", c.FibreSpeed)
	case c.Count < 1 || c.Count > maxCount:
		return fmt.Errorf("--count: %d is not between 1 and %d", c.Count, maxCount)
	case c.Spacing < minSpacing || c.Spacing > maxSpacing:
		return fmt.Errorf("--spacing: %v is not between %v and %v", c.Spacing, minSpacing, maxSpacing)
	}
	return nil
}

// Limits are on the speed as the user says; where he says nothing, a detour is a
// WARNING. An answer faster than light is critical in any case.
func (c Config) Limits() []metric.Limit {
	impossible := metric.Never("impossible")
	if c.Warning.IsZero() && c.Critical.IsZero() {
		return []metric.Limit{impossible, metric.Seldom("detour")}
	}
	return []metric.Limit{impossible, metric.On("fibre", c.Warning, c.Critical)}
}

// Needs is what the round trips need on this machine.
func (c Config) Needs(ctx context.Context, t metric.Target) []metric.Need {
	return c.Pinger.Needs(ctx, t)
}

// Applies says whether it is known where t is and where it is asked from.
func (c Config) Applies(t metric.Target) bool {
	_, _, err := c.ends(t)
	return err == nil
}

// ends are where the path begins and where it leads: what was said outright, else
// what the inventory knows.
func (c Config) ends(t metric.Target) (from, to geo.Place, err error) {
	from, to = c.From, c.To
	if from.IsZero() && t.From.Known {
		from = place(t.From)
	}
	if to.IsZero() && t.At.Known {
		to = place(t.At)
	}
	switch {
	case from.IsZero():
		return from, to, errors.New("where this machine is was not said: give --from CITY or --from=LATITUDE,LONGITUDE, or the inventory's vantage its latitude and longitude")
	case to.IsZero():
		return from, to, fmt.Errorf("where %q is was not said: give --to CITY or --to=LATITUDE,LONGITUDE, or the host its latitude and longitude, or a known city, in the inventory", t.Name)
	}
	return from, to, nil
}

func place(c metric.Coordinates) geo.Place {
	return geo.At(c.Name, geo.Point{Latitude: c.Latitude, Longitude: c.Longitude})
}

// Measure yields one Result. That nothing came back is an error: no packet, no speed.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) { yield(measure(ctx, t, c)) }
}

func measure(ctx context.Context, t metric.Target, c Config) (Result, error) {
	from, to, err := c.ends(t)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	trips, err := c.Pinger.RoundTrips(ctx, t, c.Count, c.Spacing)
	doing := fmt.Sprintf("measuring the path to %q", t.Address)
	if len(trips) == 0 {
		switch {
		case err != nil:
			return Result{}, err
		case ctx.Err() != nil:
			return Result{}, &metric.Interrupted{Stage: doing, Err: ctx.Err()}
		}
		return Result{}, &metric.Blamed{
			Fault: metric.FaultPath, Reason: metric.ReasonLoss,
			Err: fmt.Errorf("%s: no packet came back, so there is no speed", doing),
		}
	}
	r := Result{
		Doing: doing, From: from, To: to, Trips: trips, Took: time.Since(began),
		RTT: slices.Min(trips), Yardstick: c.FibreSpeed * geo.MilesPerMillisecond,
	}
	if r.RTT <= 0 {
		return Result{}, fmt.Errorf("%s: a round trip of %v cannot be: this machine's clock or its kernel's stamps are wrong", doing, r.RTT)
	}
	if c.Past != nil {
		r.Past, r.Over = c.Past(t)
	}
	r.Distance, r.Least, r.Most = geo.Between(from.Point, to.Point)
	return r, nil
}
