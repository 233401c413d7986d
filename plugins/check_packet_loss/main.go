// check_packet_loss is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/ping"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("packet_loss", ping.Default, ping.Measure),
		About: "Pings a host and holds the loss against what is normal for it.",
	}
}
