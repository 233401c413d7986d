// Package nagios spells outcomes as a monitoring plugin does (text, performance
// data, JSON, Prometheus text, exit code) and holds the runner that the main of
// every plugin calls.
package nagios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/option"
	"milepost/lib/verdict"
	"milepost/lib/version"
)

// A Plugin is a check with what its help says of it.
type Plugin struct {
	check.Kind
	About string // one or two sentences
}

// name is the program's: "check_clock_offset".
func (p Plugin) name() string { return "check_" + p.Kind.Name }

// Common are the options that every check has.
type Common struct {
	Hostname  []string `short:"H" sep:"none" placeholder:"HOST" help:"Host to check, by name or address; may be given again."`
	Timeout   Timeout  `short:"t" placeholder:"SECONDS[:STATE]" help:"Wall time of the whole run, and the state (warning, critical, unknown) of a run that was not done by then."`
	Verbose   int      `short:"v" type:"counter" help:"More lines: -v stages and their times, -vv the options in force, -vvv the exchange."`
	IPv4      bool     `name:"ipv4" short:"4" help:"Use the host's IPv4 addresses only."`
	IPv6      bool     `name:"ipv6" short:"6" help:"Use the host's IPv6 addresses only."`
	Output    Format   `placeholder:"FORMAT" help:"nagios, json or prometheus: the same verdict in another spelling."`
	Fleet     string   `placeholder:"FILE" help:"Take the host's address, options and limits from this inventory."`
	FleetHost string   `placeholder:"NAME" help:"The host's name in the inventory."`
	ExtraOpts []string `sep:"none" placeholder:"[SECTION][@FILE]" help:"Take options from an ini file, as the Monitoring Plugins do."`
	Supervise bool     `help:"Run the check in a child process, so that even a crash of the runtime is UNKNOWN; costs a second start."`
	SelfTest  bool     `help:"Say what the check needs on this machine and how to mend what is missing."`
	Help      bool     `short:"h" help:"Show this help."`
	Version   bool     `short:"V" help:"Show the version."`
}

// defaults are the common options' values where nobody says otherwise.
func defaults() Common {
	return Common{Timeout: Timeout{After: 10 * time.Second}, Output: FormatNagios}
}

// grace is how long after -t a check may take to stop by itself before the
// runner answers without it.
const grace = 80 * time.Millisecond

// Main runs a plugin: args are the program's arguments without its name. The
// result is the exit code, never anything but 0, 1, 2 or 3.
func Main(args []string, stdout io.Writer, p Plugin) (exit int) {
	runtime.GOMAXPROCS(1) // a check waits: threads that wake each other cost it an eighth of its CPU time
	r := &run{Plugin: p, args: args, in: os.Stdin, out: stdout, began: time.Now(), common: defaults()}
	return Guard(stdout, r.main, r.end)
}

// A run is one run of a plugin.
type run struct {
	Plugin
	args    []string
	in      io.Reader
	piped   []byte // what in said, if it was read; nil = it was not
	out     io.Writer
	began   time.Time
	common  Common
	config  any
	options *option.Options
}

func (r *run) main(ctx context.Context) int {
	r.config = r.Default()
	r.options = option.New(&r.common, r.config)
	if slices.Contains(r.args, option.DescribeFlag) {
		return r.describe()
	}
	target, late, err := r.configured(ctx)
	switch {
	case late != nil:
		return late.end(err)
	case r.common.Help:
		return r.help()
	case r.common.Version:
		return r.print(fmt.Sprintf("%s %s\n", r.name(), version.String()), verdict.Unknown)
	case err != nil:
		return r.end(fmt.Errorf("usage: %w (%s --help says more)", err, r.name()))
	case r.common.Supervise:
		return r.supervise(ctx)
	}
	checks, err := r.checks(target)
	if err != nil {
		return r.end(fmt.Errorf("usage: %w", err))
	}
	if r.common.SelfTest {
		return r.selfTest(ctx, checks)
	}
	outs := r.runAll(ctx, checks)
	page, status := r.spell(outs)
	return r.print(page, status)
}

// checks are the check bound to each host.
func (r *run) checks(fromFleet metric.Target) ([]check.Check, error) {
	c := r.common
	network := "ip"
	switch {
	case c.IPv4 && c.IPv6:
		return nil, errors.New("-4 and -6 exclude each other")
	case c.IPv4:
		network = "ip4"
	case c.IPv6:
		network = "ip6"
	}
	var targets []metric.Target
	seen := map[string]bool{}
	for _, h := range c.Hostname {
		if h == "" {
			return nil, errors.New("-H: the host is empty")
		}
		if !seen[h] {
			t := fromFleet
			t.Address = h
			if t.Name == "" || len(c.Hostname) > 1 {
				t.Name = h
			}
			targets = append(targets, t)
		}
		seen[h] = true
	}
	switch {
	case len(targets) > 0:
	case fromFleet.Name != "":
		targets = []metric.Target{fromFleet}
	case r.IsLocal:
		targets = []metric.Target{{Name: "localhost"}}
	case c.SelfTest:
		targets = []metric.Target{{Name: "127.0.0.1", Address: "127.0.0.1"}}
	default:
		return nil, errors.New("no host: give one with -H HOST")
	}
	var checks []check.Check
	for _, t := range targets {
		bound, err := r.Bind(r.config, t)
		if err != nil {
			return nil, err
		}
		bound.Timeout, bound.OnTimeout, bound.Network = c.Timeout.After, c.Timeout.State, network
		checks = append(checks, bound)
	}
	return checks, nil
}

// end prints why there is no verdict. Only what took too long is what -t says.
func (r *run) end(why error) int {
	o := check.Outcome{Check: r.Kind.Name, At: time.Now(), Took: time.Since(r.began), Verdict: verdict.Failed(why)}
	if errors.Is(why, context.DeadlineExceeded) && r.common.Timeout.State != verdict.OK {
		o.Status = r.common.Timeout.State
	}
	page, status := r.spell([]check.Outcome{o})
	return r.print(page, status)
}

// spell is the outcomes in the format that was asked for.
func (r *run) spell(outs []check.Outcome) (string, verdict.Status) {
	var b strings.Builder
	write(&b, r.Kind.Name, r.common.Output, r.common.Verbose, r.options, outs)
	return b.String(), worst(outs)
}

// Write spells the outcomes of one check as its plugin would.
func Write(w io.Writer, f Format, verbose int, outs ...check.Outcome) error {
	var b strings.Builder
	write(&b, outs[0].Check, f, verbose, nil, outs)
	_, err := io.WriteString(w, b.String())
	return err
}

func write(b *strings.Builder, name string, f Format, verbose int, options *option.Options, outs []check.Outcome) {
	switch f {
	case FormatJSON:
		writeJSON(b, name, outs)
	case FormatPrometheus:
		writePrometheus(b, outs)
	default:
		b.WriteString(firstLine(name, outs) + "\n")
		writeMore(b, outs, verbose, options)
	}
}

// print writes the page while the time of -t lasts, and a little longer.
func (r *run) print(page string, status verdict.Status) int {
	return Deliver(r.out, page, status, max(time.Until(r.began.Add(r.common.Timeout.After+grace)), grace))
}

// help is the manual in short. It exits 3, as the guidelines want: a check that
// was not run is not OK.
func (r *run) help() int {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage: %s", r.name(), r.About, r.name())
	if !r.IsLocal {
		b.WriteString(" -H HOST")
	}
	b.WriteString(" [-w RANGE] [-c RANGE] [-t SECONDS] [-v...] [options]\n\n")
	common := defaults()
	option.New(&common, r.Default()).Help(&b)
	b.WriteString("\nRANGE is [@][start:]end: outside alerts, with @ inside; 10 is 0 to 10, 10: is 10 or more, ~:10 is 10 or less.\n" +
		"Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (and this help).\n")
	return r.print(b.String(), verdict.Unknown)
}
