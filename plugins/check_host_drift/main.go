// check_host_drift is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/hostdrift"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("host_drift", hostdrift.Default, hostdrift.Measure).Local(),
		About: "Finds what changed on this host behind its owner's back: its name, resolv.conf, immutable files, clock and packages.",
	}
}
