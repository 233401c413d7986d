package plugintest

import (
	"strings"
	"testing"
)

// Matches says that text is the pattern, in which "..." stands for anything.
func Matches(pattern, text string) bool {
	parts := strings.Split(pattern, "...")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	if len(parts) == 1 {
		return rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// Expect holds an answer against its exit code and its first line, a pattern, and
// against what every answer of a plugin must be: short enough for NRPE, without a
// pipe after the first line, and with performance data that Perfdata reads.
func (a Answer) Expect(tb testing.TB, exit int, first string) {
	tb.Helper()
	if a.Exit != exit || !Matches(first, a.First()) {
		tb.Errorf("\n got %d %s\nwant %d %s\nstderr %q", a.Exit, a.First(), exit, first, a.Errors)
	}
	const fitsNRPE = 1000
	if n := len(a.First()); n > fitsNRPE {
		tb.Errorf("the first line has %d bytes, more than %d: %s", n, fitsNRPE, a.First())
	}
	if _, more, _ := strings.Cut(a.Output, "\n"); strings.Contains(more, "|") {
		tb.Errorf("a pipe after the first line, where Nagios takes it for performance data:\n%s", more)
	}
	if text, perf, has := strings.Cut(a.First(), " | "); has {
		Perfdata(tb, perf)
	} else if strings.Contains(text, "|") {
		tb.Errorf("a pipe that is no beginning of performance data: %s", text)
	}
}
