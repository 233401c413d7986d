package nagios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/option"
)

// configured is configure in the time that the run has: an ini file may be a pipe that
// nobody writes to, an inventory on a file server that is gone. If that time is up, or a
// signal comes, late is a run that is left to say so; the one that is stuck is not
// looked at any more.
func (r *run) configured(ctx context.Context) (_ metric.Target, late *run, _ error) {
	type result struct {
		metric.Target
		err error
	}
	spare := &run{Plugin: r.Plugin, out: r.out, began: r.began, common: defaults()}
	spare.common.Output = formatIn(r.args)
	if words, _, err := r.options.Words(joinExtraOpts(r.args)); err == nil {
		_ = spare.common.Timeout.UnmarshalText([]byte(last(words, nil, "timeout"))) // configure tells what is wrong with it
	}
	done := make(chan result, 1)
	var reading crew.Crew
	reading.Go(func() {
		defer close(done) // of a panic, too
		t, err := r.configure()
		done <- result{t, err}
	})
	limit := time.NewTimer(time.Until(r.began.Add(spare.common.Timeout.After)))
	defer limit.Stop()
	select {
	case got := <-done:
		reading.Wait()
		return got.Target, nil, got.err
	case <-ctx.Done():
		return metric.Target{}, spare, fmt.Errorf("interrupted by %w while reading the options", context.Cause(ctx))
	case <-limit.C:
		return metric.Target{}, spare, lateError(fmt.Sprintf("timed out after %v while reading the options: is a file among them a pipe, or on a file server?", spare.common.Timeout.After))
	}
}

// A lateError says that -t is over.
type lateError string

// Error is the text.
func (e lateError) Error() string { return string(e) }

// Unwrap makes it a timeout.
func (lateError) Unwrap() error { return context.DeadlineExceeded }

// configure sets the options from all their places, the weakest first: the
// inventory, ini files, the environment, the command line. The target is the
// inventory's, if it is asked.
func (r *run) configure() (metric.Target, error) {
	r.common.Output = formatIn(r.args) // of faults in what follows, too
	words, operands, err := r.options.Words(joinExtraOpts(r.args))
	if err != nil {
		return metric.Target{}, err
	}
	if len(operands) > 0 {
		return metric.Target{}, fmt.Errorf("unexpected argument %q: a host is given with -H", operands[0])
	}
	ini, err := r.extraOpts(words)
	if f := Format(last(words, ini, "output")); f.known() {
		r.common.Output = f
	}
	if err != nil {
		return metric.Target{}, err
	}
	var target metric.Target
	file, host := last(words, ini, "fleet"), last(words, ini, "fleet-host")
	switch {
	case file != "": // which may name one host only, the one that is meant
		if target, err = fleet.Options(file, host, r.Kind, r.options); err != nil {
			return metric.Target{}, err
		}
	case host != "":
		return metric.Target{}, errors.New("--fleet-host is a name in the file of --fleet, which is not given")
	}
	for _, w := range ini {
		if err := r.options.Put(w.Name, w.from, w.Values...); err != nil {
			return metric.Target{}, fmt.Errorf("%s: %w", w.from, err)
		}
	}
	if err := r.options.Environment(); err != nil {
		return metric.Target{}, err
	}
	for _, w := range words {
		if w.Name == "extra-opts" && slices.Equal(w.Values, []string{""}) {
			continue // the usual section of the usual file
		}
		if err := r.options.Put("--"+w.Name, option.CommandLine, w.Values...); err != nil {
			return metric.Target{}, err
		}
	}
	return target, nil
}

// last is the value of the option that counts: the command line's last one,
// else the ini files' last one.
func last(words []option.Word, ini []iniWord, name string) (value string) {
	for _, w := range ini {
		if w.Name == name && len(w.Values) > 0 {
			value = w.Values[0]
		}
	}
	for _, w := range words {
		if w.Name == name && len(w.Values) > 0 {
			value = w.Values[0]
		}
	}
	return value
}
