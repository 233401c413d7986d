package nagios

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// budget is how long the first line may be, in bytes: NRPE's version 2 packets
// carry 1023.
const budget = 1000

// leastText is what remains of the text when the line is too long, in bytes,
// before performance data that matters is given up.
const leastText = 300

func worst(outs []check.Outcome) verdict.Status {
	status := verdict.OK
	for _, o := range outs {
		status = verdict.Worst(status, o.Status)
	}
	return status
}

// firstLine is "<CHECK> <STATUS>: <summary> | <perfdata>" within the budget.
func firstLine(name string, outs []check.Outcome) string {
	status := worst(outs)
	head := fmt.Sprintf("%s %v: ", strings.ToUpper(name), status)
	var perf []perfdatum
	var text string
	if len(outs) == 1 {
		text, perf = outs[0].Summary, perfdata("", outs[0])
	} else {
		text = summary(outs, status)
		for _, o := range outs {
			perf = append(perf, perfdata(label(o.Host)+"_", o)...)
		}
	}
	return fit(head, plain(text), perf)
}

// summary counts the hosts and tells what is the matter with the worst.
func summary(outs []check.Outcome, status verdict.Status) string {
	count := map[verdict.Status]int{}
	var worst []string
	for _, o := range outs {
		count[o.Status]++
		if o.Status == status && status != verdict.OK {
			worst = append(worst, o.Host+": "+o.Summary)
		}
	}
	var counts []string
	for _, s := range []verdict.Status{verdict.Critical, verdict.Warning, verdict.Unknown, verdict.OK} {
		if count[s] > 0 {
			counts = append(counts, fmt.Sprintf("%d %v", count[s], s))
		}
	}
	text := fmt.Sprintf("%d hosts: %s", len(outs), strings.Join(counts, ", "))
	if len(worst) > 0 {
		text += "; " + strings.Join(worst, "; ")
	}
	return text
}

// A perfdatum is one metric as perfdata spells it.
type perfdatum struct {
	text string
	rank int // its place in the report; -1 if a limit holds it, or if it is the first
}

func perfdata(prefix string, o check.Outcome) []perfdatum {
	var all []perfdatum
	for i, f := range o.Findings {
		if f.Name == "" || f.Kind == metric.IsFlag {
			continue
		}
		p := perfdatum{rank: i}
		if len(all) == 0 || !f.Warning.IsZero() || !f.Critical.IsZero() {
			p.rank = -1
		}
		if f.Of != "" {
			p.text = prefix + label(f.Of) + "_" + f.Name
		} else {
			p.text = prefix + f.Name
		}
		p.text += "=" + value(f)
		all = append(all, p)
	}
	return all
}

// value is "value[UOM];warn;crit;min;max" without idle semicolons at its end.
func value(f verdict.Finding) string {
	v := "U"
	if !math.IsNaN(f.Value) && !math.IsInf(f.Value, 0) {
		v = metric.Format(rounded(f)) + f.UOM()
	}
	v += ";" + f.Warning.String() + ";" + f.Critical.String()
	if f.Unit == metric.Percent {
		return v + ";0;100"
	}
	return strings.TrimRight(v, ";")
}

// rounded is the value without the digits that nobody measured: seconds to the
// microsecond, percent to a thousandth, what has no unit to six digits. Counts and
// bytes stay as they are.
func rounded(f verdict.Finding) float64 {
	switch {
	case f.Kind == metric.Counter || f.Unit == metric.Bytes || f.Value == math.Trunc(f.Value):
		return f.Value
	case f.Unit == metric.Seconds:
		return math.Round(f.Value*1e6) / 1e6
	case f.Unit == metric.Percent:
		return math.Round(f.Value*1e3) / 1e3
	default:
		const digits = 6
		scale := math.Pow(10, digits-1-math.Floor(math.Log10(math.Abs(f.Value))))
		if short := math.Round(f.Value*scale) / scale; !math.IsNaN(short) && !math.IsInf(short, 0) {
			return short
		}
		return f.Value
	}
}

// label is s with what would need quotes, or break a parser, replaced.
func label(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '=' || r == '\'' || r == '"' || r == '|' || r == ';' || r == utf8.RuneError,
			unicode.IsSpace(r), unicode.IsControl(r):
			return '_'
		default:
			return r
		}
	}, s)
}

// plain is s as it may stand in a plugin's line: no pipe, no line break, no
// control character, valid UTF-8.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '|':
			return '/'
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError:
			return -1
		default:
			return r
		}
	}, s)
	return strings.TrimSpace(s)
}

// fit brings a line within the budget: metrics without a limit go first, the
// last of the report before the others; then the text is cut; then metrics with
// a limit go, and the first of a report, which is what the check is about. The line
// says so.
func fit(head, text string, perf []perfdatum) string {
	l := line{head: head, text: text, perf: slices.Clone(perf)}
	for _, p := range perf {
		l.perfSize += len(" ") + len(p.text)
	}
	l.drop(0)
	l.cut(leastText)
	l.drop(-1)
	l.cut(0)
	return l.String()
}

// A line is a first line that is being brought within the budget.
type line struct {
	head, text string
	perf       []perfdatum // one that was dropped has no text
	perfSize   int         // of what is left of perf, in bytes
	trimmed    int         // how many were dropped
}

// over is by how many bytes the line is too long.
func (l *line) over() int {
	size := len(l.head) + len(l.text) + len(l.note()) + l.perfSize
	if l.perfSize > 0 {
		size += len(" |")
	}
	return size - budget
}

// note says that metrics are missing.
func (l *line) note() string {
	if l.trimmed == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %s trimmed)", l.trimmed, metrics(l.trimmed))
}

func metrics(n int) string {
	if n == 1 {
		return "metric"
	}
	return "metrics"
}

// drop drops metrics of at least that rank until the line fits: the highest rank
// first, and of one rank the last.
func (l *line) drop(rank int) {
	order := make([]int, 0, len(l.perf))
	for i, p := range l.perf {
		if p.rank >= rank && p.text != "" {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(l.perf[b].rank-l.perf[a].rank, b-a) })
	for _, i := range order {
		if l.over() <= 0 {
			return
		}
		l.perfSize -= len(" ") + len(l.perf[i].text)
		l.perf[i].text = ""
		l.trimmed++
	}
}

// cut shortens the text until the line fits, to no less than least bytes.
func (l *line) cut(least int) {
	if over := l.over(); over > 0 {
		l.text = cut(l.text, max(len(l.text)-over, min(least, len(l.text))))
	}
}

// String is the line.
func (l *line) String() string {
	var b strings.Builder
	b.WriteString(l.head + l.text + l.note())
	if l.perfSize > 0 {
		b.WriteString(" |")
	}
	for _, p := range l.perf {
		if p.text != "" {
			b.WriteString(" " + p.text)
		}
	}
	return b.String()
}

// cut is s in at most size bytes, with an ellipsis, between two letters.
func cut(s string, size int) string {
	const ellipsis = "..."
	if len(s) <= size {
		return s
	}
	size = max(size-len(ellipsis), 0)
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + ellipsis
}
