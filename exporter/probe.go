package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/nagios"
	"milepost/lib/option"
	"milepost/lib/verdict"
)

// probeFlags are the options of the command probe.
type probeFlags struct {
	configOption `embed:""`
	Verbose      int           `short:"v" type:"counter" help:"More lines, as the plugins': -v stages, -vvv the exchange."`
	Output       nagios.Format `placeholder:"FORMAT" help:"nagios, json or prometheus."`
}

// probeCommand runs the checks of one host as the plugins would, with the
// settings of the inventory, and ends as they do.
func probeCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	var flags probeFlags
	operands, done, err := parse("probe", &flags, args, 1, 2, out)
	if err != nil || done {
		return int(verdict.Unknown), err
	}
	f, err := flags.load(kinds())
	if err != nil {
		return int(verdict.Unknown), err
	}
	checks, err := find(f, operands)
	if err != nil {
		return int(verdict.Unknown), err
	}
	status := verdict.OK
	for _, c := range checks {
		o := c.Run(ctx)
		status = verdict.Worst(status, o.Status)
		if err := nagios.Write(out, flags.Output, flags.Verbose, o); err != nil {
			return int(verdict.Unknown), fmt.Errorf("writing: %w", err)
		}
	}
	return int(status), nil
}

// find is the check, or all checks, of a host.
func find(f *fleet.Fleet, operands []string) ([]check.Check, error) {
	var hosts, names []string
	for _, h := range f.Hosts {
		hosts = append(hosts, h.Name)
		if h.Name != operands[0] {
			continue
		}
		if len(operands) == 1 {
			return h.Checks, nil
		}
		for _, c := range h.Checks {
			if c.Name == operands[1] {
				return []check.Check{c}, nil
			}
			names = append(names, c.Name)
		}
		return nil, fmt.Errorf("host %q has no check %q: it has %s", h.Name, operands[1], strings.Join(names, ", "))
	}
	if n := option.Nearest(operands[0], hosts); n != "" {
		return nil, fmt.Errorf("no host %q: did you mean %q?", operands[0], n)
	}
	return nil, fmt.Errorf("no host %q in the inventory", operands[0])
}
