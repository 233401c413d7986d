// conformance judges a monitoring plugin, anyone's, by what Nagios, Icinga and NRPE
// make of plugins: exit codes, the first line, performance data, ranges, signals, a
// standard output that is closed or full, and the time that -t gives. It prints TAP
// (Test Anything Protocol); README.md beside it says how to use it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() { os.Exit(judge(context.Background(), os.Args[1:], os.Stdout)) }

// options say how a plugin is started.
type options struct {
	slow    string        // arguments with which it waits for a silent peer, whose port is {port}
	value   string        // its option that says what was measured
	ranges  bool          // it has -w and -c
	longest time.Duration // what no run may take
	grace   time.Duration // what -t may be exceeded by
	line    int           // the longest first line, in bytes
	plugin  string
	args    []string
}

const usage = `usage: conformance [options] PLUGIN [ARGUMENT]...

PLUGIN with its arguments must be a run that measures something, whatever its state.
`

func judge(ctx context.Context, args []string, out io.Writer) int {
	var o options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { fmt.Fprint(out, usage); flags.PrintDefaults() }
	flags.StringVar(&o.slow, "slow", "", "arguments with which the plugin waits for a silent peer; {port} is the peer's, on 127.0.0.1: tests -t and signals")
	flags.StringVar(&o.value, "value", "", "option of the plugin that says what was measured: tests every range with every value")
	flags.BoolVar(&o.ranges, "ranges", true, "the plugin has -w and -c")
	flags.DurationVar(&o.longest, "longest", 30*time.Second, "what no run may take")
	flags.DurationVar(&o.grace, "grace", 500*time.Millisecond, "what -t may be exceeded by")
	flags.IntVar(&o.line, "line", 1023, "the longest first line in bytes, performance data included: NRPE 2 carries 1023")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	o.plugin, o.args = flags.Arg(0), flags.Args()[1:]
	t := &tap{out: out}
	for _, rule := range rules() {
		rule(ctx, o, t)
	}
	return t.end()
}

// A tap reports in the Test Anything Protocol, version 12.
type tap struct {
	out          io.Writer
	said, failed int
}

// ok reports one rule; why is what is wrong, "" if nothing is.
func (t *tap) ok(rule, why string) {
	t.said++
	word := "ok"
	if why != "" {
		t.failed++
		word = "not ok"
	}
	fmt.Fprintf(t.out, "%s %d - %s\n", word, t.said, rule)
	for line := range strings.Lines(why) {
		fmt.Fprintf(t.out, "# %s\n", strings.TrimRight(line, "\n"))
	}
}

// skip reports a rule that could not be tried.
func (t *tap) skip(rule, why string) {
	t.said++
	fmt.Fprintf(t.out, "ok %d - %s # SKIP %s\n", t.said, rule, why)
}

// end prints the plan; the result is the exit code.
func (t *tap) end() int {
	fmt.Fprintf(t.out, "1..%d\n", t.said)
	if t.failed > 0 {
		fmt.Fprintf(t.out, "# %d of %d rules broken\n", t.failed, t.said)
		return 1
	}
	return 0
}
