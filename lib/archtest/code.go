package archtest

import (
	"go/ast"
)

// exits finds what ends the process anywhere but in func main (rule 8).
func exits(p folder) []Breach {
	var all []Breach
	for _, f := range p.files {
		for _, declared := range f.Decls {
			function, _ := declared.(*ast.FuncDecl)
			if isMain(f, function) {
				continue
			}
			ast.Inspect(declared, func(node ast.Node) bool {
				if expr, ok := node.(ast.Expr); ok {
					if name := ending(f, expr); name != "" {
						all = append(all, f.at(node, "%s outside func main: give the exit code or the error to the caller (rule 8)", name))
					}
				}
				return true
			})
		}
	}
	return all
}

func isMain(f file, function *ast.FuncDecl) bool {
	return f.Name.Name == "main" && function != nil && function.Recv == nil && function.Name.Name == "main"
}

// ending is the name of the function that expr is if it ends the process, else "".
func ending(f file, expr ast.Expr) string {
	for importPath, names := range map[string][]string{
		"os":      {"Exit"},
		"syscall": {"Exit"},
		"log":     {"Fatal", "Fatalf", "Fatalln"},
	} {
		for _, name := range names {
			if f.calls(expr, importPath, name) {
				return importPath + "." + name
			}
		}
	}
	return ""
}

// inits finds init functions (rule 8).
func inits(p folder) []Breach {
	var all []Breach
	for _, f := range p.files {
		for _, declared := range f.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "init" {
				all = append(all, f.at(function, "func init: it runs before anybody asked; let main call what must be done (rule 8)"))
			}
		}
	}
	return all
}

// goroutines finds go statements (rule 10).
func goroutines(p folder) []Breach {
	if p.path == "lib/crew" {
		return nil
	}
	var all []Breach
	for _, f := range p.files {
		ast.Inspect(f.File, func(node ast.Node) bool {
			if statement, ok := node.(*ast.GoStmt); ok {
				all = append(all, f.at(statement, "a go statement: use crew.Crew, whose owner waits for the goroutine and gets its panic (rule 10)"))
			}
			return true
		})
	}
	return all
}
