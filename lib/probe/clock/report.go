package clock

import (
	"fmt"
	"math"
	"strings"
	"time"

	"milepost/lib/metric"
)

// The names of the samples that limits hold.
const (
	offset    = "offset"
	offsetAbs = "offset_abs"
)

// Report is r in samples; without an answer, only what was done.
func (r Result) Report() metric.Report {
	report := metric.Report{Stages: r.Stages}
	if r.Queries == 0 {
		return report
	}
	report.Text, report.Samples, report.Advice = r.text(), r.samples(), r.advice()
	if !r.Clock.Proven {
		report.Doubt = "either clock may be wrong, because nobody vouches for this monitor's: run chronyd here, or name --reference NTP1,NTP2,NTP3"
	}
	return report
}

func (r Result) samples() []metric.Sample {
	lo, hi := r.shown()
	middle, half := rounded(lo+(hi-lo)/2), rounded((hi-lo)/2)
	from, to := r.bounds()
	least, most := math.Abs(from.Seconds()), math.Abs(to.Seconds())
	if least, most = min(least, most), max(least, most); from <= 0 && 0 <= to {
		least = 0
	}
	source := []string{"source", string(r.Source)}
	return []metric.Sample{
		metric.Sample{
			Name: offset, Metric: "clock_offset_seconds", Labels: source, Help: "The host's clock minus the true time.",
			Unit: metric.Seconds, Value: middle, Fault: metric.FaultClock,
		}.Between(from.Seconds(), to.Seconds()),
		metric.Sample{
			Name: offsetAbs, Help: "The offset without its sign.",
			Unit: metric.Seconds, Value: math.Abs(middle), Fault: metric.FaultClock,
		}.Between(least, most),
		{
			Name: "uncertainty", Metric: "clock_offset_uncertainty_seconds", Labels: source,
			Help: "Half of the interval that the offset lies in.", Unit: metric.Seconds, Value: half,
		},
		{Name: "rtt", Help: "The shortest round trip of a question.", Unit: metric.Seconds, Value: rounded(r.RTT)},
	}
}

// rounded is d in seconds, to the microsecond.
func rounded(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// bounds is where the offset lies, whatever the age of the answers. An old answer
// makes a clock look late, so lateness may be less than it looks, down to none at
// all; that an old answer hides a clock that is ahead is not assumed. But a single
// answer in whole seconds accuses nobody as long as there may be a second one.
func (r Result) bounds() (lo, hi time.Duration) {
	switch {
	case r.Hi < 0:
		return r.Lo, r.Hi + min(r.Age, -r.Hi)
	case r.Queries == 1 && r.Resolution >= time.Second && r.Clock.Proven && !r.Last:
		return min(r.Lo, 0), r.Hi
	default:
		return r.Lo, r.Hi
	}
}

// shown is the interval that a person is told: all of it if the answers are known
// to be old. That a single one may be old is what asking again is for.
func (r Result) shown() (lo, hi time.Duration) {
	if r.Cached {
		return r.bounds()
	}
	return r.Lo, r.Hi
}

// text is what was measured, and how.
func (r Result) text() string {
	lo, hi := r.shown()
	text := fmt.Sprintf("offset %s (%s)", span(lo, hi), r.how())
	if r.Cached {
		text += "; " + r.cache()
	}
	if r.Set {
		text += "; somebody set the clock during the measurement"
	}
	if off := (r.Clock.Lo + r.Clock.Hi) / 2; r.Source != Local && r.Clock.Proven && off.Abs() > worthSaying {
		text += fmt.Sprintf("; this monitor's own clock is %+.2g s off, which is allowed for", off.Seconds())
	}
	return text
}

// how is how it was measured.
func (r Result) how() string {
	if r.Source == Local {
		return "this machine, by the word of " + r.Clock.By
	}
	how := strings.ToUpper(string(r.Source))
	if r.Resolution >= time.Second {
		how = "whole seconds over " + how
	}
	if r.Server != "" {
		how += " " + r.Server
	}
	switch {
	case r.BestOf > 1 && r.Queries > 1:
		how += fmt.Sprintf(", best of %d and %d more", r.BestOf, r.Queries-1)
	case r.BestOf > 1:
		how += fmt.Sprintf(", best of %d", r.BestOf)
	case r.Queries > 1:
		how += fmt.Sprintf(", %d queries", r.Queries)
	}
	return how + ", RTT " + short(r.RTT)
}

// worthSaying is the error of the monitor's clock that the first line tells of.
const worthSaying = 100 * time.Millisecond

// extensible says that the answers may be those of a program that snmpd runs.
func (r Result) extensible() bool { return r.Source == OverSNMP && r.OID != hrSystemDate }

// cache names the cache that the answers came from, and how to do without.
func (r Result) cache() string {
	if !r.extensible() {
		return "the answers come from a cache, or somebody set the clock during the measurement"
	}
	how := "they jumped"
	if r.Still > 0 {
		how = "unchanged for " + short(r.Still)
	}
	if name, ok := r.OID.extend(); ok {
		return fmt.Sprintf(`the answers come from a cache (%s): in snmpd.conf write "extend -cacheTime -1 %s ..."`, how, name)
	}
	return fmt.Sprintf(`the answers come from a cache (%s): in snmpd.conf use pass_persist, not pass, and extend with -cacheTime -1`, how)
}

// advice is what a person can do about the clocks.
func (r Result) advice() []string {
	var all []string
	if !r.Clock.Proven {
		all = append(all, "this monitor's clock is "+r.Clock.String())
	}
	if r.Cached && r.extensible() {
		all = append(all, "net-snmp keeps the output of extend for 5 s and of pass for 30 s, whoever asks; these lines make every answer a fresh one:",
			"  extend -cacheTime -1 epoch /bin/date -u +%s",
			"  pass_persist .1.3.6.1.4.1.8072.9999.9999.1 PROGRAM")
	}
	if remedy := remedy(r.Virtualization); remedy != "" {
		all = append(all, remedy)
	}
	return all
}

// remedy is what sets a wrong clock right on a kind of machine, as
// systemd-detect-virt calls it; "" for a kind that is not known.
func remedy(kind string) string {
	switch strings.ToLower(kind) {
	case "xen":
		return "on Xen an old paravirtual guest has its node's clock and cannot set it: sysctl -w xen.independent_wallclock=1, in sysctl.conf too, then run chronyd in the guest; where that key is missing chronyd is enough"
	case "openvz", "virtuozzo", "lxc", "lxc-libvirt", "docker", "podman", "systemd-nspawn":
		return "in a container the clock is the node's and cannot be set: tell the provider that the node's clock is off"
	case "kvm", "qemu", "amazon":
		return "on KVM use the clocksource kvm-clock (/sys/devices/system/clocksource/clocksource0/current_clocksource) and run chronyd in the guest, with \"makestep 1 -1\" for the time after a resume"
	case "vmware":
		return "on VMware run chronyd in the guest, with \"makestep 1 -1\", and switch the tools' periodic time synchronisation off: vmware-toolbox-cmd timesync disable"
	case "microsoft", "hyperv", "hyper-v":
		return "on Hyper-V run chronyd in the guest, with \"refclock PHC /dev/ptp_hyperv\" and \"makestep 1 -1\""
	case "none":
		return "on bare metal run chronyd, with \"makestep 1 3\" and \"rtcsync\"; a clock that is wrong after each boot has an empty battery"
	default:
		return ""
	}
}
