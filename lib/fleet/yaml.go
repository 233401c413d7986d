package fleet

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

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
	file    string
	anchors map[string]ast.Node
	faults  []error
	seen    map[Fault]bool // what is wrong in the defaults is wrong in every host, and told once
	places  map[string]place
}

// A place is where something stands in a file, from 1.
type place struct{ line, column int }

// A value is one node of a document.
type value struct {
	node ast.Node // never nil
	doc  *document
}

// parse reads the text into the mapping at its top. An empty file is an empty mapping.
func parse(file string, text []byte) (*document, value) {
	d := &document{file: file, anchors: map[string]ast.Node{}, seen: map[Fault]bool{}, places: map[string]place{}}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		d.add(syntax(file, err))
		return d, value{}
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		d.fault(f.Docs[1].Body, "a second document: an inventory is one")
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return d, value{}
	}
	return d, d.value(f.Docs[0].Body)
}

// syntax is the parser's error as a fault.
func syntax(file string, err error) Fault {
	f := Fault{File: file, Text: err.Error()}
	if e, ok := err.(interface {
		GetToken() *token.Token
		GetMessage() string
	}); ok {
		f.Text = e.GetMessage()
		if t := e.GetToken(); t != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	return f
}

// value is the node itself: behind anchors, tags and aliases.
func (d *document) value(n ast.Node) value {
	switch n := n.(type) {
	case *ast.AnchorNode:
		d.anchors[n.Name.GetToken().Value] = n.Value
		return d.value(n.Value)
	case *ast.TagNode:
		return d.value(n.Value)
	case *ast.AliasNode:
		if a := d.anchors[n.Value.GetToken().Value]; a != nil {
			return value{a, d}
		}
		d.fault(n, "alias of an anchor that is not above it")
	}
	return value{n, d}
}

func (d *document) fault(n ast.Node, format string, args ...any) {
	p := n.GetToken().Position
	d.add(Fault{d.file, p.Line, p.Column, fmt.Sprintf(format, args...)})
}

func (d *document) add(f Fault) {
	if !d.seen[f] {
		d.seen[f] = true
		d.faults = append(d.faults, &f)
	}
}

func (v value) fault(format string, args ...any) { v.doc.fault(v.node, format, args...) }

// stands remembers where the key of that name stands.
func (v value) stands(key string) {
	p := v.node.GetToken().Position
	v.doc.places[key] = place{p.Line, p.Column}
}

// at is where v stands, as -vv shows it.
func (v value) at() string {
	return fmt.Sprintf("%s:%d", v.doc.file, v.node.GetToken().Position.Line)
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
	m, ok := v.node.(ast.MapNode)
	if !ok {
		v.fault("%s: a mapping of keys to values is expected", what)
		return nil
	}
	var all []entry
	for it := m.MapRange(); it.Next(); {
		if it.Key().IsMergeKey() {
			v.doc.fault(it.Key(), "merge keys (<<) are not read: put common settings under defaults")
			continue
		}
		all = append(all, entry{key(it.Key()), value{it.Key(), v.doc}, v.doc.value(it.Value())})
	}
	return all
}

// key is the text of a mapping's key without the quotes it may stand in.
func key(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.GetToken().Value
}

// items are the members of a list; a fault if v is none.
func (v value) items(what string) []value {
	if v.null() {
		return nil
	}
	l, ok := v.node.(ast.ArrayNode)
	if !ok {
		v.fault("%s: a list is expected", what)
		return nil
	}
	var all []value
	for it := l.ArrayRange(); it.Next(); {
		all = append(all, v.doc.value(it.Value()))
	}
	return all
}

func (v value) null() bool {
	if v.node == nil {
		return true
	}
	_, ok := v.node.(*ast.NullNode)
	return ok
}

// off is the value "false", which switches a check off.
func (v value) off() bool {
	b, ok := v.node.(*ast.BoolNode)
	return ok && !b.Value
}

// text is the scalar as it stands in the file, without quotes.
func (v value) text() (string, bool) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

// texts are the scalar, or the scalars of the list.
func (v value) texts() ([]string, bool) {
	if s, ok := v.text(); ok {
		return []string{s}, true
	}
	l, ok := v.node.(ast.ArrayNode)
	if !ok {
		return nil, false
	}
	var all []string
	for it := l.ArrayRange(); it.Next(); {
		s, ok := v.doc.value(it.Value()).text()
		if !ok {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}

// put sets the option that e names. What the option refuses is a fault at the
// value; a key that is none, at the key, with the nearest of the options and the
// other keys that may stand there.
func (e entry) put(o *option.Options, where string, others ...string) {
	values, ok := e.texts()
	switch {
	case !o.Has(e.key):
		e.name.fault("%s: unknown key %q%s", where, e.key, nearest(e.key, append(o.Names(), others...)))
	case e.null():
		e.name.fault("%s: %s has no value", where, e.key)
	case !ok:
		e.fault("%s: %s: one value or a list of values is expected", where, e.key)
	default:
		if err := o.Put(e.key, e.at(), values...); err != nil {
			e.fault("%s: %v", where, err)
		}
	}
}

// nearest is a hint at the key that was meant.
func nearest(typed string, keys []string) string {
	if n := option.Nearest(typed, keys); n != "" {
		return fmt.Sprintf(": did you mean %q?", n)
	}
	return ": the keys here are " + strings.Join(keys, ", ")
}
