package nagios

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"milepost/lib/option"
	"milepost/lib/verdict"
)

// Timeout is the value of -t: "10", "10s", "10:critical", ":critical".
type Timeout struct {
	After time.Duration
	State verdict.Status // of a run that was not done by then; OK = not given: UNKNOWN
}

// UnmarshalText reads SECONDS[:STATE]; the part that is left out stays as it is.
func (t *Timeout) UnmarshalText(text []byte) error {
	after, state, has := strings.Cut(string(text), ":")
	next := *t
	if after != "" || !has {
		d, err := option.ParseDuration(after)
		if err != nil {
			return err
		}
		if d <= 0 {
			return errors.New("a timeout is longer than 0")
		}
		if d > time.Hour {
			return fmt.Errorf("%v is longer than the hour that is allowed", d)
		}
		next.After = d
	}
	if has {
		if err := next.State.UnmarshalText([]byte(state)); err != nil {
			return fmt.Errorf("state %q is none of warning, critical, unknown", state)
		}
		if next.State == verdict.OK {
			return errors.New("what was not measured is never OK: write warning, critical or unknown")
		}
	}
	*t = next
	return nil
}

// String is what UnmarshalText reads.
func (t Timeout) String() string {
	if t.State == verdict.OK {
		return t.After.String()
	}
	return t.After.String() + ":" + strings.ToLower(t.State.String())
}

// A Format is how outcomes are spelled.
type Format string

// The formats of --output.
const (
	FormatNagios     Format = "nagios"
	FormatJSON       Format = "json"
	FormatPrometheus Format = "prometheus"
)

// UnmarshalText takes one of the formats.
func (f *Format) UnmarshalText(text []byte) error {
	if !Format(text).known() {
		return fmt.Errorf("format %q is none of nagios, json, prometheus", text)
	}
	*f = Format(text)
	return nil
}

func (f Format) known() bool {
	return f == FormatNagios || f == FormatJSON || f == FormatPrometheus
}

// formatIn is the format that arguments ask for which may have a fault elsewhere: who
// reads JSON reads the sentence about the fault in JSON.
func formatIn(args []string) Format {
	const option, shortest = "--output", "--ou"
	format := FormatNagios
	for i, a := range args {
		name, value, has := strings.Cut(a, "=")
		if !strings.HasPrefix(option, name) || len(name) < len(shortest) {
			continue
		}
		if !has && i+1 < len(args) {
			value = args[i+1]
		}
		if f := Format(value); f.known() {
			format = f
		}
	}
	return format
}
