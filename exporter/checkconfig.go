package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"milepost/lib/crew"
	"milepost/lib/fleet"
)

// checkConfig is the command: every fault on a line of its own, and what is no fault but
// not what somebody would want.
func checkConfig(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	var flags configOption
	files, done, err := parse("check-config", &flags, args, 0, 1, out)
	if err != nil || done {
		return exitOf(err), err
	}
	switch {
	case len(files) == 1 && flags.ConfigFile == "":
		flags.ConfigFile = files[0]
	case len(files) == 1:
		return 1, errors.New("one file is checked at a time: give FILE or --config.file")
	case flags.ConfigFile == "":
		return 1, fmt.Errorf("which file? %w", errUsage)
	}
	f, err := readUntil(ctx, flags)
	if err != nil {
		fmt.Fprintln(faults, err)
		return 1, nil
	}
	fmt.Fprintf(out, "%s: %s\n", flags.ConfigFile, f.Describe())
	for _, note := range notes(f) {
		fmt.Fprintf(out, "%s: %s\n", flags.ConfigFile, note)
	}
	return 0, nil
}

// readUntil reads the inventory, which may come over a pipe that says nothing, until ctx
// ends. Then the reading is left behind with what it may still find, which nobody takes:
// no deadline ends it, and the process ends soon.
func readUntil(ctx context.Context, flags configOption) (*fleet.Fleet, error) {
	type result struct {
		fleet *fleet.Fleet
		err   error
	}
	read := make(chan result, 1)
	var reading crew.Crew
	reading.Go(func() {
		defer close(read) // a panic, too, is waited for no longer
		f, err := flags.load(served())
		read <- result{f, err}
	})
	select {
	case found := <-read:
		reading.Wait()
		return found.fleet, found.err
	case <-ctx.Done():
		return nil, fmt.Errorf("reading inventory %q: interrupted", flags.ConfigFile)
	}
}
