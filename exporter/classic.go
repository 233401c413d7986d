package main

import (
	"fmt"
	"slices"
	"strings"

	"milepost/lib/check"
	"milepost/lib/fleet"
)

// classic is when round trips have classic buckets beside the native ones.
type classic string

const (
	classicAuto   classic = "auto" // up to classicTargets
	classicAlways classic = "always"
	classicNever  classic = "never"
)

// classicTargets is up to how many pinged hosts histograms have classic buckets if
// nobody said: each costs twenty series a host.
const classicTargets = 2000

// UnmarshalText reads one of the words.
func (c *classic) UnmarshalText(text []byte) error {
	all := []string{string(classicAuto), string(classicAlways), string(classicNever)}
	if !slices.Contains(all, string(text)) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(all, ", "))
	}
	*c = classic(text)
	return nil
}

// of says whether that many pinged hosts have them.
func (c classic) of(targets int) bool {
	return c == classicAlways || c != classicNever && targets <= classicTargets
}

// pinged are the hosts of f that have a stream of packets.
func pinged(f *fleet.Fleet) []string {
	var hosts []string
	for _, h := range f.Hosts {
		if slices.ContainsFunc(h.Checks, func(c check.Check) bool { return c.Kind.Stream != nil }) {
			hosts = append(hosts, h.Name)
		}
	}
	return hosts
}

// hasClassic says whether this page's histograms have classic buckets.
func (m *monitor) hasClassic() bool { return m.flags.Classic.of(len(pinged(m.watching()))) }
