package generate

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// Bash is a completion for bash-completion (its README: a file of the program's name
// in completions/, which may be asked for a program by its path too).
func Bash(p option.Program) string {
	var b strings.Builder
	name := "_" + identifier(p.Name)
	fmt.Fprintf(&b, "# bash completion for %s -*- shell-script -*-\n\n%s() {\n", p.Name, name)
	b.WriteString("\tlocal cur prev words cword split\n\t_init_completion -s || return\n\tlocal command= options= word\n")
	if len(p.Commands) > 0 {
		b.WriteString("\tfor word in \"${words[@]:1:cword-1}\"; do\n\t\tcase $word in\n\t\t" +
			strings.Join(commandNames(p), " | ") + ")\n\t\t\tcommand=$word\n\t\t\tbreak\n\t\t\t;;\n\t\tesac\n\tdone\n")
	}
	b.WriteString("\tcase $command:$prev in\n")
	for _, c := range sub(p) {
		for _, o := range c.Options {
			bashValue(&b, c, o)
		}
	}
	b.WriteString("\tesac\n\t$split && return\n\tcase $command in\n")
	for _, c := range sub(p) {
		fmt.Fprintf(&b, "\t%s) options='%s' ;;\n", c.pattern(), strings.Join(c.words(), " "))
	}
	b.WriteString("\tesac\n\tif [[ $cur == -* ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n" +
		"\t\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n\t\treturn\n\tfi\n")
	if len(p.Commands) > 0 {
		fmt.Fprintf(&b, "\tif [[ -z $command ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n\t\treturn\n\tfi\n", strings.Join(commandNames(p), " "))
	}
	fmt.Fprintf(&b, "\t_filedir\n} &&\n\tcomplete -F %s %s\n", name, p.Name)
	return b.String()
}

// bashValue completes the value of an option; -s of _init_completion has taken
// --option=value apart.
func bashValue(b *strings.Builder, c subcommand, o option.Described) {
	if o.Switch {
		return
	}
	var patterns []string
	for _, n := range names(o) {
		patterns = append(patterns, c.pattern()+":"+n)
	}
	do := "return"
	switch {
	case takesFile(o):
		do = "_filedir; return"
	case takesHost(o):
		do = "_known_hosts_real -- \"$cur\"; return"
	case len(values(o)) > 0:
		do = fmt.Sprintf("mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return", strings.Join(values(o), " "))
	}
	fmt.Fprintf(b, "\t%s) %s ;;\n", strings.Join(patterns, " | "), do)
}

// A subcommand is one command of a program, or the program itself where it has none.
type subcommand struct {
	option.Program
	name string // "" = when no command was named
}

// sub are the commands of p. Without one named, the first is meant.
func sub(p option.Program) []subcommand {
	if len(p.Commands) == 0 {
		return []subcommand{{p, ""}}
	}
	all := []subcommand{{p.Commands[0], ""}}
	for _, c := range p.Commands {
		all = append(all, subcommand{c, c.Name})
	}
	return all
}

// pattern is the command in a case of a shell.
func (c subcommand) pattern() string {
	if c.name == "" {
		return "''"
	}
	return c.name
}

// words are the options as one types them.
func (c subcommand) words() []string {
	var all []string
	for _, o := range c.Options {
		if o.Short != "" {
			all = append(all, "-"+o.Short)
		}
		long := "--" + o.Name
		if !o.Switch {
			long += "="
		}
		all = append(all, long)
	}
	return all
}

func commandNames(p option.Program) []string {
	var all []string
	for _, c := range p.Commands {
		all = append(all, c.Name)
	}
	return all
}
