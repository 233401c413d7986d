package nagios

import (
	"fmt"
	"io"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/option"
)

// writeMore writes the lines after the first that -v asks for.
func writeMore(w io.Writer, outs []check.Outcome, verbose int, options *option.Options) {
	if verbose < 1 {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintln(w, plain(fmt.Sprintf(format, args...))) }
	for _, o := range outs {
		if len(outs) > 1 {
			line("[%v] %s: %s", o.Status, o.Host, o.Summary)
		}
		for _, s := range o.Stages {
			if verbose > 1 || s.Took > 0 || s.Said == "" {
				line("stage: %s: %v", s.Doing, round(s.Took))
			}
			if verbose > 2 {
				for said := range strings.Lines(s.Said) {
					fmt.Fprintln(w, "    "+plain(said))
				}
			}
		}
		for _, a := range o.Advice {
			line("hint: %s", a)
		}
	}
	if verbose < 2 || options == nil {
		return
	}
	for opt := range options.All() {
		from := opt.From
		if from == "" {
			from = "default"
		}
		if opt.Value == "" {
			opt.Value = "(none)"
		}
		line("option: %s = %s (%s)", opt.Name, opt.Value, from)
	}
}

// round is d in digits that a person reads.
func round(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
