package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// The table of ranges is held against the parser itself, too.
func TestOurRanges(t *testing.T) {
	if len(ranges()) < 30 || len(badRanges()) < 20 {
		t.Fatalf("%d ranges, %d bad ones", len(ranges()), len(badRanges()))
	}
	for _, row := range ranges() {
		r, err := metric.ParseRange(row.text)
		if err != nil {
			t.Errorf("%s: %v", row.text, err)
			continue
		}
		for want, values := range map[verdict.Status][]string{verdict.OK: row.silent, verdict.Warning: row.alerts} {
			for _, v := range values {
				value, err := strconv.ParseFloat(v, 64)
				if err != nil {
					t.Fatal(err)
				}
				report := metric.Report{Samples: []metric.Sample{{Name: "speed", Value: value}}}
				got := verdict.Judge(report, []metric.Limit{metric.On("speed", r, metric.Range{})})
				if got.Status != want {
					t.Errorf("%s with %s is %v, not %v", row.text, v, got.Status, want)
				}
			}
		}
	}
	for _, text := range badRanges() {
		if r, err := metric.ParseRange(text); err == nil {
			t.Errorf("%s is taken for %v", text, r)
		}
	}
}

// conform judges with args and gives the rules that are broken.
func conform(t *testing.T, args ...string) (exit int, broken []string) {
	t.Helper()
	var out strings.Builder
	exit = judge(t.Context(), args, &out)
	for line := range strings.Lines(out.String()) {
		if rule, is := strings.CutPrefix(line, "not ok "); is {
			_, rule, _ = strings.Cut(rule, " - ")
			broken = append(broken, strings.TrimSpace(rule))
		}
	}
	if !strings.Contains(out.String(), "\n1..") {
		t.Errorf("no plan in\n%s", out.String())
	}
	return exit, broken
}

func TestAGoodPlugin(t *testing.T) {
	plugin := filepath.Join(t.TempDir(), "check_speed")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", plugin, "./testdata/check_speed")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if exit, broken := conform(t, "-value", "--value", plugin); exit != 0 || len(broken) > 0 {
		t.Errorf("%d, broken: %q", exit, broken)
	}
}

// shell is a plugin of a shell's. No child is forked while it is open for writing: it
// would keep it open, and what is open for writing cannot be run.
func shell(t *testing.T, script string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "check_x")
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusals is how a plugin of a shell's refuses what it does not know.
const refusals = `case "$*" in *--no-such*|*-Z*|*--help*|*-h*|*-V*|*--version*|*soon*) echo "X UNKNOWN: usage"; exit 3;; esac
`

// A plugin of a shell's breaks one rule each time.
func TestBrokenPlugins(t *testing.T) {
	const good = refusals
	for _, row := range []struct {
		name, script string
		broken       []string // one of the rules that are broken
		ranges       bool
	}{
		{"help is OK", `case "$*" in --help) echo x; exit 0;; esac` + "\n" + good + `echo "X OK: fine" || exit 3`, []string{"--help says something on stdout and exits 3"}, false},
		{"usage on stderr", `case "$*" in *no-such*) echo x >&2; exit 3;; esac` + "\n" + good + `echo "X OK: fine" || exit 3`, []string{`["--no-such-option"] is refused on stdout, with 3`}, false},
		{"the text lies", good + `echo "X CRITICAL: bad" || exit 3; exit 1`, []string{"the first line tells the state that the exit code is"}, false},
		{"a code that is none", good + `echo "X OK: fine" || exit 3; exit 80`, []string{"the run ends with 0, 1, 2 or 3 and says something"}, false},
		{"a pipe too many", good + `printf 'X OK: fine | a=1\nmore | x\n' || exit 3`, []string{"no pipe after the first line, where Nagios takes the rest for performance data"}, false},
		{"a comma for a point", good + `echo "X OK: fine | a=1,5s" || exit 3`, []string{"performance data is as the guidelines have it"}, false},
		{"an exponent", good + `echo "X OK: fine | a=1e-05" || exit 3`, []string{"performance data is as the guidelines have it"}, false},
		{"a unit that nobody knows", good + `echo "X OK: fine | a=1parsec" || exit 3`, []string{"performance data is as the guidelines have it"}, false},
		{"a label twice", good + `echo "X OK: fine | a=1 a=2" || exit 3`, []string{"performance data is as the guidelines have it"}, false},
		{"a long line", good + `printf 'X OK: %02000d\n' 1 || exit 3`, []string{"the first line has at most 1023 bytes"}, false},
		{"control characters", good + `printf 'X OK: \033[31mred\n' || exit 3`, []string{"the output is UTF-8 without control characters"}, false},
		{"noise on stderr", good + `echo noise >&2; echo "X OK: fine" || exit 3`, []string{"nothing on stderr"}, false},
		{"it needs its environment", good + `[ -n "$HOME" ] || exit 1; echo "X OK: fine" || exit 3`, []string{"with an empty environment it comes to the same state"}, false},
		{"ranges are not read", good + `echo "X OK: fine" || exit 3`, []string{"-w2:1 is refused"}, true},
		{"it does not see that stdout is full", good + `echo "X OK: fine" 2>/dev/null; exit 0`, []string{"with a full standard output it exits 3"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			plugin := shell(t, row.script)
			exit, broken := conform(t, fmt.Sprintf("-ranges=%t", row.ranges), plugin)
			for _, want := range row.broken {
				if exit != 1 || !strings.Contains("\n"+strings.Join(broken, "\n")+"\n", "\n"+want+"\n") {
					t.Errorf("%d, broken: %q, want %q", exit, broken, want)
				}
			}
		})
	}
}

func TestASlowPlugin(t *testing.T) {
	plugin := shell(t, "exec sleep 6")
	var out strings.Builder
	keepsTime(t.Context(), options{slow: "-p {port}", plugin: plugin, longest: 1500 * time.Millisecond}, &tap{out: &out})
	if got := out.String(); strings.Count(got, "not ok") != 2 || !strings.Contains(got, "# it did not end by itself: ") {
		t.Error(got)
	}
}

func TestHowItIsCalled(t *testing.T) {
	for _, args := range [][]string{{}, {"-nonsense"}} {
		var out strings.Builder
		if exit := judge(t.Context(), args, &out); exit != 2 || !strings.Contains(out.String(), "usage: conformance") {
			t.Errorf("%q: %d %s", args, exit, out.String())
		}
	}
}

func TestPerfdata(t *testing.T) {
	for text, want := range map[string]string{
		"/=382MB;15264;15269;0;32768":                    "",
		"/var/long@:-/filesystem/name=218MB;9443;9448":   "",
		"'page file'=36%;80;90;":                         "",
		"'data'=5;;;;":                                   "",
		"offset=-0.004476s;-60.000000:-5;-120:-3;":       "",
		"load1=0.000;5.000;9.000;0; load5=0;~:23.5;@1:2": "",
		"time=U;5":                   "",
		"'C:\\ Label:  x'=8MB end=5": "",
		"rubbish":                    `"rubbish" is not label=value[UOM];warn;crit;min;max`,
		"rta=&391ms;100":             `"rta=&391ms;100" is not label=value[UOM];warn;crit;min;max`,
		"time=1800,600,300":          `"time=1800,600,300" is not label=value[UOM];warn;crit;min;max`,
		"a=1;:":                      `"a=1;:": ":" is no range`,
		"a=1;1:2:3":                  `"a=1;1:2:3": "1:2:3" is no range`,
		"a=1;;;x":                    `"a=1;;;x": "x" is no number`,
		"a=1 a=2":                    "a is there twice",
		"":                           "a pipe, and nothing behind it",
	} {
		if got := perfdata(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPerfdataOfOtherSuites(t *testing.T) {
	text, err := os.ReadFile("testdata/perfdata.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		kind, data, _ := strings.Cut(line, " ")
		if wrong := perfdata(strings.TrimLeft(data, " ")); (wrong == "") != (kind == "good") {
			t.Errorf("%s: it is found %q", line, wrong)
		}
	}
	if rows < 40 {
		t.Errorf("only %d rows", rows)
	}
}

// Outputs that the tests of a library for plugins in Python compare its own with.
func TestOutputsOfOtherSuites(t *testing.T) {
	for output, want := range map[string]string{
		"FAKE OK":                                         "",
		"OK - check summary":                              "",
		"FAKE OK - utf-8 ümłäúts":                         "",
		"FAKE OK - PIPE  STATUS":                          "",
		"FAKE OK - check summary | bar=1s;2;3":            "",
		"FAKE OK - check summary | foo=1m;2;3 bar=1s;2;3": "performance data is as the guidelines have it",
		"FAKE OK - check summary\nhello world":            "",
		"FAKE OK - check summary\nhello world\n| foo=1":   "no pipe after the first line, where Nagios takes the rest for performance data",
		"FAKE OK - check summary | duration=340.4ms;500;1000;0 duration=340.4ms;500": "performance data is as the guidelines have it",
	} {
		plugin := shell(t, refusals+"cat <<'END' || exit 3\n"+output+"\nEND")
		_, broken := conform(t, "-ranges=false", plugin)
		if strings.Join(broken, "\n") != want {
			t.Errorf("%q: broken: %q, want %q", output, broken, want)
		}
	}
}
