package hostdrift

import (
	"fmt"
	"slices"
	"strings"

	"milepost/lib/metric"
)

// The samples.
const (
	hostname          = "hostname"
	nameservers       = "nameservers"
	search            = "search"
	options           = "options"
	stall             = "stall"
	lookupsFail       = "lookups_fail"
	immutable         = "immutable"
	notImmutable      = "not_immutable"
	wallclock         = "wallclock"
	forbiddenPackages = "forbidden_packages"
	unlistedPackages  = "unlisted_packages"
	drifted           = "drifted"
)

// Report is a flag for each kind of drift that was looked for, and how many there are.
func (r Result) Report() metric.Report {
	if len(r.looks) == 0 {
		return metric.Report{}
	}
	var report metric.Report
	total, seen := 0, 0
	for _, l := range r.looks {
		if n := len(report.Stages); n == 0 || report.Stages[n-1].Doing != l.stage.Doing {
			report.Stages = append(report.Stages, l.stage)
		}
		if l.err != nil {
			report.Advice = append(report.Advice, l.err.Error())
			continue
		}
		seen++
		if l.drift != "" {
			total++
			report.Advice = append(report.Advice, l.drift+": "+l.mend)
		}
	}
	report.Samples = append([]metric.Sample{
		{Name: drifted, Metric: "host_drifts", Help: "How many things on this host are not as expected.", Value: float64(total), Fault: metric.FaultHost},
		{Name: "looked_at", Value: float64(seen)},
	}, r.flags()...)
	report.Text = r.text(total, seen)
	report.Advice = append(report.Advice, r.protect()...)
	for _, l := range r.looks { // at the end, for they are long
		if l.whole != "" {
			report.Advice = append(report.Advice, l.whole)
		}
	}
	return report
}

// flags are the kinds in the order they were looked for; a kind of which something
// could not be looked at is there only if another of it drifted.
func (r Result) flags() []metric.Sample {
	var order []string
	texts, blind := map[string][]string{}, map[string]bool{}
	for _, l := range r.looks {
		if l.flag == "" {
			continue
		}
		if _, known := texts[l.flag]; !known {
			order, texts[l.flag] = append(order, l.flag), nil
		}
		blind[l.flag] = blind[l.flag] || l.err != nil
		if l.drift != "" {
			texts[l.flag] = append(texts[l.flag], l.drift+": "+l.mend)
		}
	}
	var samples []metric.Sample
	for _, flag := range order {
		if blind[flag] && texts[flag] == nil {
			continue
		}
		if flag == lookupsFail {
			samples = append(samples, r.lookups()...)
			continue
		}
		s := metric.Flag(flag, texts[flag] != nil, metric.FaultHost, metric.ReasonNone, strings.Join(texts[flag], "; "))
		s.Metric, s.Labels, s.Help = "host_drift", []string{"what", flag}, "Whether this is not as expected on the host."
		samples = append(samples, s)
	}
	return samples
}

// lookups are the stall, and whether lookups fail altogether.
func (r Result) lookups() []metric.Sample {
	return []metric.Sample{
		{
			Name: stall, Unit: metric.Seconds, Value: r.stall.Worst.Seconds(),
			Fault: metric.FaultResolver, Text: r.stall.String(),
		},
		metric.Flag(lookupsFail, r.stall.Fails, metric.FaultResolver, metric.ReasonNone, r.stall.String()),
	}
}

// text counts.
func (r Result) text(total, seen int) string {
	text := fmt.Sprintf("looked at %d things", seen)
	if seen == 1 {
		text = "looked at 1 thing"
	}
	switch total {
	case 0:
		text += ", all as expected"
	case 1:
		text += ", 1 drifted"
	default:
		text += fmt.Sprintf(", %d drifted", total)
	}
	if r.file != nil && r.file.Writer.Name != "" {
		text += fmt.Sprintf("; %q was written by %s", r.file.Path, r.file.Writer.Name)
	}
	return text
}

// protect is what keeps the drift from coming back.
func (r Result) protect() []string {
	var lines []string
	for _, l := range r.looks {
		if l.drift == "" {
			continue
		}
		if line := r.keep(l.flag); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// keep is what keeps one kind of drift away.
func (r Result) keep(flag string) string {
	switch flag {
	case hostname:
		return `hostname: keep cloud-init from writing it with "preserve_hostname: true" in a file in /etc/cloud/cloud.cfg.d/, Proxmox with touch /etc/.pve-ignore.hostname`
	case wallclock:
		return "clock: keep it so with the line xen.independent_wallclock=1 in a file in /etc/sysctl.d/, and run chronyd"
	case nameservers, search, options:
		if w := r.file.Writer; w.Name != "" {
			return fmt.Sprintf("%q: keep %s from writing it: %s", r.file.Path, w.Name, w.Keep)
		}
		return fmt.Sprintf("%q: keep others from writing it with chattr +i %s", r.file.Path, r.file.Path)
	default:
		return ""
	}
}
