// check_path is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/path"
	"milepost/lib/probe/ping"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("path", path.Using{Pinger: ping.Default()}.Default, path.Measure).Afar(),
		About: "Holds the speed of the path to a host against the speed of light: detours, and hosts that are not where they are said to be.",
	}
}
