package archtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/archtest"
)

func TestTheTreeKeepsItsRules(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("this is not the root of the tree: %v", err)
	}
	breaches, err := archtest.Check(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Error(b)
	}
}

// probe is a probe that keeps every rule.
const probe = `package clock

import "milepost/lib/metric"

type Config struct{}

func Default() Config { return Config{} }

func (c Config) Limits() []metric.Limit { return nil }

type Result struct{}

func Measure() {}

func (r Result) Report() metric.Report { return metric.Report{} }
`

// tree is a small tree that keeps every rule, with files put over it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{
		"lib/metric/metric.go":               "package metric\n\nimport \"net/netip\"\n\nvar none netip.Addr = netip.MustParseAddr(\"::\")\n",
		"lib/probe/clock/clock.go":           probe,
		"lib/probe/clock/clock_test.go":      "package clock\n\nimport _ \"milepost/lib/verdict\"\n\nfunc init() { go println() }\n",
		"lib/probe/clock/testdata/x.go":      "no Go at all",
		"lib/crew/crew.go":                   "package crew\n\nfunc run(f func()) { go f() }\n",
		"lib/option/option.go":               "package option\n\nimport _ \"github.com/alecthomas/kong\"\n",
		"lib/prom/prom.go":                   "package prom\n\nimport (\n\t_ \"github.com/prometheus/client_golang/prometheus\"\n\t_ \"milepost/lib/crew\"\n)\n",
		"plugins/check_clock_offset/main.go": "package main\n\nimport (\n\t\"os\"\n\n\t\"milepost/lib/check\"\n\t\"milepost/lib/probe/clock\"\n)\n\nfunc main() {\n\tcheck.Define(\"clock_offset\", clock.Default, clock.Measure)\n\tos.Exit(0)\n}\n",
		"exporter/checks.go":                 "package main\n\nimport (\n\t\"milepost/lib/check\"\n\t\"milepost/lib/probe/clock\"\n)\n\nfunc checks() { check.Define(\"clock_offset\", clock.Default, clock.Measure) }\n",
	}
	for path, text := range files {
		all[path] = text
	}
	for path, text := range all {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// expect fails unless the tree with files in it has exactly the breaches in want.
func expect(t *testing.T, files map[string]string, want ...string) {
	t.Helper()
	breaches, err := archtest.Check(tree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range breaches {
		got = append(got, b.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("breaches:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestATreeThatKeepsTheRulesHasNoBreach(t *testing.T) { expect(t, nil) }

func TestWhoMayImportWhom(t *testing.T) {
	const (
		measures = "a probe only measures: state limits as data in Limits, put what happened into Result, take what another package knows as a function field (rule 2)"
		presents = "a presenter decides nothing: take []check.Outcome, and iter.Seq[metric.Sample] for what is no check (rule 6)"
		meets    = "a probe meets the rest in its plugin's main.go and in exporter/checks.go only (rule 9)"
	)
	for _, row := range []struct {
		situation, path, imports, want string
	}{
		{"metric reads a file", "lib/metric", "os", "metric is data: it imports the standard library only and does no I/O (rule 1)"},
		{"metric opens a connection", "lib/metric", "net", "metric is data: it imports the standard library only and does no I/O (rule 1)"},
		{"metric knows an address", "lib/metric", "net/netip", ""},
		{"metric knows a library", "lib/metric", "golang.org/x/sys/unix", "metric is data: it imports the standard library only and does no I/O (rule 1)"},
		{"metric judges", "lib/metric", "milepost/lib/verdict", "metric is data: it imports the standard library only and does no I/O (rule 1)"},
		{"a probe computes", "lib/probe/clock", "milepost/lib/geo", ""},
		{"a probe speaks its protocol", "lib/probe/clock", "github.com/gosnmp/gosnmp", ""},
		{"a probe starts goroutines", "lib/probe/clock", "milepost/lib/crew", ""},
		{"a probe judges", "lib/probe/clock", "milepost/lib/verdict", measures},
		{"a probe logs", "lib/probe/clock", "log/slog", measures},
		{"a probe parses flags", "lib/probe/clock", "flag", measures},
		{"a probe exports metrics", "lib/probe/clock", "github.com/prometheus/client_golang/prometheus", "hand samples to lib/prom (rule 7)"},
		{"a probe asks another", "lib/probe/clock", "milepost/lib/probe/ping", measures},
		{"verdict knows checks", "lib/verdict", "milepost/lib/check", "verdict judges samples and knows nothing else (rule 3)"},
		{"check knows a probe", "lib/check", "milepost/lib/probe/clock", "check runs any probe and knows none of them (rule 4)"},
		{"schedule presents", "lib/schedule", "milepost/lib/nagios", "schedule and hoststate see outcomes only (rule 4)"},
		{"hoststate writes a file", "lib/hoststate", "os", "schedule and hoststate see outcomes only, and hoststate does no I/O (rule 4)"},
		{"nagios parses flags itself", "lib/nagios", "github.com/alecthomas/kong", "go through lib/option (rule 5)"},
		{"the exporter parses flags itself", "exporter", "github.com/alecthomas/kong", "go through lib/option (rule 5)"},
		{"a library whose name only begins alike", "lib/option", "github.com/alecthomas/kongplete", "option knows fields, not what they are for (rule 5)"},
		{"nagios knows a probe", "lib/nagios", "milepost/lib/probe/clock", presents},
		{"the status bar reads the ledger", "lib/statusbar", "milepost/lib/ledger", presents},
		{"prom follows a log", "lib/prom", "milepost/lib/tail", presents},
		{"nagios carries client_golang", "lib/nagios", "github.com/prometheus/client_golang/prometheus", "hand samples to lib/prom (rule 7)"},
		{"the exporter serves metrics", "exporter", "github.com/prometheus/client_golang/prometheus/promhttp", ""},
		{"the exporter knows a probe outside checks.go", "exporter", "milepost/lib/probe/clock", meets},
		{"a plugin does more than its part", "plugins/check_clock_offset", "milepost/lib/ledger", "a plugin is its probe in nagios.Main, and no more (rule 9)"},
		{"a program starts test servers", "exporter", "milepost/lib/peers", "only tests start servers"},
		{"a room imports this test", "lib/check", "milepost/lib/archtest", "only its own test needs it"},
		{"a helper program goes through lib", "contrib/icinga2", "milepost/lib/option", ""},
	} {
		t.Run(row.situation, func(t *testing.T) {
			file := row.path + "/a.go"
			files := map[string]string{file: "package a\n\nimport _ \"" + row.imports + "\"\n"}
			if row.want == "" {
				expect(t, files)
				return
			}
			expect(t, files, file+":3: "+row.path+" imports "+row.imports+": "+row.want)
		})
	}
}

func TestEveryFolderIsARoom(t *testing.T) {
	for _, folder := range []string{"lib/util", "lib/probe", "lib/probe/clock/wire", "exporter/internal", "cmd/tool", "."} {
		t.Run(folder, func(t *testing.T) {
			file := filepath.Join(folder, "a.go")
			expect(t, map[string]string{file: "// Package a is new.\npackage a\n"},
				file+":2: "+folder+" is no known room: put the code where it belongs, or add a row to rooms in lib/archtest/rooms.go that says what it may import (rule 11)")
		})
	}
}

func TestCode(t *testing.T) {
	const (
		file     = "lib/schedule/a.go"
		variable = ": make it a field of what uses it, or what a function returns (rule 8)"
		exits    = " outside func main: give the exit code or the error to the caller (rule 8)"
	)
	for _, row := range []struct{ situation, code, want string }{
		{"a go statement", "func f() {\n\tgo f()\n}", "4: a go statement: use crew.Crew, whose owner waits for the goroutine and gets its panic (rule 10)"},
		{"init", "func init() {}", "3: func init: it runs before anybody asked; let main call what must be done (rule 8)"},
		{"a method called init", "type t int\n\nfunc (t) init() {}", ""},
		{"os.Exit", "import \"os\"\n\nfunc f() { os.Exit(1) }", "5: os.Exit" + exits},
		{"os.Exit under another name", "import sys \"os\"\n\nvar exit = sys.Exit", "5: os.Exit" + exits},
		{"os.Exit in a main that is none", "import \"os\"\n\nfunc main() { os.Exit(1) }", "5: os.Exit" + exits},
		{"log.Fatal", "import \"log\"\n\nfunc f() { log.Fatalf(\"\") }", "5: log.Fatalf" + exits},
		{"an Exit that is not of os", "type door int\n\nfunc (door) Exit() {}\n\nfunc f(os door) { os.Exit() }", ""},

		{"errors", "import (\n\t\"errors\"\n\t\"fmt\"\n)\n\nvar (\n\ta = errors.New(\"a\")\n\tb = fmt.Errorf(\"%w\", a)\n)", ""},
		{"a pattern", "import \"regexp\"\n\nvar a = regexp.MustCompile(\"a\")", ""},
		{"a file", "import _ \"embed\"\n\n//go:embed x\nvar a string", ""},
		{"an assertion", "import \"fmt\"\n\nvar _ fmt.Stringer = t(0)\n\ntype t int\n\nfunc (t) String() string { return \"\" }", ""},
		{"a table", "var a = map[string][]int{\"a\": {1}}\n\nfunc f() int { return a[\"a\"][0] }", ""},
		{"a set of bytes", "var a = []byte(\"abc\")", ""},
		{"a function", "var a = func() {}", ""},
		{"a local of the same name", "var a = 1\n\nfunc f() int {\n\ta := 2\n\ta++\n\treturn a\n}", ""},
		{"a parameter of the same name", "var a = []int{1}\n\nfunc f(a []int) { a[0] = 2 }", ""},
		{"a counter", "var a = 0\n\nfunc f() { a++ }", "3: package variable a is assigned to" + variable},
		{"a default that is set", "var a = \"x\"\n\nfunc Set(s string) { a = s }", "3: package variable a is assigned to" + variable},
		{"a table that grows", "var a = map[string]int{}\n\nfunc f() { a[\"b\"] = 1 }", "3: package variable a is assigned to" + variable},
		{"a table that shrinks", "var a = map[string]int{\"b\": 1}\n\nfunc f() { delete(a, \"b\") }", "3: package variable a is assigned to" + variable},
		{"a field of it", "var a = struct{ b []int }{}\n\nfunc f() { a.b[0] = 1 }", "3: package variable a is assigned to" + variable},
		{"its address", "var a = 1\n\nfunc f() *int { return &a }", "3: package variable a is assigned to" + variable},
		{"nothing yet", "var a map[string]int", "3: package variable a gets its value from elsewhere" + variable},
		{"an empty map", "var a = make(map[string]int)", "3: package variable a starts empty, to be filled" + variable},
		{"a pool", "import \"sync\"\n\nvar a = sync.Pool{}", "5: package variable a is there to be changed" + variable},
		{"a pointer to an atomic", "import \"sync/atomic\"\n\nvar a = &atomic.Int64{}", "5: package variable a is there to be changed" + variable},
		{"a client", "import \"net\"\n\nvar a = f()\n\nfunc f() *net.Dialer { return nil }", "5: package variable a holds what a function returned, which may change" + variable},
		{"a variable of a function", "func f() {\n\tvar a int\n\ta = 1\n\t_ = a\n}", ""},
	} {
		t.Run(row.situation, func(t *testing.T) {
			files := map[string]string{file: "package a\n\n" + row.code + "\n"}
			if row.want == "" {
				expect(t, files)
				return
			}
			expect(t, files, file+":"+row.want)
		})
	}
}

func TestAVariableIsChangedInAnotherFile(t *testing.T) {
	expect(t, map[string]string{
		"lib/schedule/a.go": "package a\n\nvar a = 1\n",
		"lib/schedule/b.go": "package a\n\nfunc f() { a = 2 }\n",
	}, "lib/schedule/a.go:3: package variable a is assigned to: make it a field of what uses it, or what a function returns (rule 8)")
}

func TestProbesHaveSixNames(t *testing.T) {
	const path = "lib/probe/clock/clock.go"
	expect(t, map[string]string{path: strings.ReplaceAll(strings.ReplaceAll(probe, "Measure", "measure"), "(c Config)", "(c other)")},
		path+":1: lib/probe/clock lacks Config.Limits, Measure: every probe has Config, Default, Config.Limits, Result, Measure and Result.Report (rule 9)")
	expect(t, map[string]string{path: probe + "\nfunc Parse() {}\n\ntype Source string\n\nfunc (s *Source) UnmarshalText() {}\n"},
		path+":17: lib/probe/clock has a function Parse beside the six names of a probe: make it a method of a type, or unexported (rule 9)")
}

func TestBothProgramsRunTheSameChecks(t *testing.T) {
	plugin := func(define string) map[string]string {
		return map[string]string{"plugins/check_clock_offset/main.go": "package main\n\nimport (\n\t\"milepost/lib/check\"\n\t\"milepost/lib/probe/clock\"\n)\n\nfunc main() { " + define + " }\n"}
	}
	expect(t, plugin(`check.Define("clock_offset", clock.Default, clock.Measure).Local()`))
	expect(t, plugin(`check.Define("clock_offset", clock.Default, clock.Other)`),
		`plugins/check_clock_offset/main.go:8: check.Define("clock_offset", clock.Default, clock.Other) is not in exporter/checks.go: both programs run the same check by the same line (rule 9)`)
	expect(t, plugin(`check.Define("clock", clock.Default, clock.Measure)`),
		`plugins/check_clock_offset/main.go:8: check.Define("clock", clock.Default, clock.Measure): a plugin's check has its folder's name: check.Define("clock_offset", ...) (rule 9)`,
		`plugins/check_clock_offset/main.go:8: check.Define("clock", clock.Default, clock.Measure) is not in exporter/checks.go: both programs run the same check by the same line (rule 9)`)
}

func TestWhatIsNoGoIsAnError(t *testing.T) {
	_, err := archtest.Check(tree(t, map[string]string{"lib/check/a.go": "package"}))
	if err == nil || !strings.Contains(err.Error(), "lib/check/a.go") {
		t.Fatalf("error %v, want one that names the file", err)
	}
}
