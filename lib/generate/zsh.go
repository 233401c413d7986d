package generate

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// Zsh is a completion for zsh (zshcompsys(1), _arguments): a function file called
// "_" and the program's name.
func Zsh(p option.Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %s\n\n", p.Name)
	if len(p.Commands) == 0 {
		b.WriteString("_arguments -s -S" + zshOptions(p.Options, "\t") + "\n")
		return b.String()
	}
	b.WriteString("local -a commands=(\n")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "\t%s\n", quoted(c.Name+":"+c.About))
	}
	b.WriteString(")\nif (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then\n\t_describe command commands\n\treturn\nfi\ncase ${words[2]} in\n")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "%s)\n\tshift words\n\t(( CURRENT-- ))\n\t_arguments -s -S%s '*:operand:_files'\n\t;;\n", c.Name, zshOptions(c.Options, "\t\t"))
	}
	fmt.Fprintf(&b, "*)\n\t_arguments -s -S%s\n\t;;\nesac\n", zshOptions(p.Commands[0].Options, "\t\t"))
	return b.String()
}

// zshOptions are specifications of _arguments, a line each.
func zshOptions(options []option.Described, indent string) string {
	var b strings.Builder
	escape := strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`)
	for _, o := range options {
		about := "[" + escape.Replace(firstSentence(o.Help)) + "]"
		value := ""
		if !o.Switch {
			value = ":" + escape.Replace(strings.ToLower(o.Placeholder)) + ":"
			switch {
			case takesFile(o):
				value += "_files"
			case takesHost(o):
				value += "_hosts"
			case len(values(o)) > 0:
				value += "(" + strings.Join(values(o), " ") + ")"
			default:
				value += " "
			}
		}
		for _, n := range names(o) {
			spec := n
			switch {
			case o.Switch:
			case strings.HasPrefix(n, "--"):
				spec += "="
			default:
				spec += "+"
			}
			if o.Repeats {
				spec = "*" + spec
			} else if o.Short != "" {
				spec = "(" + strings.Join(names(o), " ") + ")" + spec
			}
			fmt.Fprintf(&b, " \\\n%s%s", indent, quoted(spec+about+value))
		}
	}
	return b.String()
}

// quoted is text in the single quotes of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// firstSentence is what a list of completions has room for.
func firstSentence(help string) string {
	before, _, _ := strings.Cut(help, ". ")
	before, _, _ = strings.Cut(before, "; ")
	return strings.TrimSuffix(before, ".")
}
