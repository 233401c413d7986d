package path

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"milepost/lib/geo"
	"milepost/lib/metric"
)

// A Result is the length of a path and its least round trip.
type Result struct {
	Doing     string // measuring the path to "fra-1"
	From, To  geo.Place
	Distance  float64 // metres between From and To
	Least     float64 // metres that it is at least, for machines near From and To
	Most      float64 // and at most
	RTT       time.Duration
	Past      time.Duration // the least that is remembered of a longer time before; 0 = nothing is
	Over      time.Duration // how long that is
	Trips     []time.Duration
	Yardstick float64 // metres per second that are 100 %
	Took      time.Duration
}

// Near says that both ends may be in the same place, so that a speed means nothing.
func (r Result) Near() bool { return r.Least == 0 }

// speed is that of the path in metres per second, and between what it may be.
func (r Result) speed() (value, lo, hi float64) {
	return geo.Credible(r.Distance, r.Least, r.Most, r.RTT)
}

// Report is r in samples; the zero Report if nothing came back.
func (r Result) Report() metric.Report {
	if r.RTT <= 0 {
		return metric.Report{}
	}
	v, lo, hi := r.speed()
	share := func(speed float64) float64 { return 100 * speed / r.Yardstick }
	speed := metric.Sample{
		Name: "speed", Metric: "path_speed_meters_per_second", Help: "Speed of the path: the great circle by half of the least round trip.",
		Value: v,
	}
	fibre := metric.Sample{
		Name: "fibre", Metric: "path_fibre_ratio", Help: "Speed of the path by the speed of light in fibre.",
		Unit: metric.Percent, Value: share(v), Fault: metric.FaultPath, Reason: metric.ReasonSlow,
		Text: "slow for its length",
	}
	if r.Near() {
		speed.Metric, fibre.Metric = "", "" // a series of noise would only raise alarms
	}
	report := metric.Report{
		Text: r.text(),
		Samples: []metric.Sample{
			fibre.Between(share(lo), share(hi)), speed.Between(lo, hi),
			{
				Name: "rtt_min", Metric: "path_rtt_min_seconds", Help: "Least round trip.",
				Unit: metric.Seconds, Value: r.RTT.Seconds(),
			},
			{Metric: "path_distance_meters", Help: "Great circle between this monitor and the host.", Value: r.Distance},
			r.impossible(), r.detour(),
		},
		Stages: []metric.Stage{{Doing: r.Doing, Took: r.Took, Said: r.said()}},
	}
	if least, _ := r.nearest(); r.Past > 0 {
		report.Samples = append(report.Samples, metric.Sample{
			Metric: "path_rtt_min_7d_seconds", Help: "Least round trip of the last seven days: the host is no farther away.",
			Unit: metric.Seconds, Value: least.Seconds(),
		})
	}
	return report
}

// nearest is the least round trip that is known, and when it was if that is not now.
func (r Result) nearest() (rtt time.Duration, when string) {
	if r.Past > 0 && r.Past < r.RTT {
		return r.Past, fmt.Sprintf(" within the last %.0f days", r.Over.Hours()/24)
	}
	return r.RTT, ""
}

// impossible is whether an answer came back sooner than light could bring it.
func (r Result) impossible() metric.Sample {
	rtt, when := r.nearest()
	glass, vacuum := geo.Possible(r.Least, rtt)
	least := millis(geo.Fastest(r.Least, geo.Fibre)) + " there and back through fibre"
	if !vacuum {
		least += ", " + millis(geo.Fastest(r.Least, geo.Light)) + " through nothing"
	}
	answers := "answers"
	if when != "" {
		answers = "answered"
	}
	return metric.Flag("impossible", !glass, metric.FaultHost, metric.ReasonNone,
		fmt.Sprintf("cannot be there: %s %s after %s%s, and light needs %s: it is within %s of %s",
			r.To, answers, millis(rtt), when, least, kilometres(geo.Fibre*rtt.Seconds()/2), r.From))
}

// detour is rule D1.
func (r Result) detour() metric.Sample {
	usual := geo.Slowest(r.Most)
	return metric.Flag("detour", r.RTT > usual, metric.FaultPath, metric.ReasonSlow,
		fmt.Sprintf("detour: no usual path of that length takes longer than %s", millis(usual)))
}

// text is the line for a person.
func (r Result) text() string {
	line := fmt.Sprintf("%s from %s to %s, %s (%.0f miles)", millis(r.RTT), r.From, r.To, kilometres(r.Distance), r.Distance/geo.Mile)
	if r.Near() {
		return line + ": too near for a speed to mean anything"
	}
	v, _, _ := r.speed()
	return line + fmt.Sprintf(": %s miles/ms, %s %% of light in fibre", figure(v/geo.MilesPerMillisecond), figure(100*v/r.Yardstick))
}

// said is every round trip, for -vvv.
func (r Result) said() string {
	var b strings.Builder
	for i, t := range r.Trips {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(millis(t))
	}
	return b.String()
}

// figure spells v for people: three digits.
func figure(v float64) string {
	decimals := 0
	for limit := 100.0; decimals < 2 && math.Abs(v) < limit; limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// kilometres spells metres for people.
func kilometres(m float64) string { return fmt.Sprintf("%.0f km", m/geo.Kilometre) }

// millis spells a round trip as ping does, to the microsecond where that tells
// anything.
func millis(d time.Duration) string {
	v := d.Seconds() * 1000
	if v >= 10 {
		return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 3, 64) + " ms"
}
