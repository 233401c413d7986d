package generate

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// Fish is a completion for fish (complete(1)).
func Fish(p option.Program) string {
	var b strings.Builder
	if len(p.Commands) == 0 {
		fmt.Fprintf(&b, "complete -c %s -f\n", p.Name)
		for _, o := range p.Options {
			fishOption(&b, p.Name, "", o)
		}
		return b.String()
	}
	all := strings.Join(commandNames(p), " ")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "complete -c %s -n 'not __fish_seen_subcommand_from %s' -f -a %s -d %s\n", p.Name, all, c.Name, fishQuoted(c.About))
	}
	for _, c := range sub(p) {
		when := "__fish_seen_subcommand_from " + c.name
		if c.name == "" {
			when = "not __fish_seen_subcommand_from " + all
		}
		for _, o := range c.Options {
			fishOption(&b, p.Name, " -n "+fishQuoted(when), o)
		}
	}
	return b.String()
}

func fishOption(b *strings.Builder, program, when string, o option.Described) {
	fmt.Fprintf(b, "complete -c %s%s", program, when)
	if o.Short != "" {
		fmt.Fprintf(b, " -s %s", o.Short)
	}
	fmt.Fprintf(b, " -l %s", o.Name)
	switch {
	case o.Switch:
	case takesFile(o):
		b.WriteString(" -r -F")
	case takesHost(o):
		b.WriteString(" -x -a '(__fish_print_hostnames)'")
	case len(values(o)) > 0:
		fmt.Fprintf(b, " -x -a '%s'", strings.Join(values(o), " "))
	default:
		b.WriteString(" -x")
	}
	fmt.Fprintf(b, " -d %s\n", fishQuoted(firstSentence(o.Help)))
}

// fishQuoted is text in the single quotes of fish, in which a backslash escapes.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
