// Package generate writes what other programs want to know of a program's options:
// manual pages, completions for shells, definitions of Nagios, Icinga and NRPE. It
// takes the models that the programs parse their command lines with, as they tell
// them at --help=json, so that none of it can differ from what they take.
package generate

import (
	"slices"
	"strings"

	"milepost/lib/option"
)

// PluginDir is where Debian keeps monitoring plugins.
const PluginDir = "/usr/lib/nagios/plugins"

// Prefix begins the name of every command that is defined here: a command_name that
// is there already keeps Nagios from starting, and Icinga's library has many.
const Prefix = "milepost_"

// kind is the check that a plugin is: "clock_offset".
func kind(p option.Program) string { return strings.TrimPrefix(p.Name, "check_") }

// commandName is what Nagios, Icinga and NRPE call a plugin.
func commandName(p option.Program) string { return Prefix + kind(p) }

// names are an option's spellings on a command line: "-H", "--hostname".
func names(o option.Described) []string {
	if o.Short == "" {
		return []string{"--" + o.Name}
	}
	return []string{"-" + o.Short, "--" + o.Name}
}

// takesFile says that an option's value is a path.
func takesFile(o option.Described) bool {
	return slices.ContainsFunc([]string{"FILE", "DIR", "PATH"}, func(what string) bool {
		return strings.Contains(o.Placeholder, what)
	})
}

// takesHost says that an option's value is the name of a machine.
func takesHost(o option.Described) bool { return o.Placeholder == "HOST" }

// values are the words that an option's placeholder enumerates: "1|2c|3". What is in
// capitals stands for something else.
func values(o option.Described) []string {
	if !strings.Contains(o.Placeholder, "|") {
		return nil
	}
	return slices.DeleteFunc(strings.Split(o.Placeholder, "|"), func(v string) bool {
		return v != strings.ToLower(v)
	})
}

// identifier is name as a shell function or a macro may be called.
func identifier(name string) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(name)
}
