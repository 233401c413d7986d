package option

import (
	"encoding/json"
	"io"
	"slices"

	"milepost/lib/secret"
)

// DescribeFlag asks a program for its Program instead of its help: what makes
// manuals, completions and definitions asks so, and cannot know an option that the
// program does not have.
const DescribeFlag = "--help=json"

// A Program is what a program, or one of its commands, says of itself.
type Program struct {
	Name     string      `json:"name"`
	Version  string      `json:"version,omitempty"`
	About    string      `json:"about"`
	Operands string      `json:"operands,omitempty"` // "HOST [CHECK]"
	Local    bool        `json:"local,omitempty"`    // it needs no host
	Afar     bool        `json:"afar,omitempty"`     // it needs to know where it looks from
	Options  []Described `json:"options,omitempty"`
	Commands []Program   `json:"commands,omitempty"`
}

// A Described is an Option as other programs are told of it: its default, and not
// where a value came from.
type Described struct {
	Name        string   `json:"name"`
	Short       string   `json:"short,omitempty"`
	Help        string   `json:"help"`
	Placeholder string   `json:"placeholder,omitempty"`
	Default     string   `json:"default,omitempty"`
	Env         []string `json:"env,omitempty"`
	Repeats     bool     `json:"repeats,omitempty"`
	Switch      bool     `json:"switch,omitempty"`
	Common      bool     `json:"common,omitempty"` // every program of its kind has it
}

// Describe is every option with the value it has now as its default. A secret's is
// left out.
func (o *Options) Describe() []Described {
	var all []Described
	for opt := range o.All() {
		d := Described{
			Name: opt.Name, Short: opt.Short, Help: opt.Help, Placeholder: opt.Placeholder,
			Default: opt.Value, Env: opt.Env, Repeats: opt.Repeats, Switch: opt.Switch,
		}
		if d.Switch || d.Default == "0" || d.Default == "0s" || d.Default == (secret.Value{}).String() {
			d.Default = ""
		}
		all = append(all, d)
	}
	return all
}

// Own are the options that p has for itself.
func (p Program) Own() []Described {
	return slices.DeleteFunc(slices.Clone(p.Options), func(d Described) bool { return d.Common })
}

// Write writes p as JSON.
func (p Program) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(p)
}
