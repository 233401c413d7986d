// Package verdict decides what a measurement amounts to. It is the only place
// where a sample meets a limit.
package verdict

import (
	"errors"
	"fmt"
	"strings"

	"milepost/lib/metric"
)

// A Status is what a plugin's exit code says.
type Status int

// The states; their numbers are the exit codes.
const (
	OK Status = iota
	Warning
	Critical
	Unknown
)

// String is the status word in upper case.
func (s Status) String() string {
	if s < OK || s > Unknown {
		return "UNKNOWN"
	}
	return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s]
}

// MarshalText is the status word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the status word in any case, or the exit code.
func (s *Status) UnmarshalText(text []byte) error {
	for w := OK; w <= Unknown; w++ {
		if strings.EqualFold(w.String(), string(text)) || string(text) == fmt.Sprint(int(w)) {
			*s = w
			return nil
		}
	}
	return fmt.Errorf("state %q is none of ok, warning, critical, unknown", text)
}

// severity orders the states: a proven fault is not hidden by something that
// we failed to see, and "failed to see" is never OK.
func (s Status) severity() int {
	switch s {
	case OK:
		return 0
	case Warning:
		return 2
	case Critical:
		return 3
	default:
		return 1
	}
}

// Worse says that s outweighs t: CRITICAL > WARNING > UNKNOWN > OK.
func (s Status) Worse(t Status) bool { return s.severity() > t.severity() }

// Worst is the state that outweighs the others; OK of none.
func Worst(all ...Status) Status {
	w := OK
	for _, s := range all {
		if s.Worse(w) {
			w = s
		}
	}
	return w
}

// WorstFirst orders states for slices.SortFunc.
func WorstFirst(a, b Status) int {
	switch {
	case a.Worse(b):
		return -1
	case b.Worse(a):
		return 1
	default:
		return 0
	}
}

// A Finding is a sample and what was decided about it.
type Finding struct {
	metric.Sample
	Warning, Critical metric.Range // the ranges in force; zero = none
	Status            Status
}

// A Verdict is what a measurement amounts to.
type Verdict struct {
	Status   Status
	Fault    metric.Fault  // of the worst finding; "" if OK
	Reason   metric.Reason // of the worst finding; "" if OK
	Summary  string        // the sentences of the worst findings, then the report's text
	Doubt    string        // why what was not OK is not believed, as Summary begins then; "" = it is
	Decided  bool          // more of the same measurement cannot make it worse
	Findings []Finding     // in the report's order
	Stages   []metric.Stage
	Advice   []string
}

// Failed is the verdict on what we could not measure.
func Failed(err error) Verdict {
	v := Verdict{
		Status: Unknown, Fault: metric.FaultMonitor, Reason: metric.ReasonNotMeasured,
		Summary: err.Error(), Decided: true,
	}
	if b, ok := errors.AsType[*metric.Blamed](err); ok {
		v.Fault, v.Reason = b.Fault, b.Reason
	}
	return v
}

// Broken is the verdict on a measurement that was broken off: v is what its
// results amount to, why is what broke it off. A proven fault stands; what was
// not proven is why.
func Broken(v, why Verdict) Verdict {
	if v.Status == Warning || v.Status == Critical {
		if why.Status.Worse(v.Status) {
			v.Status, v.Fault, v.Reason = why.Status, why.Fault, why.Reason
		}
		v.Summary, v.Decided = join(v.Summary, why.Summary), true
		return v
	}
	why.Findings, why.Stages, why.Advice = v.Findings, v.Stages, v.Advice
	return why
}

// Doubt is v as far as someone who may be wrong himself can say it: a success
// counts, everything else is UNKNOWN and nobody's proven fault.
func Doubt(v Verdict, why string, reason metric.Reason) Verdict {
	if v.Status == OK {
		return v
	}
	d := v
	d.Status, d.Fault, d.Reason = Unknown, metric.FaultMonitor, reason
	d.Summary, d.Doubt = join(why, v.Summary), why
	d.Findings = make([]Finding, len(v.Findings))
	for i, f := range v.Findings {
		if f.Status != OK {
			f.Status = Unknown
		}
		d.Findings[i] = f
	}
	return d
}

// join puts sentences beside each other, each once.
func join(sentences ...string) string {
	var all []string
next:
	for _, s := range sentences {
		if s == "" {
			continue
		}
		for _, seen := range all {
			if seen == s {
				continue next
			}
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}
