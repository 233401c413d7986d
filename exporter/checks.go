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
		check.Define("packet_loss", ping.Default, ping.Measure).Open().Streaming(change(everySecond)).Asked(change(alone)),
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

// everySecond is how far apart the packets of a stream are.
func everySecond(c *ping.Config) { c.Spacing = time.Second }

// What pings.go follows of packet_loss.
type (
	streams = ping.Streams
	looked  = ping.Result
)

// following is a change to a check of packet_loss that looks at its host's stream.
func following(s *streams) func(cfg any) error {
	return func(cfg any) error {
		if c, ok := cfg.(*ping.Config); ok {
			c.Streams = s
		}
		return nil
	}
}

// alone sends its own packets, as the plugin does.
func alone(c *ping.Config) { c.Streams, c.Spacing = nil, ping.Default().Spacing }

// A pinger is where a path's round trips come from.
type pinger = path.Pinger

// byItself is one that pings whenever it is asked.
func byItself() pinger { return ping.Default() }

// fedBy is a change to a check of path: it takes its round trips from p.
func fedBy(p pinger) func(cfg any) error {
	return func(cfg any) error {
		if c, ok := cfg.(*path.Config); ok {
			c.Pinger = p
		}
		return nil
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
