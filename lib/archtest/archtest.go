// Package archtest holds the tree to its own rules. It reads every Go file that is
// not a test and names each breach with its file, its line and what to do instead.
//
//  1. metric says what was measured and what is allowed: standard library only, no I/O.
//  2. A probe only measures. It imports metric, the rooms that compute (geo, burst,
//     resolvconf), secret, its protocol's library and the standard library: no verdict,
//     check or option, no logger, no flags, no other probe.
//  3. verdict is where a sample meets a limit. It imports metric.
//  4. check joins a probe to its limits; schedule and hoststate see outcomes only.
//  5. option is the only importer of kong.
//  6. A presenter (nagios, prom, statusbar) spells what was decided. No probe, no ledger,
//     no tail: what is no check reaches it as samples.
//  7. client_golang is imported by prom and the exporter only, so that no plugin carries it.
//  8. Only func main exits. No init, no mutable package variable.
//  9. A probe has the six names Config, Default, Limits, Result, Measure and Report, and
//     meets the rest in two places: its plugin's main.go and exporter/checks.go.
//  10. Only crew has a go statement.
//  11. Every folder is a room in the table of rooms.go, which says what it may import.
//
// Tests may import what they like. They are read by nobody here.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// A Breach is one place where the tree breaks a rule.
type Breach struct {
	File string // relative to the root of the tree
	Line int
	Text string // the rule, and what to do instead
}

// String is the breach as a compiler would print it.
func (b Breach) String() string { return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Text) }

// Check reads the tree at root and gives its breaches, by file and line. The error
// is that a file could not be read or is no Go.
//
// It opens the files itself: the go command then knows that the test depends on
// them, and never takes an old result for a changed tree.
func Check(root string) ([]Breach, error) {
	packages, err := read(root)
	if err != nil {
		return nil, err
	}
	var all []Breach
	for _, p := range packages {
		all = append(all, imports(p)...)
		all = append(all, exits(p)...)
		all = append(all, inits(p)...)
		all = append(all, variables(p)...)
		all = append(all, goroutines(p)...)
		all = append(all, sixNames(p)...)
	}
	all = append(all, definitions(packages)...)
	slices.SortFunc(all, func(a, b Breach) int {
		if by := strings.Compare(a.File, b.File); by != 0 {
			return by
		}
		return a.Line - b.Line
	})
	return all, nil
}
