package prom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// labels are name, value, name, value, ...
type labels []string

// names are the labels' names, in order, if they are fit for the family called
// metric. A name is held to the old character set: it needs no quotes in a query.
func (l labels) names(metric string) ([]string, error) {
	if metric = prefix + metric; !model.LegacyValidation.IsValidMetricName(metric) {
		return nil, fmt.Errorf("%q is no name of a metric", metric)
	}
	if len(l)%2 != 0 {
		return nil, fmt.Errorf("the last of labels %q has no value", l)
	}
	names := make([]string, 0, len(l)/2)
	for i := 0; i < len(l); i += 2 {
		name := l[i]
		switch {
		case !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, model.ReservedLabelPrefix),
			name == model.BucketLabel, name == model.QuantileLabel:
			return nil, fmt.Errorf("%q is no name of a label", name)
		case slices.Contains(names, name):
			return nil, fmt.Errorf("label %q is there twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// values appends the values of the labels called names, which must be all labels,
// to values, in that order.
func (l labels) values(values, names []string) ([]string, error) {
	if len(l) != 2*len(names) {
		return values, differ(l, names)
	}
	for _, name := range names {
		i := 0
		for i < len(l) && l[i] != name {
			i += 2
		}
		if i == len(l) {
			return values, differ(l, names)
		}
		values = append(values, valid(l[i+1]))
	}
	return values, nil
}

func differ(l labels, names []string) error {
	return fmt.Errorf("labels %q are not those of the family, %q", []string(l), names)
}

// valid is s as UTF-8: a name that came over the wire may be anything.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
