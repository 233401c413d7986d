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
	Trips     []time.Duration
	Yardstick float64 // metres per second that are 100 %
	Took      time.Duration
}

// Near says that both ends may be in the same place, so that a speed means nothing.
func (r Result) Near() bool { return r.Least == 0 }

// speed is that of the path in metres per second, and between what it may be. Light
// in glass is an upper bound: what seems faster is as near as the places allow,
// unless they do not allow it. Between near places it is no more than a bound: what
// takes time there are access lines and switches, not the way.
func (r Result) speed() (value, lo, hi float64) {
	value, lo, hi = geo.Speed(r.Distance, r.RTT), geo.Speed(r.Least, r.RTT), geo.Speed(r.Most, r.RTT)
	if glass, _ := geo.Possible(r.Least, r.RTT); glass {
		value, hi = min(value, geo.Fibre), min(hi, geo.Fibre)
	}
	if r.Near() {
		hi = geo.Fibre
	}
	return value, lo, hi
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
	return metric.Report{
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
}

// impossible is whether the answer came back sooner than light could bring it.
func (r Result) impossible() metric.Sample {
	glass, vacuum := geo.Possible(r.Least, r.RTT)
	least := millis(geo.Fastest(r.Least, geo.Fibre)) + " there and back through fibre"
	if !vacuum {
		least += ", " + millis(geo.Fastest(r.Least, geo.Light)) + " through nothing"
	}
	return metric.Flag("impossible", !glass, metric.FaultHost, metric.ReasonNone,
		fmt.Sprintf("cannot be there: %s answers after %s, and light needs %s: it is within %s of %s",
			r.To, millis(r.RTT), least, kilometres(geo.Fibre*r.RTT.Seconds()/2), r.From))
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
	v := geo.Speed(r.Distance, r.RTT)
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
