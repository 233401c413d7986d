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

// Report is r in samples; the zero Report if no answer came.
func (r Result) Report() metric.Report {
	report := metric.Report{Stages: r.Stages}
	if r.Queries == 0 {
		return report
	}
	middle, half := (r.Lo + (r.Hi-r.Lo)/2).Seconds(), (r.Hi-r.Lo).Seconds()/2
	lo, hi := r.bounds()
	least, most := math.Abs(lo), math.Abs(hi)
	if least, most = min(least, most), max(least, most); lo <= 0 && 0 <= hi {
		least = 0
	}
	source := []string{"source", string(r.Source)}
	report.Text = r.text()
	report.Samples = []metric.Sample{
		metric.Sample{
			Name: offset, Metric: "clock_offset_seconds", Labels: source, Help: "The host's clock minus the true time.",
			Unit: metric.Seconds, Value: middle, Fault: metric.FaultClock,
		}.Between(lo, hi),
		metric.Sample{
			Name: offsetAbs, Help: "The offset without its sign.",
			Unit: metric.Seconds, Value: math.Abs(middle), Fault: metric.FaultClock,
		}.Between(least, most),
		{
			Name: "uncertainty", Metric: "clock_offset_uncertainty_seconds", Labels: source,
			Help: "Half of the interval that the offset lies in.", Unit: metric.Seconds, Value: half,
		},
		{Name: "rtt", Help: "The shortest round trip of a question.", Unit: metric.Seconds, Value: r.RTT.Seconds()},
	}
	if !r.Clock.Proven {
		report.Doubt = "either clock may be wrong, because nobody vouches for this monitor's: run chronyd here, or name --reference NTP1,NTP2,NTP3"
	}
	report.Advice = r.advice()
	return report
}

// bounds is where the offset lies in seconds, whatever the age of the answers. An
// old answer makes a clock look late, so lateness may be less than it looks, down
// to none at all; that an old answer hides a clock that is ahead is not assumed.
func (r Result) bounds() (lo, hi float64) {
	if r.Hi >= 0 || r.Age == 0 {
		return r.Lo.Seconds(), r.Hi.Seconds()
	}
	return r.Lo.Seconds(), min(0, r.Hi.Seconds()+r.Age.Seconds())
}

func (r Result) text() string {
	var how []string
	if r.Resolution >= time.Second {
		how = append(how, "whole seconds over "+strings.ToUpper(string(r.Source)))
	} else {
		how = append(how, "over "+strings.ToUpper(string(r.Source)))
	}
	how = append(how, "RTT "+short(r.RTT))
	if r.Server != "" {
		how = append(how, r.Server)
	}
	text := fmt.Sprintf("offset %s (%s)", span(r.Lo, r.Hi), strings.Join(how, ", "))
	if r.Cached {
		text += "; the answers come from a cache: " + r.uncached()
	}
	if r.Set {
		text += "; the clock was set during the measurement"
	}
	return text
}

// uncached is the line for snmpd.conf that makes every answer a fresh one.
func (r Result) uncached() string {
	return fmt.Sprintf("in snmpd.conf serve it by pass_persist .%s PROGRAM, or by extend -cacheTime -1", strings.TrimSuffix(string(r.OID), ".0"))
}

// advice is what to do about a wrong clock on the host's kind of machine.
func (r Result) advice() []string {
	var all []string
	if !r.Clock.Proven {
		all = append(all, "this monitor's clock is "+r.Clock.String())
	}
	if r.Lo.Abs() < time.Second || r.Hi.Abs() < time.Second || r.Lo < 0 && r.Hi > 0 {
		return all
	}
	switch strings.ToLower(r.Virtualization) {
	case "":
	case "xen":
		all = append(all, "Xen: an old paravirtual kernel takes the node's clock: sysctl -w xen.independent_wallclock=1, then run chronyd in the guest")
	case "openvz", "lxc", "docker", "systemd-nspawn":
		all = append(all, "a container has the clock of its node and cannot set it: tell the provider that the node's clock is off")
	case "kvm", "qemu":
		all = append(all, "KVM: use the clocksource kvm-clock and run chronyd in the guest, with makestep 1 -1 for the time after a resume")
	case "none":
		all = append(all, "run chronyd, with makestep 1.0 3; a battery that is empty shows after each boot")
	default:
		all = append(all, "run chronyd on the host, with makestep 1 -1 for the time after a resume")
	}
	return all
}
