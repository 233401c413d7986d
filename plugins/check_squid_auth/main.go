// check_squid_auth is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/squidauth"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("squid_auth", squidauth.Default, squidauth.Measure),
		About: "Logs in to a squid proxy as a user does: without, with wrong and with right credentials, and fetches through it.",
	}
}
