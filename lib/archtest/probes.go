package archtest

import (
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"
)

// sixNames finds probes that lack one of the names that every probe has, and names
// beyond them that no type owns (rule 9).
func sixNames(p folder) []Breach {
	if !matches("lib/probe/*", p.path) {
		return nil
	}
	missing := []string{"Config", "Default", "Config.Limits", "Result", "Measure", "Result.Report"}
	var all []Breach
	for _, f := range p.files {
		for _, declared := range f.Decls {
			for _, name := range exported(declared) {
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
			}
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.IsExported() &&
				function.Name.Name != "Default" && function.Name.Name != "Measure" {
				all = append(all, f.at(function, "%s has a function %s beside the six names of a probe: make it a method of a type, or unexported (rule 9)", p.path, function.Name.Name))
			}
		}
	}
	if len(missing) > 0 {
		all = append(all, p.files[0].at(p.files[0].Name, "%s lacks %s: every probe has Config, Default, Config.Limits, Result, Measure and Result.Report (rule 9)", p.path, strings.Join(missing, ", ")))
	}
	return all
}

// exported are the types, functions and methods that a declaration declares: "Config",
// "Default", "Config.Limits".
func exported(declared ast.Decl) []string {
	var names []string
	switch d := declared.(type) {
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if spec, ok := s.(*ast.TypeSpec); ok {
				names = append(names, spec.Name.Name)
			}
		}
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + name
		}
		names = append(names, name)
	}
	return names
}

// A definition is one check.Define.
type definition struct {
	file file
	call *ast.CallExpr
	text string
}

// definitions holds every plugin's check.Define against its folder's name and against
// the exporter's: both programs run the same check by the same line (rule 9).
func definitions(folders []folder) []Breach {
	var plugins, exporter []definition
	for _, p := range folders {
		for _, f := range p.files {
			switch {
			case matches("plugins/*/main.go", f.path):
				plugins = append(plugins, defined(f)...)
			case f.path == "exporter/checks.go":
				exporter = append(exporter, defined(f)...)
			}
		}
	}
	var all []Breach
	for _, d := range plugins {
		name := strings.TrimPrefix(path.Base(path.Dir(d.file.path)), "check_")
		if !strings.HasPrefix(d.text, `check.Define("`+name+`", `) {
			all = append(all, d.file.at(d.call, "%s: a plugin's check has its folder's name: check.Define(%q, ...) (rule 9)", d.text, name))
		}
		same := func(e definition) bool { return e.text == d.text }
		if len(exporter) > 0 && !slices.ContainsFunc(exporter, same) {
			all = append(all, d.file.at(d.call, "%s is not in exporter/checks.go: both programs run the same check by the same line (rule 9)", d.text))
		}
	}
	return all
}

// defined is the calls of check.Define in f.
func defined(f file) []definition {
	var all []definition
	ast.Inspect(f.File, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && f.calls(call.Fun, module+"/lib/check", "Define") {
			all = append(all, definition{file: f, call: call, text: types.ExprString(call)})
		}
		return true
	})
	return all
}
