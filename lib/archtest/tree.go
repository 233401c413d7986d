package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the root of the tree.
const module = "milepost"

// A folder is the Go files of one directory, tests left out.
type folder struct {
	path  string // relative to the root, with slashes: "lib/metric"
	files []file
}

type file struct {
	path string // relative to the root
	*ast.File
	set *token.FileSet
}

// at is a breach where node begins.
func (f file) at(node ast.Node, format string, args ...any) Breach {
	return Breach{File: f.path, Line: f.set.Position(node.Pos()).Line, Text: fmt.Sprintf(format, args...)}
}

// name is what f calls the package that it imports from importPath; "" if it does not.
func (f file) name(importPath string) string {
	for _, spec := range f.Imports {
		switch {
		case imported(spec) != importPath:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path.Base(importPath)
		}
	}
	return ""
}

// calls says that expr is the function called name of the package at importPath.
func (f file) calls(expr ast.Expr, importPath, name string) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && from.Name == f.name(importPath)
}

// imported is the path that spec imports.
func imported(spec *ast.ImportSpec) string {
	text, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser lets nothing else through
	}
	return text
}

// read parses the tree at root.
func read(root string) ([]folder, error) {
	var folders []folder
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			if relative != "." && ignored(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(relative, ".go") || strings.HasSuffix(relative, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(set, relative, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(relative)
		i := slices.IndexFunc(folders, func(f folder) bool { return f.path == dir })
		if i < 0 {
			i = len(folders)
			folders = append(folders, folder{path: dir})
		}
		folders[i].files = append(folders[i].files, file{path: relative, File: parsed, set: set})
		return nil
	})
	return folders, err
}

// ignored says that the go command has nothing to do with a directory of this
// name, or that it was built.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "bin" || name == "dist"
}
