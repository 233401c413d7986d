package prom

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"milepost/lib/metric"
)

// A page sends samples as constant metrics, as long as they agree with each other:
// the registry would refuse the page as a whole.
type page struct {
	to       chan<- prometheus.Metric
	text     *text // where to write instead; nil = to
	drop     func(family string, why error)
	families map[string]*family // nil for the names that histograms take
	counted  map[string]*family // of the histograms

	labels labels   // these three are reused from sample to sample
	values []string // of the labels
	series []byte   // the values as a key
}

// A family is made by its first sample; the others must be like it.
type family struct {
	*prometheus.Desc
	kind  prometheus.ValueType
	names []string        // of the labels
	seen  map[string]bool // the series that were sent
}

// reserve keeps the names that the histogram called name takes from every sample.
func (p *page) reserve(name string) {
	for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
		p.enter(name+suffix, nil)
	}
}

func (p *page) enter(name string, f *family) {
	if p.families == nil {
		p.families = map[string]*family{}
	}
	p.families[name] = f
}

// add sends s, with the labels of what it is of before its own, or drops it.
func (p *page) add(s metric.Sample, of ...string) {
	if s.Metric == "" {
		return
	}
	p.labels = append(append(p.labels[:0], of...), s.Labels...)
	f, err := p.family(s)
	if err == nil {
		err = p.send(s, f)
	}
	if err != nil {
		p.drop(s.Metric, err)
	}
}

// family is that of s, new if it is the first, with p.values as its labels'.
func (p *page) family(s metric.Sample) (*family, error) {
	kind := prometheus.GaugeValue
	if s.Kind == metric.Counter {
		kind = prometheus.CounterValue
	}
	f, known := p.families[s.Metric]
	switch {
	case known && f == nil:
		return nil, errors.New("a histogram has the name")
	case known && f.kind != kind:
		return nil, errors.New("it is a counter here and a gauge there")
	case !known:
		names, err := p.labels.names(s.Metric)
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		f = &family{prometheus.NewDesc(prefix+s.Metric, valid(s.Help), names, nil), kind, names, map[string]bool{}}
	}
	var err error
	p.values, err = p.labels.values(p.values[:0], f.names)
	if err == nil && !known {
		p.enter(s.Metric, f)
	}
	return f, err
}

// send sends s with p.values, if the series is not there already.
func (p *page) send(s metric.Sample, f *family) error {
	if p.text != nil {
		lines, isNew := p.text.of(s.Metric)
		if isNew {
			p.text.head(lines, s.Metric, valid(s.Help), kindOf(f.kind))
		}
		if p.text.saw(lines, p.values) {
			return fmt.Errorf("series %q is there already", p.labels)
		}
		p.text.line(lines, s.Metric, "", f.names, p.values, "", p.text.value(s.Base()))
		if f.kind == prometheus.CounterValue && !s.Since.IsZero() {
			p.text.created(lines, s.Metric, f.names, p.values, s.Since)
		}
		return nil
	}
	p.series = p.series[:0]
	for _, v := range p.values {
		p.series = append(append(p.series, v...), 0xff) // in no UTF-8 text
	}
	if f.seen[string(p.series)] {
		return fmt.Errorf("series %q is there already", p.labels)
	}
	m, err := constant(f.Desc, f.kind, s, p.values)
	if err != nil {
		return err
	}
	f.seen[string(p.series)] = true
	p.to <- m
	return nil
}

// constant is s as a metric, with the time it began to count if that is known.
func constant(d *prometheus.Desc, kind prometheus.ValueType, s metric.Sample, labels []string) (prometheus.Metric, error) {
	if kind == prometheus.CounterValue && !s.Since.IsZero() {
		return prometheus.NewConstMetricWithCreatedTimestamp(d, kind, s.Base(), s.Since, labels...)
	}
	return prometheus.NewConstMetric(d, kind, s.Base(), labels...)
}
