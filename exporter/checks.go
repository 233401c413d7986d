package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/probe/clock"
	"milepost/lib/probe/hostdrift"
	"milepost/lib/probe/path"
	"milepost/lib/probe/ping"
	"milepost/lib/probe/resolver"
	"milepost/lib/probe/squidauth"
	"milepost/lib/selfcheck"
)

// kinds are the checks of the exporter, one line per probe.
func kinds() []check.Kind {
	return []check.Kind{
		check.Define("clock_offset", clock.Default, clock.Measure).With(change(sharing(&clock.Shared{}))).OpenAs(change(overNTP)),
		check.Define("squid_auth", squidauth.Default, squidauth.Measure).Aimed().Asked(change(harmless)),
		check.Define("resolver", resolver.Default, resolver.Measure).Local().Aimed().Open(),
		check.Define("packet_loss", ping.Default, ping.Measure).Open().Streaming(change(everySecond)).Asked(change(alone)),
		check.Define("path", path.Using{Pinger: ping.Default()}.Default, path.Measure).Afar(),
		check.Define("host_drift", hostdrift.Default, hostdrift.Measure).Local(),
	}
}

// change is f for a Kind, whose Config has no type.
func change[C any](f func(*C)) func(any) { return func(cfg any) { f(cfg.(*C)) } }

// harmless: whoever may scrape must not be able to lock the account of the probe's
// user, whatever the inventory says.
func harmless(c *squidauth.Config) { c.Login.Wrong = squidauth.Never }

// overNTP asks what anybody may ask.
func overNTP(c *clock.Config) { c.Source = clock.OverNTP }

// sharing has all hosts held against one proven clock, whose references are asked
// once a minute.
func sharing(s *clock.Shared) func(*clock.Config) { return func(c *clock.Config) { c.Shared = s } }

// everySecond is how far apart the packets of a stream are.
func everySecond(c *ping.Config) { c.Spacing = time.Second }

// What pings.go follows of packet_loss.
type (
	streams = ping.Streams
	looked  = ping.Result
	learnt  = ping.Remembered
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

// unjudged says how much of c's rounds is judged, if that is not all of them; "" = all.
func unjudged(c check.Check, interval time.Duration) string {
	if cfg, ok := c.Config.(*ping.Config); ok {
		if judged, all := cfg.Judged(interval); judged < all {
			return fmt.Sprintf("the latest %d of a round's %d packets", judged, all)
		}
	}
	return ""
}

// alone sends its own packets, as the plugin does.
func alone(c *ping.Config) { c.Streams, c.Spacing = nil, ping.Default().Spacing }

// A pinger is where a path's round trips come from.
type pinger = path.Pinger

// byItself is one that pings whenever it is asked.
func byItself() pinger { return ping.Default() }

// fedBy is a change to a check of path: it takes its round trips from p, and those of
// longer ago from past.
func fedBy(p pinger, past func(metric.Target) (least, over time.Duration)) func(cfg any) error {
	return func(cfg any) error {
		if c, ok := cfg.(*path.Config); ok {
			c.Pinger, c.Past = p, past
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

// What refusals.go keeps of squid_auth.
type wrongLogins = squidauth.Memory

// remembering is a change to a check of squid_auth: what it remembers is in m.
func remembering(m *wrongLogins) func(cfg any) error {
	return func(cfg any) error {
		if c, ok := cfg.(*squidauth.Config); ok {
			c.Memory = m
		}
		return nil
	}
}

// isProxy says that the check asks a proxy as a user would.
func isProxy(c check.Check) bool {
	_, ok := c.Config.(*squidauth.Config)
	return ok
}

// A reached is whether one proxy could connect to another; voted says that it tried.
type reached struct {
	yes, voted bool
	said       string
}

// reach asks the proxy of a check, which is at an address, to connect to the proxy of
// another.
func reach(ctx context.Context, helper check.Check, at netip.Addr, suspect check.Check, suspectAt netip.Addr) reached {
	asked, wanted := *helper.Config.(*squidauth.Config), *suspect.Config.(*squidauth.Config) // both are isProxy
	t := helper.Target
	t.Addrs = []netip.Addr{at}
	r := asked.Reach(ctx, t, squidauth.Suspect{
		At: netip.AddrPortFrom(suspectAt, uint16(wanted.Proxy.Port)), Name: suspect.Target.Address, Config: wanted,
	})
	return reached{r.Yes, r.Voted, r.Said}
}

// proving asks a majority of NTP servers how far this monitor's clock is off, once a
// minute.
func proving(servers []string) func(context.Context) selfcheck.Proof {
	shared := &clock.Shared{}
	return func(ctx context.Context) selfcheck.Proof {
		c := shared.Prove(ctx, servers)
		return selfcheck.Proof{Lo: c.Lo, Hi: c.Hi, By: c.By, Proven: c.Proven}
	}
}
