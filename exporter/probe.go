package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/nagios"
	"milepost/lib/schedule"
	"milepost/lib/verdict"
)

// probeFlags are the options of the command probe.
type probeFlags struct {
	configOption `embed:""`
	Verbose      int           `short:"v" type:"counter" help:"More lines, as the plugins': -v stages, -vvv the exchange."`
	Output       nagios.Format `placeholder:"FORMAT" help:"nagios, json or prometheus."`
}

// readerPatience is how long the reader of a plugin's output may take to take it.
const readerPatience = 10 * time.Second

// probe is the command as a program of its own, which ends as a plugin does, whatever
// happens to it.
func probe(args []string, out io.Writer) int {
	deliver := func(page string, exit int) int {
		return nagios.Deliver(out, page, verdict.Status(exit), readerPatience)
	}
	return nagios.Guard(out, func(ctx context.Context) int {
		var page strings.Builder
		exit, err := probeCommand(ctx, args, &page, nil)
		if err != nil {
			fmt.Fprintf(&page, "PROBE UNKNOWN: %v\n", err)
		}
		return deliver(page.String(), exit)
	}, func(broken error) int {
		return deliver(fmt.Sprintf("PROBE UNKNOWN: %v\n", broken), int(verdict.Unknown))
	})
}

// probeCommand runs the checks of one host as the plugins would, with the
// settings of the inventory: what kept it from running them is on out, too, for NRPE
// drops the rest.
func probeCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	var flags probeFlags
	operands, done, err := parse("probe", &flags, args, 1, 2, out)
	if done {
		return int(verdict.Unknown), err
	}
	var outs []check.Outcome
	if err == nil {
		outs, err = flags.outcomes(ctx, operands)
	}
	if err != nil {
		outs = []check.Outcome{unmeasured(operands, err)}
	}
	if len(operands) == 2 {
		err = nagios.Write(out, flags.Output, flags.Verbose, outs...)
		return int(outs[0].Status), err
	}
	status, err := nagios.WriteEach(out, flags.Output, flags.Verbose, outs)
	return int(status), err
}

// outcomes are those of the checks that the operands name.
func (flags probeFlags) outcomes(ctx context.Context, operands []string) ([]check.Outcome, error) {
	f, err := flags.load(kinds())
	if err != nil {
		return nil, err
	}
	checks, err := find(f, operands)
	if err != nil {
		return nil, err
	}
	return believed(ctx, f, checks)
}

// unmeasured is in the place of the outcomes that there are none of.
func unmeasured(operands []string, why error) check.Outcome {
	o := check.Outcome{Check: "probe", At: time.Now(), Verdict: verdict.Failed(why)}
	if len(operands) > 0 {
		o.Host = operands[0]
	}
	if len(operands) > 1 {
		o.Check = operands[1]
	}
	return o
}

// believed runs the checks between two looks at this monitor itself, as serve does:
// what its own resolver or route broke is nobody else's fault.
func believed(ctx context.Context, f *fleet.Fleet, checks []check.Check) ([]check.Outcome, error) {
	checker, err := newChecker(f, "")
	if err != nil {
		return nil, err
	}
	var board schedule.Board
	look := func() {
		s := checker.Now(ctx)
		board.Doubt(s.Why, s.Reason, s.At)
	}
	look()
	var outs []check.Outcome
	bad := false
	for _, c := range checks {
		c.Lookup = checker.Lookup
		o := nagios.Stopped(ctx, c.Run(ctx))
		bad = bad || o.Status != verdict.OK
		outs = append(outs, board.Post(o))
	}
	if bad {
		look()
	}
	for i, o := range outs {
		outs[i] = board.Believe(o)
	}
	return outs, nil
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
	return nil, noHost(operands[0], hosts)
}
