package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"milepost/lib/check"
	"milepost/lib/fleet"
)

// squidLog is where Debian's squid writes.
const squidLog = "/var/log/squid/access.log"

// thisMachine is the inventory of a monitor that nobody told anything: the machine it
// runs on, and the squid that writes log, if there is one.
func thisMachine(kinds []check.Kind, log string) (*fleet.Fleet, error) {
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "localhost"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "vantage: {name: %q}\nhosts:\n  - name: %q\n    address: 127.0.0.1\n    checks:\n", name, name)
	b.WriteString("      packet_loss: {baseline: 0}\n      resolver: {}\n      clock_offset: {source: local}\n")
	if _, err := os.Stat(log); err == nil {
		fmt.Fprintf(&b, "billing: {server: %q, access_log: [%q]}\n", name, log)
	}
	f, err := fleet.Parse("(this machine)", []byte(b.String()), kinds)
	if err != nil {
		return nil, fmt.Errorf("watching this machine: %w", err)
	}
	f.File = ""
	f.Status.Down, f.Status.Degraded = []string{"packet_loss"}, []string{"resolver"}
	for i, c := range f.Hosts[0].Checks {
		switch {
		case c.Name == "packet_loss" && !able(c): // what cannot be measured cannot tell up from down
			f.Status.Down, f.Status.Degraded = f.Status.Degraded, f.Status.Down
		case c.Name == "resolver": // its own, from resolv.conf, not one at 127.0.0.1
			f.Hosts[0].Checks[i].Target.Address = ""
		}
	}
	return f, nil
}

// able says that c has what it needs on this machine.
func able(c check.Check) bool {
	if c.Needs == nil {
		return true
	}
	for _, n := range c.Needs(context.Background()) {
		if !n.OK {
			return false
		}
	}
	return true
}
