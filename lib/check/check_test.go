package check

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// gauge is a probe whose results come from its Config.
type gauge struct {
	steps []step
	bad   string
}

type step struct {
	value float64
	plus  float64
	err   error
	wait  time.Duration
	boom  bool
}

type reading struct{ step }

func (g gauge) Limits() []metric.Limit {
	return []metric.Limit{metric.On("x", metric.MustRange("5"), metric.MustRange("60"))}
}

func (g gauge) Validate() error {
	if g.bad != "" {
		return errors.New(g.bad)
	}
	return nil
}

func (r reading) Report() metric.Report {
	if r.step == (step{}) {
		return metric.Report{}
	}
	return metric.Report{Samples: []metric.Sample{{Name: "x", Value: r.value, Plus: r.plus, Fault: metric.FaultHost, Text: "too much"}}}
}

func measure(ctx context.Context, _ metric.Target, g gauge) iter.Seq2[reading, error] {
	return func(yield func(reading, error) bool) {
		for _, s := range g.steps {
			if s.wait > 0 {
				select {
				case <-time.After(s.wait):
				case <-ctx.Done():
					yield(reading{}, &metric.Interrupted{Stage: `asking "a"`, Err: ctx.Err()})
					return
				}
			}
			if s.boom {
				var c crew.Crew
				c.Go(func() { panic("boom") })
				c.Wait()
			}
			err := s.err
			s.err, s.wait = nil, 0
			if !yield(reading{s}, err) {
				return
			}
		}
	}
}

func run(t *testing.T, steps ...step) (Outcome, int) {
	t.Helper()
	k := Define("gauge", func() gauge { return gauge{} }, measure)
	c, err := k.Bind(&gauge{steps: steps}, metric.Target{Name: "a", Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	c.Timeout = 10 * time.Second
	heard := 0
	inner := c.Measure
	c.Measure = func(ctx context.Context, t metric.Target) iter.Seq2[metric.Report, error] {
		return func(yield func(metric.Report, error) bool) {
			for r, err := range inner(ctx, t) {
				heard++
				if !yield(r, err) {
					return
				}
			}
		}
	}
	return c.Run(t.Context()), heard
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
		heard int
	}{
		{"decided at once", []step{{value: 1}, {value: 70}}, "OK ", 1},
		{"undecided, then decided", []step{{value: 4, plus: 2}, {value: 4.5, plus: 0.2}, {value: 70}}, "OK ", 2},
		{"undecided to the end", []step{{value: 4, plus: 2}, {value: 4, plus: 2}}, "OK cannot exclude WARNING: limit inside the uncertainty", 2},
		{"nothing yielded", nil, "UNKNOWN nothing was measured", 0},
		{"could not measure", []step{{err: errors.New(`opening socket: no permission`)}}, "UNKNOWN opening socket: no permission", 1},
		{"a proven fault stands", []step{{value: 7, plus: 100, err: errors.New("cut")}}, "WARNING too much; cannot exclude CRITICAL: limit inside the uncertainty; limit crossed: x above 5; cut", 1},
		{"a success that was broken off is none", []step{{value: 1, plus: 5, err: errors.New("cut")}}, "UNKNOWN cut", 1},
		{"a panic in a goroutine", []step{{boom: true}}, "UNKNOWN the check itself is broken: panic: boom", 0},
		{"the time is up", []step{{wait: time.Minute}}, `UNKNOWN timed out after 10s while asking "a"`, 1},
		{"the time is up after a fault", []step{{value: 7, plus: 100}, {wait: time.Minute}}, `UNKNOWN timed out after 10s while asking "a"`, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, heard := run(t, tt.steps...)
				if got := o.Status.String() + " " + o.Summary; got != tt.want || heard != tt.heard {
					t.Errorf("%q after %d results, want %q after %d", got, heard, tt.want, tt.heard)
				}
				if o.Check != "gauge" || o.Host != "a" || o.At.IsZero() {
					t.Errorf("%+v", o)
				}
			})
		})
	}
}

func TestPatienceIsHalfOfTheRun(t *testing.T) {
	c := Check{Timeout: 10 * time.Second, Target: metric.Target{Address: "192.0.2.1"}}
	c.Measure = func(_ context.Context, t2 metric.Target) iter.Seq2[metric.Report, error] {
		return func(func(metric.Report, error) bool) {
			if t2.Patience != 5*time.Second || len(t2.Addrs) != 1 {
				t.Errorf("%+v", t2)
			}
		}
	}
	c.Run(t.Context())
}

func TestTimeoutsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := Define("gauge", func() gauge { return gauge{} }, measure)
		c, _ := k.Bind(&gauge{steps: []step{{wait: time.Hour}}}, metric.Target{Name: "a"})
		c.Timeout, c.OnTimeout = time.Second, verdict.Critical
		if o := c.Run(t.Context()); o.Status != verdict.Critical || o.Summary != `timed out after 1s while asking "a"` {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := Define("gauge", func() gauge { return gauge{} }, measure)
		c, _ := k.Bind(&gauge{steps: []step{{wait: time.Hour}}}, metric.Target{Name: "a"})
		c.Timeout, c.OnTimeout = time.Minute, verdict.Critical
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("SIGTERM")) })
		if o := c.Run(ctx); o.Status != verdict.Unknown || o.Summary != `interrupted by SIGTERM while asking "a"` {
			t.Errorf("%v %q", o.Status, o.Summary)
		}
	})
}

func TestResolving(t *testing.T) {
	never := func(ctx context.Context, _, _ string) ([]netip.Addr, error) { <-ctx.Done(); return nil, ctx.Err() }
	gives := func(addrs []netip.Addr, err error) Lookup {
		return func(context.Context, string, string) ([]netip.Addr, error) { return addrs, err }
	}
	forbidden := func(context.Context, string, string) ([]netip.Addr, error) { panic("looked up") }
	for _, tt := range []struct {
		name, address, network string
		lookup                 Lookup
		want                   string
		fault                  metric.Fault
		reason                 metric.Reason
	}{
		{"a literal is never looked up", "192.0.2.1", "", forbidden, "OK ", "", ""},
		{"nor one of version 6", "2001:db8::1", "ip6", forbidden, "OK ", "", ""},
		{"a literal of the wrong family", "192.0.2.1", "ip6", forbidden, `UNKNOWN address "192.0.2.1" is not of the family that was asked for`, metric.FaultMonitor, metric.ReasonNotMeasured},
		{"this machine", "", "", forbidden, "OK ", "", ""},
		{"found", "a.example", "", gives([]netip.Addr{netip.MustParseAddr("192.0.2.7")}, nil), "OK ", "", ""},
		{"no such host", "a.example", "", gives(nil, &net.DNSError{Err: "no such host", IsNotFound: true}), `UNKNOWN resolving "a.example": no such host: correct the address, or the zone it should be in`, metric.FaultHost, metric.ReasonNotMeasured},
		{"an address with a port", "127.0.0.1:33128", "", forbidden, `UNKNOWN resolving "127.0.0.1:33128": a port goes into -p/--port: give the host alone, 127.0.0.1, and -p 33128`, metric.FaultMonitor, metric.ReasonNotMeasured},
		{"one of version 6", "[2001:db8::1]:3128", "", forbidden, `UNKNOWN resolving "[2001:db8::1]:3128": a port goes into -p/--port: give the host alone, 2001:db8::1, and -p 3128`, metric.FaultMonitor, metric.ReasonNotMeasured},
		{"a URL", "http://a.example:3128/", "", forbidden, `UNKNOWN resolving "http://a.example:3128/": this is a URL: give the host alone`, metric.FaultMonitor, metric.ReasonNotMeasured},
		{"resolver broken", "a.example", "", gives(nil, &net.DNSError{Err: "server misbehaving", Name: "a.example"}), `UNKNOWN resolving "a.example": server misbehaving`, metric.FaultMonitor, metric.ReasonMonitorResolver},
		{"resolver silent", "a.example", "", never, `UNKNOWN resolving "a.example": no answer from this machine's resolver within 5s`, metric.FaultMonitor, metric.ReasonMonitorResolver},
		{"none of that family", "a.example", "ip6", gives(nil, nil), `UNKNOWN resolving "a.example": no address of the family that was asked for`, metric.FaultMonitor, metric.ReasonMonitorResolver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := Define("gauge", func() gauge { return gauge{} }, measure)
				c, _ := k.Bind(&gauge{steps: []step{{value: 1}}}, metric.Target{Name: "a", Address: tt.address})
				c.Timeout, c.Network, c.Lookup = 10*time.Second, tt.network, tt.lookup
				o := c.Run(t.Context())
				if got := o.Status.String() + " " + o.Summary; got != tt.want || o.Fault != tt.fault || o.Reason != tt.reason {
					t.Errorf("%q %q %q, want %q %q %q", got, o.Fault, o.Reason, tt.want, tt.fault, tt.reason)
				}
			})
		})
	}
}

func TestBindRefusesWhatTheProbeRefuses(t *testing.T) {
	k := Define("gauge", func() gauge { return gauge{} }, measure)
	if _, err := k.Bind(&gauge{bad: "--a and --b exclude each other"}, metric.Target{}); err == nil || !strings.Contains(err.Error(), "exclude") {
		t.Error(err)
	}
}

func TestAReaderMayPanic(t *testing.T) {
	k := Define("gauge", func() gauge { return gauge{} }, measure)
	c, _ := k.Bind(&gauge{steps: []step{{value: 1}}}, metric.Target{Name: "a"})
	defer func() {
		if p := recover(); p == nil {
			t.Error("the reader's panic was swallowed")
		}
	}()
	for range c.Watch(t.Context()) {
		panic("the reader's own")
	}
}
