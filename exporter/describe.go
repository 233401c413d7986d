package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"milepost/lib/option"
	"milepost/lib/version"
)

// describe prints every command with its options, for the programs that make the
// manual and the completions. Each command is asked as it would be for its help.
func describe(ctx context.Context, out, faults io.Writer) int {
	p := option.Program{
		Name: "milepost-exporter", Version: version.String(),
		About: "Runs the checks of a fleet of squid proxies on a schedule, counts what each user consumed, and tells Prometheus and the status page.",
	}
	for _, c := range commands() {
		var said bytes.Buffer
		if _, err := c.run(ctx, []string{option.DescribeFlag}, &said, faults); err != nil {
			fmt.Fprintf(faults, "milepost-exporter: describing %q: %v\n", c.name, err)
			return 1
		}
		command := option.Program{}
		if err := json.Unmarshal(said.Bytes(), &command); err != nil {
			fmt.Fprintf(faults, "milepost-exporter: describing %q: %v\n", c.name, err)
			return 1
		}
		command.About, command.Operands = c.about, c.usage
		p.Commands = append(p.Commands, command)
	}
	if err := p.Write(out); err != nil {
		return 1
	}
	return 0
}
