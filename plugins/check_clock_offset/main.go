// check_clock_offset is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/clock"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("clock_offset", clock.Default, clock.Measure),
		About: "Compares a host's clock with true time, over SNMP, NTP or HTTP.",
	}
}
