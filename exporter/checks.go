package main

import (
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/probe/clock"
	"milepost/lib/probe/ping"
	"milepost/lib/probe/resolver"
	"milepost/lib/probe/squidauth"
)

// kinds are the checks of the exporter, one line per probe.
func kinds() []check.Kind {
	return []check.Kind{
		check.Define("clock_offset", clock.Default, clock.Measure),
		check.Define("squid_auth", squidauth.Default, squidauth.Measure),
		check.Define("resolver", resolver.Default, resolver.Measure).Local(),
		check.Define("packet_loss", ping.Default, ping.Measure),
	}
}

// served are the kinds as serve runs them: pings go on for ever.
func served() []check.Kind {
	return changed(func(c *ping.Config) { c.Count, c.Spacing = 0, time.Second })
}

// asked are the kinds as /probe runs them: whoever may scrape must not be able to
// lock the account of the probe's user.
func asked() []check.Kind {
	all := kinds()
	for i, k := range all {
		all[i].Bind = func(cfg any, t metric.Target) (check.Check, error) {
			if c, ok := cfg.(*squidauth.Config); ok {
				c.Login.Wrong = squidauth.Never // whatever the inventory says
			}
			return k.Bind(cfg, t)
		}
	}
	return all
}

// changed are the kinds with other defaults of the one whose Config is C.
func changed[C any](change func(*C)) []check.Kind {
	all := kinds()
	for i, k := range all {
		if _, ok := k.Default().(*C); ok {
			all[i].Default = func() any {
				c := k.Default()
				change(c.(*C))
				return c
			}
		}
	}
	return all
}

// streams says which checks serve follows for ever instead of running them once
// a round.
func streams(name string) bool { return name == "packet_loss" }

// aimed are the checks that ask a host itself whether it does its work.
func aimed() []string { return []string{"squid_auth", "resolver"} }
