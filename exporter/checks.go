package main

import (
	"time"

	"milepost/lib/check"
	"milepost/lib/probe/clock"
	"milepost/lib/probe/hostdrift"
	"milepost/lib/probe/path"
	"milepost/lib/probe/ping"
	"milepost/lib/probe/resolver"
	"milepost/lib/probe/squidauth"
)

// kinds are the checks of the exporter, one line per probe.
func kinds() []check.Kind {
	return []check.Kind{
		check.Define("clock_offset", clock.Default, clock.Measure).With(change(sharing(&clock.Shared{}))),
		check.Define("squid_auth", squidauth.Default, squidauth.Measure).Aimed().Asked(change(harmless)),
		check.Define("resolver", resolver.Default, resolver.Measure).Local().Aimed().Open(),
		check.Define("packet_loss", ping.Default, ping.Measure).Open().Streaming(change(endless)).Asked(change(counted)),
		check.Define("path", path.Using{Pinger: ping.Default()}.Default, path.Measure),
		check.Define("host_drift", hostdrift.Default, hostdrift.Measure).Local(),
	}
}

// change is f for a Kind, whose Config has no type.
func change[C any](f func(*C)) func(any) { return func(cfg any) { f(cfg.(*C)) } }

// harmless: whoever may scrape must not be able to lock the account of the probe's
// user, whatever the inventory says.
func harmless(c *squidauth.Config) { c.Login.Wrong = squidauth.Never }

// sharing has all hosts held against one proven clock, whose references are asked
// once a minute.
func sharing(s *clock.Shared) func(*clock.Config) { return func(c *clock.Config) { c.Shared = s } }

// endless pings once a second for ever.
func endless(c *ping.Config) { c.Count, c.Spacing = 0, time.Second }

// counted pings as often as the plugin does, if it would go on for ever.
func counted(c *ping.Config) {
	if c.Count == 0 {
		c.Count = ping.Default().Count
	}
}

// served are the kinds as serve runs them.
func served() []check.Kind {
	all := kinds()
	for i, k := range all {
		all[i] = k.Served()
	}
	return all
}
