package check

import (
	"context"
	"iter"
	"reflect"
	"sync"

	"milepost/lib/metric"
)

// A Kind is a check before its options: what flags and the inventory set.
type Kind struct {
	Name    string     // "clock_offset"
	Default func() any // a pointer to a fresh Config
	bind    func(cfg any, t metric.Target) (Check, error)

	IsLocal bool // may measure this machine, without a target
	IsAimed bool // asks a host itself whether it does its work
	IsOpen  bool // needs no secret: harmless against any address
	IsAfar  bool // needs to know where it looks from, and says nothing on the host itself

	// Stream makes of a Default one that never ends, for a server to watch; nil
	// for a check that is run again and again.
	Stream func(cfg any)
	// OnAnybody makes a Config fit for an address that is in no inventory; nil where the
	// Default is.
	OnAnybody func(cfg any)
	// OnRequest makes a Config fit to be run whenever a stranger asks; nil where
	// it is.
	OnRequest func(cfg any)
}

// Bind makes a Check of a Config that Default made. What the Config's own Validate
// refuses is returned as it is.
func (k Kind) Bind(cfg any, t metric.Target) (Check, error) {
	c, err := k.bind(cfg, t)
	c.Kind = k
	return c, err
}

// Local is k for a probe that measures this machine when it is given no target.
func (k Kind) Local() Kind {
	k.IsLocal = true
	return k
}

// Aimed is k for a probe that asks a host itself whether it does its work.
func (k Kind) Aimed() Kind {
	k.IsAimed = true
	return k
}

// Open is k for a probe that needs no secret.
func (k Kind) Open() Kind {
	k.IsOpen = true
	return k
}

// OpenAs is k for a probe that needs no secret if its Config is changed so.
func (k Kind) OpenAs(change func(cfg any)) Kind {
	k.IsOpen, k.OnAnybody = true, change
	return k
}

// Afar is k for a probe that measures the way from one place to another.
func (k Kind) Afar() Kind {
	k.IsAfar = true
	return k
}

// With is k with a Default changed so.
func (k Kind) With(change func(cfg any)) Kind {
	before := k.Default
	k.Default = func() any {
		cfg := before()
		change(cfg)
		return cfg
	}
	return k
}

// Streaming is k for a probe that goes on for ever with a Config changed so.
func (k Kind) Streaming(change func(cfg any)) Kind {
	k.Stream = change
	return k
}

// Asked is k for a probe whose Config is changed so before a stranger may run it.
func (k Kind) Asked(change func(cfg any)) Kind {
	k.OnRequest = change
	return k
}

// Served is k as a server watches it: its Default is the stream's, if it is one.
func (k Kind) Served() Kind {
	if k.Stream == nil {
		return k
	}
	return k.With(k.Stream)
}

type config interface{ Limits() []metric.Limit }

type result interface{ Report() metric.Report }

// What a Config may have besides its limits.
type (
	validator interface{ Validate() error }
	needy     interface {
		Needs(context.Context, metric.Target) []metric.Need
	}
	applicable interface{ Applies(t metric.Target) bool }
)

// Define makes a Kind of a probe's names.
func Define[C config, R result](
	name string,
	def func() C,
	measure func(context.Context, metric.Target, C) iter.Seq2[R, error],
) Kind {
	var latest settings[C]
	return Kind{
		Name:    name,
		Default: func() any { c := def(); return &c },
		bind: func(cfg any, t metric.Target) (Check, error) {
			return bind(name, cfg.(*C), t, measure, &latest)
		},
	}
}

// settings are the Config and the limits that were bound last. The hosts of a fleet
// mostly have the same: ten thousand of them then share one.
type settings[C config] struct {
	mu     sync.Mutex
	config *C
	limits []metric.Limit
}

// of is a copy of c that nobody changes, with its limits.
func (s *settings[C]) of(c *C) (*C, []metric.Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config == nil || !reflect.DeepEqual(*s.config, *c) {
		own := *c
		s.config, s.limits = &own, own.Limits()
	}
	return s.config, s.limits
}

func bind[C config, R result](
	name string,
	cfg *C,
	t metric.Target,
	measure func(context.Context, metric.Target, C) iter.Seq2[R, error],
	latest *settings[C],
) (Check, error) {
	if v, ok := any(*cfg).(validator); ok {
		if err := v.Validate(); err != nil {
			return Check{}, err
		}
	}
	shared, limits := latest.of(cfg)
	c := *shared
	bound := Check{Name: name, Target: t, Limits: limits, Config: shared}
	bound.Measure = func(ctx context.Context, t metric.Target) iter.Seq2[metric.Report, error] {
		return func(yield func(metric.Report, error) bool) {
			for r, err := range measure(ctx, t, *shared) {
				if !yield(r.Report(), err) {
					return
				}
			}
		}
	}
	if n, ok := any(c).(needy); ok {
		bound.Needs = func(ctx context.Context) []metric.Need { return n.Needs(ctx, t) }
	}
	if a, ok := any(c).(applicable); ok {
		bound.Moot = !a.Applies(t)
	}
	return bound, nil
}
