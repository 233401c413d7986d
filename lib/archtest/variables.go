package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// variables finds package variables that can change (rule 8).
//
// It is a heuristic that reads one package and no types. A variable is taken for a
// constant if its value is written down where it stands (a literal, a function, a
// value known to be immutable such as errors.New) and nothing in the package assigns
// to it or to a part of it, or takes its address. What a method does to its receiver,
// or an importer to an exported variable, it does not see.
func variables(p folder) []Breach {
	changed := assignments(p)
	var all []Breach
	for _, f := range p.files {
		for _, declared := range f.Decls {
			general, ok := declared.(*ast.GenDecl)
			if !ok || general.Tok != token.VAR {
				continue
			}
			for _, s := range general.Specs {
				spec := s.(*ast.ValueSpec) // all that a var declaration holds
				if embeds(general.Doc) || embeds(spec.Doc) {
					continue
				}
				all = append(all, specified(f, spec, changed)...)
			}
		}
	}
	return all
}

// specified is the breaches of one line of declarations.
func specified(f file, spec *ast.ValueSpec, changed map[string]bool) []Breach {
	var all []Breach
	for i, name := range spec.Names {
		why := ""
		switch {
		case name.Name == "_":
		case changed[name.Name]:
			why = "is assigned to"
		case len(spec.Values) != len(spec.Names):
			why = "gets its value from elsewhere"
		default:
			why = changeable(f, spec.Values[i])
		}
		if why != "" {
			all = append(all, f.at(name, "package variable %s %s: make it a field of what uses it, or what a function returns (rule 8)", name.Name, why))
		}
	}
	return all
}

// embeds says that the comment tells the compiler to fill in a file.
func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// changeable is why a variable with this value can change; "" if it cannot.
func changeable(f file, value ast.Expr) string {
	switch v := value.(type) {
	case *ast.ParenExpr:
		return changeable(f, v.X)
	case *ast.UnaryExpr:
		return changeable(f, v.X)
	case *ast.CompositeLit:
		if from := packageOf(v.Type); from != "" && (from == f.name("sync") || from == f.name("sync/atomic")) {
			return "is there to be changed"
		}
	case *ast.CallExpr:
		return returned(f, v)
	}
	return ""
}

// returned is why a variable that holds what call returns can change.
func returned(f file, call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.ArrayType, *ast.MapType, *ast.FuncType, *ast.InterfaceType:
		return changeable(f, call.Args[0]) // a conversion
	case *ast.Ident:
		switch {
		case function.Name == "make" || function.Name == "new":
			return "starts empty, to be filled"
		case basic(function.Name):
			return changeable(f, call.Args[0]) // a conversion
		case strings.HasPrefix(function.Name, "Must"):
			return ""
		}
	case *ast.SelectorExpr:
		if strings.HasPrefix(function.Sel.Name, "Must") {
			return "" // regexp.MustCompile, template.Must, netip.MustParseAddr
		}
	}
	for importPath, names := range map[string][]string{
		"errors":  {"New"},
		"fmt":     {"Errorf"},
		"math":    {"Inf", "NaN"},
		"strings": {"NewReplacer"},
		"time":    {"Date"},
		"github.com/prometheus/client_golang/prometheus": {"NewDesc"},
	} {
		for _, name := range names {
			if f.calls(call.Fun, importPath, name) {
				return ""
			}
		}
	}
	return "holds what a function returned, which may change"
}

// basic says that name is a type of the language that holds no reference.
func basic(name string) bool {
	return slices.Contains([]string{
		"bool", "string", "byte", "rune", "float32", "float64",
		"int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
	}, name)
}

// packageOf is the name of the package of a type that is spelt with one, else "".
func packageOf(t ast.Expr) string {
	if indexed, ok := t.(*ast.IndexExpr); ok { // atomic.Pointer[T]
		t = indexed.X
	}
	if selector, ok := t.(*ast.SelectorExpr); ok {
		if from, ok := selector.X.(*ast.Ident); ok {
			return from.Name
		}
	}
	return ""
}

// assignments are the names that p's functions assign to, or to a part of, or take
// the address of, unless the function declares the name for itself.
func assignments(p folder) map[string]bool {
	changed := map[string]bool{}
	for _, f := range p.files {
		for _, declared := range f.Decls {
			local := locals(declared)
			ast.Inspect(declared, func(node ast.Node) bool {
				for _, expr := range targets(node) {
					if name := root(expr); name != "" && !local[name] {
						changed[name] = true
					}
				}
				return true
			})
		}
	}
	return changed
}

// targets are the expressions that node changes or lets others change.
func targets(node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if name, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, name.Name) {
			return n.Args[:1]
		}
	}
	return nil
}

// root is the variable that expr is, or is a part of: v for v.a[i].b; else "".
func root(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SliceExpr:
		return root(e.X)
	}
	return ""
}

// locals are the names that a declaration of a function gives to things of its own.
func locals(declared ast.Decl) map[string]bool {
	names := map[string]bool{}
	if _, ok := declared.(*ast.FuncDecl); !ok {
		return names
	}
	ast.Inspect(declared, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.Field: // receivers, parameters, results
			for _, name := range n.Names {
				names[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, expr := range n.Lhs {
					names[root(expr)] = true
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				names[root(n.Key)] = true
				names[root(n.Value)] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		}
		return true
	})
	return names
}
