package generate

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// CheckCommand is the Icinga 2 definition of a plugin: each option is a custom
// variable, milepost_clock_offset_warning for --warning. Without others the plugin
// asks the host's address, and tells its stages in the long output.
func CheckCommand(p option.Program) string {
	var b strings.Builder
	name := commandName(p)
	fmt.Fprintf(&b, "object CheckCommand %s {\n\tcommand = [ PluginContribDir + %s ]\n\targuments = {\n", icingaQuoted(name), icingaQuoted("/"+p.Name))
	for _, o := range p.Options {
		if o.Name == "help" || o.Name == "version" || o.Name == "self-test" {
			continue
		}
		fmt.Fprintf(&b, "\t\t%s = {\n", icingaQuoted("--"+o.Name))
		macro := icingaQuoted("$" + name + "_" + identifier(o.Name) + "$")
		if o.Switch {
			fmt.Fprintf(&b, "\t\t\tset_if = %s\n", macro)
		} else {
			fmt.Fprintf(&b, "\t\t\tvalue = %s\n", macro)
		}
		if o.Repeats && !o.Switch {
			b.WriteString("\t\t\trepeat_key = true\n")
		}
		if o.Name == "hostname" {
			fmt.Fprintf(&b, "\t\t\tset_if = {{ var hosts = macro(%s); return hosts && hosts != \"\" }}\n", macro)
		}
		fmt.Fprintf(&b, "\t\t\tdescription = %s\n\t\t}\n", icingaQuoted(o.Help))
	}
	b.WriteString("\t}\n")
	if !p.Local {
		// A host that comes from the inventory has its address there.
		fmt.Fprintf(&b, "\tvars.%s_hostname = {{ if (!macro(\"$%s_fleet$\")) { return macro(\"$address$\") } }}\n", name, name)
	}
	fmt.Fprintf(&b, "\tvars.%s_verbose = true\n}\n", name)
	return b.String()
}

// icingaQuoted is text as a string of Icinga's configuration.
func icingaQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
}
