// check_resolver is a monitoring plugin; README.md beside it is its manual.
package main

import (
	"os"

	"milepost/lib/check"
	"milepost/lib/nagios"
	"milepost/lib/probe/resolver"
)

func main() { os.Exit(nagios.Main(os.Args[1:], os.Stdout, plugin())) }

func plugin() nagios.Plugin {
	return nagios.Plugin{
		Kind:  check.Define("resolver", resolver.Default, resolver.Measure).Local(),
		About: "Asks resolvers what is known, what cannot exist and what must be fresh, and finds the ones that lie.",
	}
}
