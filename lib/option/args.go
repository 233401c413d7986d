package option

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A Word is one option of a command line.
type Word struct {
	Name   string   // "warning"
	Values []string // none for a switch
}

// CommandLine is what From says of options that were given as arguments.
const CommandLine = "the command line"

// Parse sets what the command line says and returns its operands.
func (o *Options) Parse(args []string) (operands []string, err error) {
	words, operands, err := o.Words(args)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		if err := o.Put("--"+w.Name, CommandLine, w.Values...); err != nil {
			return nil, err
		}
	}
	return operands, nil
}

// Words splits a command line without setting anything, as getopt_long does:
// "-w X", "-wX", "-w=X", "--warning X", "--warning=X", "-vvH a", "--" before
// operands. A value may begin with a hyphen. A long name may be cut short as
// long as it stays the only one that begins so.
func (o *Options) Words(args []string) (words []Word, operands []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return words, append(operands, args...), nil
		case strings.HasPrefix(arg, "--"):
			var w Word
			if w, args, err = o.long(arg[2:], args); err != nil {
				return nil, nil, err
			}
			words = append(words, w)
		case len(arg) > 1 && arg[0] == '-':
			var some []Word
			if some, args, err = o.cluster(arg[1:], args); err != nil {
				return nil, nil, err
			}
			words = append(words, some...)
		default:
			operands = append(operands, arg)
		}
	}
	return words, operands, nil
}

func (o *Options) long(arg string, rest []string) (Word, []string, error) {
	name, value, has := strings.Cut(arg, "=")
	f, err := o.prefix(name)
	if err != nil {
		return Word{}, nil, err
	}
	w := Word{Name: f.Name}
	switch {
	case has:
		w.Values = []string{value}
	case takesValue(f):
		if len(rest) == 0 {
			return Word{}, nil, fmt.Errorf("--%s: needs a value", f.Name)
		}
		w.Values, rest = rest[:1:1], rest[1:]
	}
	return w, rest, nil
}

// cluster reads "vvH" and "w5:10": switches, and at the end one with a value.
func (o *Options) cluster(arg string, rest []string) (words []Word, left []string, err error) {
	for i, r := range arg {
		f := o.short[r]
		if f == nil {
			if i > 0 && r == '=' {
				return nil, nil, fmt.Errorf("--%s: takes no value", words[len(words)-1].Name)
			}
			return nil, nil, fmt.Errorf("no option %q", "-"+string(r))
		}
		if !takesValue(f) {
			words = append(words, Word{Name: f.Name})
			continue
		}
		value := arg[i+len(string(r)):]
		switch {
		case value != "":
			value = strings.TrimPrefix(value, "=")
		case len(rest) == 0:
			return nil, nil, fmt.Errorf("-%c: needs a value", r)
		default:
			value, rest = rest[0], rest[1:]
		}
		return append(words, Word{f.Name, []string{value}}), rest, nil
	}
	return words, rest, nil
}

// prefix finds the option called name, or the only one that begins with it. A
// hidden one is for the environment only: it holds a secret.
func (o *Options) prefix(name string) (*kong.Flag, error) {
	if f := o.named[strings.ReplaceAll(name, "_", "-")]; f != nil && f.Hidden {
		return nil, fmt.Errorf("--%s: not on a command line, where everybody on this machine can read it: use --%[1]s-file or the environment variable %s",
			f.Name, strings.Join(f.Envs, " or "))
	}
	if f := o.named[name]; f != nil {
		return f, nil
	}
	var begin []string
	for _, f := range o.flags {
		if name != "" && !f.Hidden && strings.HasPrefix(f.Name, name) {
			begin = append(begin, f.Name)
		}
	}
	switch len(begin) {
	case 0:
		return o.find(name)
	case 1:
		return o.named[begin[0]], nil
	default:
		slices.Sort(begin)
		return nil, fmt.Errorf("option --%s may be --%s", name, strings.Join(begin, " or --"))
	}
}

func takesValue(f *kong.Flag) bool { return !f.IsBool() && !f.IsCounter() }
