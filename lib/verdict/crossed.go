package verdict

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"milepost/lib/metric"
)

// crossed names the limits on numbers that made the status: "limit crossed: offset
// above 5 s". What a flag found says so by itself.
func crossed(status Status, rulings []ruling, samples map[string]metric.Sample) string {
	var all []string
	for _, r := range rulings {
		if r.grade != alert || r.level != status {
			continue
		}
		var sides []string
		for _, n := range heldNames(r.all) {
			if s := samples[n]; s.Kind != metric.IsFlag && !r.spelledTwice(n) {
				sides = append(sides, n+" "+side(s, r.all[n]))
			}
		}
		if said := strings.Join(sides, " and "); said != "" && !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "limit crossed: " + strings.Join(all, ", ")
}

// spelledTwice says that the range of name is a plain number whose other spelling,
// with a sign, is in the ruling too.
func (r ruling) spelledTwice(name string) bool {
	plain := r.all[name]
	for n, other := range r.all {
		if n != name && plain.Plain && other == plain.Around() {
			return true
		}
	}
	return false
}

// side says on which side of r the sample is.
func side(s metric.Sample, r metric.Range) string {
	lo, hi := s.Interval()
	switch {
	case r.Inside && math.IsInf(r.End, 1):
		return "at least " + metric.Format(r.Start) + unit(s)
	case r.Inside && math.IsInf(r.Start, -1):
		return "at most " + metric.Format(r.End) + unit(s)
	case r.Inside:
		return "within " + metric.Format(r.Start) + " to " + metric.Format(r.End) + unit(s)
	case hi < r.Start:
		return "below " + metric.Format(r.Start) + unit(s)
	case lo > r.End:
		return "above " + metric.Format(r.End) + unit(s)
	default:
		return "outside " + r.String() + unit(s)
	}
}

// unit is the unit of s behind a number, for a person.
func unit(s metric.Sample) string {
	if u := s.UOM(); u != "" {
		return " " + u
	}
	return ""
}

// dark says what kept a ruling from being made.
func dark(r ruling, samples map[string]metric.Sample) string {
	names := heldNames(r.all)
	for _, n := range names {
		if s, ok := samples[n]; !ok || math.IsNaN(s.Value) {
			return n + " was not measured"
		}
	}
	for _, n := range names {
		if s := samples[n]; hold(s, r.all[n]) == blind {
			lo, hi := s.Interval()
			return fmt.Sprintf("%s lies between %s and %s%s, which is not known finely enough for the limit %s: widen the limit",
				n, three(lo), three(hi), unit(s), r.all[n])
		}
	}
	return ""
}

// three is v with three significant digits.
func three(v float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return metric.Format(v)
	}
	return metric.Format(rounded)
}
