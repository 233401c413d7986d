package resolver

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"milepost/lib/metric"
)

// Report tells of each resolver its time, how many tests failed, and a flag for
// everything that the tests could find.
func (r Result) Report() metric.Report {
	if len(r.Resolvers) == 0 {
		return metric.Report{}
	}
	report := metric.Report{Text: r.text()}
	for i, s := range r.Resolvers {
		report.Samples = append(report.Samples, s.numbers()...)
		report.Samples = append(report.Samples, s.flags()...)
		if r.File != nil {
			report.Samples = append(report.Samples, r.File.samples(s.Of, i == 0)...)
		}
		report.Stages = append(report.Stages, s.Stages...)
	}
	report.Stages = append(report.Stages, r.References...)
	if f := r.File; f != nil {
		report.Stages = append(report.Stages, f.Stages...)
		report.Stages = append(report.Stages, f.stage())
		if f.Wanted {
			report.Advice = f.advice()
		}
	}
	return report
}

// text counts what was done: `resolver "ns1": 7 tests, 0 failed, first answer in 0.21 ms`.
func (r Result) text() string {
	var tests, failed int
	var slowest time.Duration
	for _, s := range r.Resolvers {
		tests, failed, slowest = tests+s.Tests, failed+s.Failed, max(slowest, s.Time)
	}
	who, answer := fmt.Sprintf("resolver %q", r.Resolvers[0].Name), "first answer"
	if len(r.Resolvers) > 1 {
		who, answer = fmt.Sprintf("%d resolvers", len(r.Resolvers)), "slowest first answer"
	}
	parts := []string{fmt.Sprintf("%s: %s, %d failed", who, count(tests, "test"), failed)}
	if slowest > 0 {
		parts[0] += fmt.Sprintf(", %s in %s", answer, milliseconds(slowest))
	}
	if r.Unknown {
		parts = append(parts, "only random names were asked for (no --query)")
	}
	if r.File != nil && r.File.text() != "" {
		parts = append(parts, r.File.text())
	}
	return strings.Join(parts, "; ")
}

// count is n of something: "1 test", "2 tests".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// milliseconds is d for a person, who reads two decimals.
func milliseconds(d time.Duration) string {
	ms := math.Round(float64(d)/float64(10*time.Microsecond)) / 100
	return strconv.FormatFloat(ms, 'f', -1, 64) + " ms"
}

// numbers are the samples of perfdata, and whether the resolver is there.
func (s Resolver) numbers() []metric.Sample {
	labels := []string{"resolver", s.Name}
	value, up := metric.NaN(), 0.0
	if s.Time > 0 {
		value = s.Time.Seconds()
	}
	if s.Answered {
		up = 1
	}
	return []metric.Sample{
		{
			Name: "time", Of: s.Of, Metric: "resolver_duration_seconds", Labels: labels,
			Help: "Time of the resolver's answer to the first question over UDP.",
			Unit: metric.Seconds, Value: value, Fault: metric.FaultResolver, Reason: metric.ReasonSlow,
			Text: "slow: first answer in " + milliseconds(s.Time),
		},
		{Name: "failed", Of: s.Of, Value: float64(s.Failed)},
		{Name: "tests", Of: s.Of, Value: float64(s.Tests)},
		{Of: s.Of, Metric: "resolver_up", Labels: labels, Help: "Whether the resolver answered anything.", Value: up},
	}
}

// flags are what the tests could find, each with the first sentence of those that did.
func (s Resolver) flags() []metric.Sample {
	var samples []metric.Sample
	for _, flag := range []string{noAnswer, notRecursive, hijack, outage, wrongAnswer, noTCP, noDNSSEC, disagrees, ttlStuck} {
		if !slices.Contains(s.Judged, flag) {
			continue
		}
		text, n := "", 0
		for _, f := range s.Faults {
			if f.Flag != flag {
				continue
			}
			if n++; n == 1 {
				text = f.Text
			}
		}
		if n > 1 {
			text += fmt.Sprintf(" (%d tests)", n)
		}
		sample := metric.Flag(flag, n > 0, metric.FaultResolver, metric.ReasonProxyResolver, text)
		sample.Of, sample.Metric, sample.Labels = s.Of, "resolver_test_failed", []string{"resolver", s.Name, "test", flag}
		sample.Help = "Whether a test of the resolver found this."
		samples = append(samples, sample)
	}
	return samples
}
