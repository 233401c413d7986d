// milepost-exporter runs milepost's checks on a schedule, counts what each squid
// user consumed, and tells Prometheus and the status page.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"milepost/lib/option"
	"milepost/lib/version"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// A command is one thing that the exporter does.
type command struct {
	name  string
	usage string // its operands
	about string
	run   func(ctx context.Context, args []string, out, faults io.Writer) (exit int, err error)
}

func commands() []command {
	return []command{
		{"serve", "[options]", "Run the checks, count, and serve the results (the default).", serveCommand},
		{"check-config", "FILE", "Show every fault of an inventory with its line and column.", checkConfig},
		{"reload", "[options]", "Let the exporter that runs read its inventory again, and say what it found wrong.", reloadCommand},
		{"probe", "HOST [CHECK]", "Run one check, or all, with the inventory's own settings.", probeCommand},
		{"why", "HOST", "Show what a host is, by what evidence, and its last changes.", whyCommand},
		{"maintenance", "start HOST... | end WINDOW... | list", "Announce work on hosts, end it, and list what is announced.", maintenanceCommand},
		{"drill", "--yes --break PART", "Prove that this monitor shows grey, neither red nor green, when a part of it breaks.", drillCommand},
		{"usage", "[options] [forget USER]", "Show who used how much; or put a pseudonym in the place of a name.", usageCommand},
		{"generate", "nagios|icinga2|prometheus|prometheus-limits|nrpe|hosts|proxy|host-status", "Write what another system wants to know of the inventory.", generateCommand},
		{"ledger", "check|backup FILE|adopt ID|schema", "Look after the ledger: is it whole, copy it while it is written, let it take another's place in the fleet's, print the SQL of the fleet's.", ledgerCommand},
		{"canary", "[options]", "Be an origin that answers with the address it was asked from.", canaryCommand},
		{"version", "", "Say which milepost this is.", versionCommand},
		{"help", "[COMMAND]", "Show what there is, or the options of a command.", helpCommand},
	}
}

// errUsage is wrapped by errors about the command line itself.
var errUsage = errors.New("see milepost-exporter --help")

// run is the program. Usage errors end with 1, as those of its users' scripts do, and so
// does output that could not be written.
func run(args []string, out, faults io.Writer) int {
	if len(args) > 0 && args[0] == "probe" { // which ends as a plugin does
		return probe(args[1:], out)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	page := &written{w: out}
	exit := dispatch(ctx, args, page, faults)
	if page.err != nil {
		fmt.Fprintf(faults, "milepost-exporter: writing the output: %v\n", page.err)
		return 1
	}
	return exit
}

// dispatch runs the command that is meant.
func dispatch(ctx context.Context, args []string, out, faults io.Writer) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	} else if len(args) > 0 {
		switch args[0] {
		case "-h", "--help":
			name, args = "help", nil
		case option.DescribeFlag:
			return describe(ctx, out, faults)
		case "-V", "--version":
			name, args = "version", nil
		}
	}
	c, err := commandOf(name)
	if err != nil {
		fmt.Fprintf(faults, "milepost-exporter: %v\n", err)
		return 1
	}
	exit, err := c.run(ctx, args, out, faults)
	if err != nil {
		fmt.Fprintf(faults, "milepost-exporter %s: %v\n", name, err)
	}
	return exit
}

// commandOf is the command of that name.
func commandOf(name string) (command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	hint := "the commands are " + strings.Join(names, ", ")
	if n := option.Nearest(name, names); n != "" {
		hint = fmt.Sprintf("did you mean %q?", n)
	}
	return command{}, fmt.Errorf("no command %q: %s", name, hint)
}

// A written is a writer that remembers its first error: a report that a full disk
// swallowed is no success.
type written struct {
	w   io.Writer
	err error
}

// Write writes while that goes well.
func (w *written) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(p)
	w.err = err
	return n, err
}

func versionCommand(_ context.Context, args []string, out, _ io.Writer) (int, error) {
	var none struct{}
	if _, done, err := parse("version", &none, args, 0, 0, out); err != nil || done {
		return exitOf(err), err
	}
	fmt.Fprintf(out, "milepost-exporter %s\n", version.String())
	return 0, nil
}

func helpCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	var none struct{}
	names, done, err := parse("help", &none, args, 0, 1, out)
	if err != nil || done {
		return exitOf(err), err
	}
	if len(names) == 0 {
		help(out)
		return 0, nil
	}
	c, err := commandOf(names[0])
	if err != nil {
		return 1, err
	}
	_, err = c.run(ctx, []string{"--help"}, out, faults)
	return exitOf(err), err
}

func help(w io.Writer) {
	fmt.Fprint(w, "milepost-exporter: monitoring for fleets of squid proxies\n\nUsage: milepost-exporter [COMMAND] [options]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s\n%s", strings.TrimSpace(c.name+" "+c.usage), option.Wrap(c.about, "        ", 79))
	}
	fmt.Fprint(w, "\nOptions of serve:\n\n")
	flags := defaultFlags()
	option.New(&flags).Help(w)
	fmt.Fprint(w, "\nmilepost-exporter COMMAND --help shows the options of a command.\n")
}

// parse reads a command's options and operands: at least and at most so many. It
// says done if the help was wanted, and shown.
func parse(name string, config any, args []string, least, most int, out io.Writer) (operands []string, done bool, err error) {
	options := option.New(config)
	for _, a := range args {
		if a == option.DescribeFlag {
			return nil, true, option.Program{Name: name, Options: options.Describe()}.Write(out)
		}
		if a == "--help" || a == "-h" {
			for _, c := range commands() {
				if c.name == name {
					fmt.Fprintf(out, "milepost-exporter %s %s\n\n%s\n", c.name, c.usage, c.about)
				}
			}
			options.Help(out)
			return nil, true, nil
		}
	}
	if err := options.Environment(); err != nil {
		return nil, false, err
	}
	operands, err = options.Parse(args)
	if err == nil && (len(operands) < least || len(operands) > most) {
		err = fmt.Errorf("%d operands were given: %w", len(operands), errUsage)
		if i := slices.IndexFunc(commands(), func(c command) bool { return c.name == name }); i >= 0 {
			err = fmt.Errorf("%d operands were given: write milepost-exporter %s %s", len(operands), name, commands()[i].usage)
		}
	}
	return operands, false, err
}
