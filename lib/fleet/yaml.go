package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"milepost/lib/option"
)

// A Fault is what is wrong at one place of an inventory.
type Fault struct {
	File         string
	Line, Column int // from 1; 0 = the file as a whole
	Text         string
}

// Error is "file:line:column: text".
func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// A document is a parsed file that collects its faults while it is read.
type document struct {
	file   string
	faults []error
	seen   map[Fault]bool // what is wrong in the defaults is wrong in every host, and told once
	places map[string]place
}

// A place is where something stands in a file, from 1.
type place struct{ line, column int }

// A value is one node of a document.
type value struct {
	node *yaml.Node // no alias; nil = it is not there
	doc  *document
}

// parse reads the text into the mapping at its top. An empty file is an empty mapping.
func parse(file string, text []byte) (*document, value) {
	d := &document{file: file, seen: map[Fault]bool{}, places: map[string]place{}}
	var top, second yaml.Node
	read := yaml.NewDecoder(bytes.NewReader(text))
	if err := read.Decode(&top); err != nil {
		if !errors.Is(err, io.EOF) {
			d.add(syntax(file, err))
		}
		return d, value{}
	}
	if !d.sound(&top, map[*yaml.Node]bool{}) {
		return d, value{}
	}
	if read.Decode(&second) == nil && !(value{second.Content[0], d}).null() {
		d.fault(second.Content[0], "a second document: an inventory is one")
	}
	return d, d.value(top.Content[0])
}

// sound refuses what YAML forbids and its reader lets pass: a key that is there twice
// in a mapping, and an alias of what it stands in. above is what n stands in.
func (d *document) sound(n *yaml.Node, above map[*yaml.Node]bool) bool {
	if n.Kind == yaml.AliasNode {
		if above[n.Alias] {
			d.fault(n, "alias of what it stands in")
		}
		return !above[n.Alias]
	}
	above[n] = true
	defer delete(above, n)
	ok := true
	seen := map[string]*yaml.Node{}
	for i, child := range n.Content {
		ok = d.sound(child, above) && ok
		if n.Kind != yaml.MappingNode || i%2 == 1 || child.Kind != yaml.ScalarNode {
			continue
		}
		if first := seen[child.Value]; first != nil {
			d.fault(child, "mapping key %q already defined at %d:%d", child.Value, first.Line, first.Column)
			ok = false
		}
		seen[child.Value] = child
	}
	return ok
}

// syntax is the reader's error as a fault.
func syntax(file string, err error) Fault {
	f := Fault{File: file, Line: 1, Column: 1, Text: err.Error()}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		f.Text = "this is not YAML: " + e.Message
		f.Line, f.Column = max(e.Mark.Line, 1), max(e.Mark.Column, 1)
	}
	return f
}

// value is the node itself: behind aliases.
func (d *document) value(n *yaml.Node) value {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return value{n, d}
}

func (d *document) fault(n *yaml.Node, format string, args ...any) {
	d.add(Fault{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (d *document) add(f Fault) {
	if !d.seen[f] {
		d.seen[f] = true
		d.faults = append(d.faults, &f)
	}
}

func (v value) fault(format string, args ...any) { v.doc.fault(v.node, format, args...) }

// stands remembers where the key of that name stands.
func (v value) stands(key string) { v.doc.places[key] = place{v.node.Line, v.node.Column} }

// at is where v stands, as -vv shows it.
func (v value) at() string {
	return fmt.Sprintf("%s:%d", v.doc.file, v.node.Line)
}

// An entry is a key of a mapping with its value.
type entry struct {
	key  string
	name value // the key itself, for faults
	value
}

// entries are the keys of a mapping in order; a fault if v is none. Nothing at
// all ("checks:" and no more) is an empty mapping.
func (v value) entries(what string) []entry {
	if v.null() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.fault("%s: a mapping of keys to values is expected", what)
		return nil
	}
	var all []entry
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		name := v.doc.value(v.node.Content[i])
		switch {
		case name.node.ShortTag() == "!!merge":
			name.fault("merge keys (<<) are not read: put common settings under defaults")
		case name.node.Kind != yaml.ScalarNode:
			name.fault("%s: a key is one word", what)
		default:
			all = append(all, entry{name.node.Value, name, v.doc.value(v.node.Content[i+1])})
		}
	}
	return all
}

// items are the members of a list; a fault if v is none.
func (v value) items(what string) []value {
	if v.null() {
		return nil
	}
	if !v.several() {
		v.fault("%s: a list is expected", what)
		return nil
	}
	var all []value
	for _, n := range v.node.Content {
		all = append(all, v.doc.value(n))
	}
	return all
}

// several says that v is a list.
func (v value) several() bool { return v.node.Kind == yaml.SequenceNode }

func (v value) null() bool { return v.node == nil || v.node.ShortTag() == "!!null" }

// off is the value "false", which switches a check off.
func (v value) off() bool {
	return v.node.ShortTag() == "!!bool" && strings.EqualFold(v.node.Value, "false")
}

// text is the scalar as it stands in the file, without quotes.
func (v value) text() (string, bool) {
	if v.node.Kind != yaml.ScalarNode || v.null() {
		return "", false
	}
	if v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return strings.TrimSpace(v.node.Value), true
	}
	return v.node.Value, true
}

// texts are the scalar, or the scalars of the list.
func (v value) texts() ([]string, bool) {
	if s, ok := v.text(); ok {
		return []string{s}, true
	}
	if !v.several() {
		return nil, false
	}
	var all []string
	for _, n := range v.node.Content {
		s, ok := v.doc.value(n).text()
		if !ok {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

// inline begins the names of the places of secrets that stand in the file itself.
const inline = "inline "

// put sets the option that e names. What the option refuses is a fault at the
// value; a key that is none, at the key, with the nearest of the options and the
// other keys that may stand there.
func (e entry) put(o *option.Options, where string, others ...string) {
	values, ok := e.texts()
	switch {
	case !o.Has(e.key):
		e.name.fault("%s: unknown key %q%s", where, e.key, nearest(e.key, "keys", append(o.Names(), others...)))
	case e.null():
		e.name.fault("%s: %s has no value", where, e.key)
	case e.several() && !o.Repeats(e.key):
		e.fault("%s: %s: takes one value, not a list", where, e.key)
	case !ok:
		e.fault("%s: %s: one value or a list of values is expected", where, e.key)
	default:
		if o.IsSecret(e.key) {
			e.name.stands(inline + where + "." + e.key)
		}
		if err := o.Put(e.key, e.at(), values...); err != nil {
			e.fault("%s: %v", where, err)
		}
	}
}

// nearest is a hint at which of these was meant; what says what they are: "keys".
func nearest(typed, what string, these []string) string {
	if n := option.Nearest(typed, these); n != "" {
		return fmt.Sprintf(": did you mean %q?", n)
	}
	return fmt.Sprintf(": the %s here are %s", what, strings.Join(slices.Sorted(slices.Values(these)), ", "))
}
