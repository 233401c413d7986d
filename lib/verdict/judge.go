package verdict

import (
	"maps"
	"math"
	"slices"

	"milepost/lib/metric"
)

// A grade is what a sample's interval says to a range.
type grade int

const (
	silent grade = iota // surely no alert
	alert               // surely an alert
	open                // the interval straddles an end: either may turn out
	blind               // says nothing: missing, NaN, or wider than the whole range
)

// hold grades the interval of s against r.
func hold(s metric.Sample, r metric.Range) grade {
	lo, hi := s.Interval()
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return blind
	}
	inside := r.Start <= lo && hi <= r.End
	outside := hi < r.Start || r.End < lo
	covers := lo < r.Start && r.End < hi // no side that is merely open at infinity
	switch {
	case r.Inside && outside, !r.Inside && inside:
		return silent
	case r.Inside && inside, !r.Inside && outside:
		return alert
	case !r.Inside && covers:
		return blind
	default:
		return open
	}
}

// holdAll grades a conjunction: it alerts if every range does. One range that is
// surely silent silences it, whatever is unknown of the others.
func holdAll(all metric.All, samples map[string]metric.Sample) grade {
	result, held := alert, false
	for name, r := range all {
		if r.IsZero() {
			continue
		}
		held = true
		g := blind
		if s, ok := samples[name]; ok {
			g = hold(s, r)
		}
		switch {
		case g == silent:
			return silent
		case g == blind, g == open && result == alert:
			result = g
		}
	}
	if !held {
		return silent
	}
	return result
}

// A ruling is one level of one limit, held against the samples.
type ruling struct {
	level Status // Warning or Critical
	all   metric.All
	grade grade
}

// status is what the ruling amounts to now, if nothing more is heard.
func (r ruling) status() Status {
	switch r.grade {
	case alert:
		return r.level
	case blind:
		return Unknown
	default:
		return OK
	}
}

// Judge holds each target of the report to every limit; the worst target counts.
func Judge(r metric.Report, limits []metric.Limit) Verdict {
	if len(r.Samples) == 0 {
		return Verdict{
			Status: Unknown, Fault: metric.FaultMonitor, Reason: metric.ReasonNotMeasured,
			Summary: join("nothing was measured", r.Text), Stages: r.Stages, Advice: r.Advice,
		}
	}
	v := Verdict{Stages: r.Stages, Advice: r.Advice}
	var sentences, crossings []string
	decided := true
	all := targets(r.Samples)
	for _, s := range r.Samples {
		if !slices.Contains(all, s.Of) {
			v.Findings = append(v.Findings, Finding{Sample: s})
		}
	}
	for _, of := range all {
		t := judge(of, r.Samples, limits)
		if v.Findings == nil { // of nearly all reports there is one target
			v.Findings = t.Findings
		} else {
			v.Findings = append(v.Findings, t.Findings...)
		}
		decided = decided && t.Decided
		if t.Status.Worse(v.Status) {
			v.Status, v.Fault, v.Reason, sentences, crossings = t.Status, t.Fault, t.Reason, nil, nil
		}
		if t.Status != v.Status {
			continue
		}
		if t.Summary != "" {
			sentences = append(sentences, prefixed(of, t.Summary))
		}
		if t.crossed != "" {
			crossings = append(crossings, prefixed(of, t.crossed))
		}
	}
	v.Summary = join(append(append(sentences, r.Text), crossings...)...)
	v.Decided = decided || v.Status == Critical
	if r.Doubt != "" {
		v.Decided = v.Decided || v.Status == Warning // it is UNKNOWN however bad it gets
		v = Doubt(v, r.Doubt, metric.ReasonNotMeasured)
	}
	return v
}

// targets is every Of in order of appearance. Samples for Prometheus alone, which
// no limit can hold, are no target of their own.
func targets(samples []metric.Sample) []string {
	var all []string
	for _, s := range samples {
		if s.Name != "" && !slices.Contains(all, s.Of) {
			all = append(all, s.Of)
		}
	}
	if len(all) == 0 {
		return []string{""} // nothing that a limit can hold: it must say so
	}
	return all
}

func prefixed(of, sentence string) string {
	if of == "" {
		return sentence
	}
	return of + ": " + sentence
}

// A judgement is the verdict on one target.
type judgement struct {
	Verdict
	crossed string // the limits that made it
}

// judge holds one target's samples to the limits.
func judge(of string, all []metric.Sample, limits []metric.Limit) judgement {
	samples := map[string]metric.Sample{}
	for _, s := range all {
		if s.Of == of && s.Name != "" {
			samples[s.Name] = s
		}
	}
	rulings := rule(limits, samples)
	v := judgement{}
	for _, r := range rulings {
		v.Status = Worst(v.Status, r.status())
	}
	v.Findings = findings(of, all, rulings)
	v.Fault, v.Reason, v.Summary = explain(v.Status, rulings, samples)
	v.crossed = crossed(v.Status, rulings, samples)
	v.Decided = !slices.ContainsFunc(rulings, func(r ruling) bool { return r.mayChange(v.Status) })
	return v
}

// rule holds every level of every limit. A limit whose critical level alerts
// needs no word from its warning level.
func rule(limits []metric.Limit, samples map[string]metric.Sample) []ruling {
	var rulings []ruling
	for _, l := range limits {
		c := ruling{Critical, l.Critical, holdAll(l.Critical, samples)}
		w := ruling{Warning, l.Warning, holdAll(l.Warning, samples)}
		if c.grade == alert {
			w.grade = silent
		}
		rulings = append(rulings, c, w)
	}
	return rulings
}

// mayChange says that more of the measurement could turn now into something
// that counts more, or could bring light where there was none.
func (r ruling) mayChange(now Status) bool {
	switch r.grade {
	case open:
		return r.level.Worse(now)
	case blind:
		return now == Unknown || r.level.Worse(now)
	default:
		return false
	}
}

// findings are the samples of one target with the ranges that hold them.
func findings(of string, all []metric.Sample, rulings []ruling) []Finding {
	found := make([]Finding, 0, len(all))
	for _, s := range all {
		if s.Of != of {
			continue
		}
		f := Finding{Sample: s}
		for _, r := range rulings {
			held, ok := r.all[s.Name]
			if !ok || held.IsZero() || s.Name == "" {
				continue
			}
			if r.level == Critical {
				f.Critical = held
			} else {
				f.Warning = held
			}
			f.Status = Worst(f.Status, r.status())
		}
		found = append(found, f)
	}
	return found
}

// explain says whose fault the status is and why, from the rulings that made it.
func explain(status Status, rulings []ruling, samples map[string]metric.Sample) (metric.Fault, metric.Reason, string) {
	var (
		fault  metric.Fault
		reason metric.Reason
		why    []string
		maybe  []string // after what is sure
	)
	blame := func(s metric.Sample) {
		if fault == "" {
			fault, reason = s.Fault, s.Reason
		}
	}
	for _, r := range rulings {
		names := heldNames(r.all)
		switch {
		case r.grade == alert && r.level == status:
			for _, n := range names {
				blame(samples[n])
			}
			for _, n := range names {
				if t := samples[n].Text; t != "" {
					why = append(why, t)
					break // one sentence a limit: the samples of a conjunction say the same
				}
			}
		case r.grade == blind && status == Unknown:
			blame(metric.Sample{Fault: metric.FaultMonitor, Reason: metric.ReasonNotMeasured})
			why = append(why, dark(r, samples))
		case r.grade == open && r.level.Worse(status):
			maybe = append(maybe, "cannot exclude "+r.level.String()+": limit inside the uncertainty")
		}
	}
	if status == OK {
		fault, reason = "", ""
	}
	return fault, reason, join(append(why, maybe...)...)
}

// heldNames are the names that a conjunction holds, in order.
func heldNames(all metric.All) []string {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if !all[n].IsZero() {
			names = append(names, n)
		}
	}
	return names
}
