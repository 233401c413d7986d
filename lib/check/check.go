// Package check joins a probe to its limits and runs it. The plugins and the
// exporter both run checks here, so they cannot disagree.
package check

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A Check is ready to run.
type Check struct {
	Name    string
	Target  metric.Target
	Limits  []metric.Limit
	Measure func(context.Context, metric.Target) iter.Seq2[metric.Report, error]
	Needs   func(context.Context) []metric.Need // nil = nothing
	Moot    bool                                // the target lacks what the check is about, so that it can only be UNKNOWN

	Kind   Kind // whose check it is
	Config any  // a copy of what Kind bound; nobody changes it (see With)

	Timeout   time.Duration  // the whole run, resolving included; 0 = only ctx ends it
	OnTimeout verdict.Status // what a run that did not end in time is; zero = UNKNOWN

	Network string // "ip" (or ""), "ip4", "ip6": which addresses of the target's name
	Lookup  Lookup // nil = this machine's resolver
}

// With is c with a changed copy of its Config, which has the type that Kind.Default
// returns. What the Config's Validate refuses is returned as it is.
func (c Check) With(change func(cfg any) error) (Check, error) {
	cfg := c.Kind.Default()
	reflect.ValueOf(cfg).Elem().Set(reflect.ValueOf(c.Config).Elem())
	if err := change(cfg); err != nil {
		return Check{}, err
	}
	bound, err := c.Kind.Bind(cfg, c.Target)
	if err != nil {
		return Check{}, err
	}
	bound.Timeout, bound.OnTimeout, bound.Network, bound.Lookup = c.Timeout, c.OnTimeout, c.Network, c.Lookup
	return bound, nil
}

// NeverWarns is the sample whose limits are such that nothing could be a WARNING.
func (c Check) NeverWarns() (sample string, never bool) { return verdict.NeverWarns(c.Limits) }

// Same says that c and other measure and judge alike: what can be compared of them
// is equal. A reload leaves such a check alone.
func (c Check) Same(other Check) bool {
	c.Measure, c.Needs, c.Lookup, c.Kind = nil, nil, nil, Kind{}
	other.Measure, other.Needs, other.Lookup, other.Kind = nil, nil, nil, Kind{}
	c.Config, other.Config = optionsOf(c.Config), optionsOf(other.Config)
	return reflect.DeepEqual(c, other)
}

// optionsOf is a Config without its seams (kong:"-"): what a probe remembers from run
// to run is no option, and is being written while this is read.
func optionsOf(cfg any) any {
	given := reflect.Indirect(reflect.ValueOf(cfg))
	if given.Kind() != reflect.Struct {
		return cfg
	}
	bare := reflect.New(given.Type()).Elem()
	for i := range given.NumField() {
		if f := given.Type().Field(i); f.Tag.Get("kong") != "-" && f.IsExported() {
			bare.Field(i).Set(given.Field(i))
		}
	}
	return bare.Interface()
}

// A Lookup finds the addresses of a host name, best first.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// An Outcome is a verdict with its place and time: what presenters spell.
type Outcome struct {
	Check, Host string
	At          time.Time     // when it ended
	Took        time.Duration // At-Took is when it began
	verdict.Verdict
}

// Run measures until the verdict is decided, the probe ends, or the time is up.
// A panic of the probe is an UNKNOWN outcome that says so.
func (c Check) Run(ctx context.Context) Outcome {
	o := Outcome{Check: c.Name, Host: c.Target.Name, At: time.Now(), Verdict: verdict.Failed(errors.New("nothing was measured"))}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	for o = range c.Watch(ctx) {
		if o.Decided {
			break
		}
	}
	return o
}

// Watch yields an outcome for every result of the probe, until it ends or ctx
// does. A panic of the probe is the last, UNKNOWN, outcome.
func (c Check) Watch(ctx context.Context) iter.Seq[Outcome] {
	return func(yield func(Outcome) bool) {
		began := time.Now()
		away := false // the reader stopped listening, or is the one who panics
		pass := func(v verdict.Verdict) bool {
			away = true
			away = !yield(Outcome{c.Name, c.Target.Name, time.Now(), time.Since(began), v})
			return !away
		}
		defer func() {
			if p := crew.Recovered(recover()); p != nil {
				if away {
					panic(p)
				}
				v := verdict.Failed(fmt.Errorf("the check itself is broken: %w", p))
				v.Stages = []metric.Stage{{Doing: "running the check", Said: p.Stack}}
				pass(v)
			}
		}()
		t := c.Target
		t.Patience = c.Timeout / 2
		resolving, err := c.resolve(ctx, &t)
		if err != nil {
			v := c.failed(ctx, err)
			v.Stages = []metric.Stage{resolving}
			pass(v)
			return
		}
		for r, err := range c.Measure(ctx, t) {
			if resolving.Doing != "" {
				r.Stages = append([]metric.Stage{resolving}, r.Stages...)
			}
			v := verdict.Judge(r, c.Limits)
			if err != nil {
				v = verdict.Broken(v, c.failed(ctx, err))
			}
			if !pass(v) {
				return
			}
		}
	}
}

// failed is the verdict on err, which may be that the time is up.
func (c Check) failed(ctx context.Context, err error) verdict.Verdict {
	v := verdict.Failed(err)
	i, interrupted := errors.AsType[*metric.Interrupted](err)
	if ctx.Err() == nil {
		// A stage whose own time is up: not measured in time is what -t is about.
		if interrupted && errors.Is(err, context.DeadlineExceeded) && c.OnTimeout != verdict.OK {
			v.Status = c.OnTimeout
		}
		return v
	}
	doing, ended := "measuring", fmt.Sprintf("timed out after %v", c.Timeout)
	if interrupted {
		doing = i.Stage
	}
	if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		ended = "interrupted"
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			ended += " by " + cause.Error()
		}
	} else if c.OnTimeout != verdict.OK {
		v.Status = c.OnTimeout
	}
	v.Fault, v.Reason = metric.FaultNone, metric.ReasonNotMeasured
	v.Summary = ended + " while " + doing
	if why := beside(err); why != "" {
		v.Summary += ": " + why
	}
	return v
}

// beside is what err says besides that the time is up: the last thing that went
// wrong before, perhaps.
func beside(err error) string {
	if i, ok := errors.AsType[*metric.Interrupted](err); ok {
		err = i.Err
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return ""
	}
	return err.Error()
}

// resolve finds the addresses of t. An IP literal is never looked up, and no
// look-up takes more than t.Patience.
func (c Check) resolve(ctx context.Context, t *metric.Target) (metric.Stage, error) {
	if t.Address == "" || len(t.Addrs) > 0 {
		return metric.Stage{}, nil
	}
	if a, err := netip.ParseAddr(t.Address); err == nil {
		if c.Network == "ip4" && !a.Unmap().Is4() || c.Network == "ip6" && a.Is4() {
			return metric.Stage{}, fmt.Errorf("address %q is not of the family that was asked for", t.Address)
		}
		t.Addrs = []netip.Addr{a}
		return metric.Stage{}, nil
	}
	stage := metric.Stage{Doing: fmt.Sprintf("resolving %q", t.Address)}
	if err := misspelt(t.Address); err != nil {
		return stage, fmt.Errorf("%s: %w", stage.Doing, err)
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if t.Patience > 0 {
		limited, cancel = context.WithTimeout(ctx, t.Patience)
	}
	defer cancel()
	began := time.Now()
	lookup, network := c.Lookup, c.Network
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	if network == "" {
		network = "ip"
	}
	addrs, err := lookup(limited, network, t.Address)
	stage.Took = time.Since(began)
	switch {
	case ctx.Err() != nil:
		return stage, &metric.Interrupted{Stage: stage.Doing, Err: ctx.Err()}
	case limited.Err() != nil && err != nil:
		return stage, unresolved(stage, fmt.Errorf("no answer from this machine's resolver within %v", t.Patience))
	case err != nil:
		return stage, unresolved(stage, err)
	case len(addrs) == 0:
		return stage, unresolved(stage, errors.New("no address of the family that was asked for"))
	}
	for _, a := range addrs {
		t.Addrs = append(t.Addrs, a.Unmap())
	}
	stage.Said = fmt.Sprint(t.Addrs)
	return stage, nil
}

// misspelt is why an address can be no name: it has what belongs elsewhere.
func misspelt(address string) error {
	if strings.Contains(address, "://") {
		return errors.New("this is a URL: give the host alone")
	}
	if host, port, err := net.SplitHostPort(address); err == nil {
		return fmt.Errorf("a port goes into -p/--port: give the host alone, %s, and -p %s", host, port)
	}
	return nil
}

// unresolved blames the host for a name that does not exist, and this machine's
// resolver for everything else.
func unresolved(stage metric.Stage, err error) error {
	b := &metric.Blamed{Fault: metric.FaultMonitor, Reason: metric.ReasonMonitorResolver}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		if d.IsNotFound {
			b.Fault, b.Reason = metric.FaultHost, metric.ReasonNotMeasured
			err = errors.New("no such host: correct the address, or the zone it should be in")
		} else {
			err = errors.New(d.Err) // without the name, which the stage tells
		}
	}
	b.Err = fmt.Errorf("%s: %w", stage.Doing, err)
	return b
}
