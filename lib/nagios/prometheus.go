package nagios

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// writePrometheus writes the text exposition format, version 0.0.4, of the same
// families as the exporter's. It is written here, and not by a library, so that
// a plugin does not carry one: a test holds both equal.
func writePrometheus(w io.Writer, outs []check.Outcome) {
	var page families
	for _, o := range outs {
		at := []string{"host", o.Host, "check", o.Check}
		page.add("check_status", "Latest verdict: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", metric.Gauge, float64(o.Status), at)
		for s := verdict.OK; s <= verdict.Unknown; s++ {
			on := 0.0
			if s == o.Status {
				on = 1
			}
			page.add("check_state", "Latest verdict, one series a state: 1 for the state it is in.", metric.Gauge, on,
				append(slices.Clone(at), "state", strings.ToLower(s.String())))
		}
		page.add("check_last_run_timestamp_seconds", "When the latest run ended.", metric.Gauge, float64(o.At.UnixMilli())/1000, at)
		page.add("check_duration_seconds", "How long the latest run took.", metric.Gauge, o.Took.Seconds(), at)
		page.add("check_info", "Whose fault the latest verdict is; empty if nobody's.", metric.Gauge, 1,
			append(slices.Clone(at), "fault", string(o.Fault)))
		for _, f := range o.Findings {
			if f.Metric != "" {
				page.add(f.Metric, f.Help, f.Kind, f.Base(), append([]string{"host", o.Host}, f.Labels...))
			}
		}
	}
	page.write(w)
}

// families are metrics in order of appearance, the series of a family together.
type families struct {
	order []string
	text  map[string]*strings.Builder
}

func (f *families) add(name, help string, kind metric.Kind, value float64, labels []string) {
	name = "milepost_" + name
	b := f.text[name]
	if b == nil {
		b = &strings.Builder{}
		if f.text == nil {
			f.text = map[string]*strings.Builder{}
		}
		f.text[name] = b
		f.order = append(f.order, name)
		kindWord := "gauge"
		if kind == metric.Counter {
			kindWord = "counter"
		}
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, escape(help, false), name, kindWord)
	}
	b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		fmt.Fprintf(b, "%s%s=\"%s\"", sep, labels[i], escape(labels[i+1], true))
	}
	if len(labels) > 1 {
		b.WriteByte('}')
	}
	fmt.Fprintf(b, " %s\n", number(value))
}

func (f *families) write(w io.Writer) {
	for _, name := range f.order {
		_, _ = io.WriteString(w, f.text[name].String())
	}
}

// number spells v as the format does: it knows NaN, +Inf and -Inf.
func number(v float64) string {
	switch s := fmt.Sprint(v); s {
	case "NaN", "+Inf", "-Inf":
		return s
	default:
		return metric.Format(v)
	}
}

func escape(s string, quoted bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, `\`, `\\`)
	s = strings.ReplaceAll(s, "\n", `\n`)
	if quoted {
		s = strings.ReplaceAll(s, `"`, `\"`)
	}
	return s
}
