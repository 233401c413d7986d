package prom

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"milepost/lib/metric"
)

// A counted is a histogram that somebody else counted, with native buckets and with
// classic ones: a constant histogram of the library has one kind of them.
type counted struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	dto.Histogram
}

// Desc is its family's.
func (c *counted) Desc() *prometheus.Desc { return c.desc }

// Write gives it away.
func (c *counted) Write(to *dto.Metric) error {
	to.Label, to.Histogram = c.labels, &c.Histogram
	return nil
}

// histogram sends h, or drops it. It keeps nothing of h.
func (p *page) histogram(h *metric.Histogram, classic bool) {
	f, err := p.countedFamily(h)
	if err == nil {
		err = p.sendCounted(h, f, classic)
	}
	if err != nil {
		p.drop(h.Metric, err)
	}
}

// countedFamily is that of h, with p.values as its labels'.
func (p *page) countedFamily(h *metric.Histogram) (*family, error) {
	f := p.counted[h.Metric]
	if f == nil {
		if _, taken := p.families[h.Metric]; taken {
			return nil, errors.New("another metric has the name")
		}
		names, err := labels(h.Labels).names(h.Metric)
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		f = &family{Desc: prometheus.NewDesc(prefix+h.Metric, valid(h.Help), names, nil), names: names, seen: map[string]bool{}}
		if p.counted == nil {
			p.counted = map[string]*family{}
		}
		p.counted[h.Metric] = f
		p.reserve(h.Metric)
	}
	var err error
	p.values, err = labels(h.Labels).values(p.values[:0], f.names)
	return f, err
}

// sendCounted sends h with p.values, if the series is not there already.
func (p *page) sendCounted(h *metric.Histogram, f *family, classic bool) error {
	key := strings.Join(p.values, "\xff")
	if f.seen[key] {
		return fmt.Errorf("series %q is there already", h.Labels)
	}
	f.seen[key] = true
	if p.text != nil {
		lines, isNew := p.text.of(h.Metric)
		if isNew {
			p.text.head(lines, h.Metric, valid(h.Help), "histogram")
		}
		p.text.histogram(lines, h, f.names, p.values, classic)
		return nil
	}
	c := &counted{desc: f.Desc, labels: prometheus.MakeLabelPairs(f.Desc, p.values)}
	native(&c.Histogram, h)
	if classic {
		for _, b := range h.Classic {
			c.Bucket = append(c.Bucket, &dto.Bucket{UpperBound: new(b.UpTo), CumulativeCount: new(b.Count)})
		}
	}
	p.to <- c
	return nil
}

// native fills to with the native buckets of h: spans of neighbours, each of which
// says by how much it is fuller than the one before.
func native(to *dto.Histogram, h *metric.Histogram) {
	to.SampleCount, to.SampleSum = new(h.Count), new(h.Sum)
	to.Schema, to.ZeroThreshold, to.ZeroCount = new(int32(h.Schema)), new(h.ZeroUpTo), new(h.Zero)
	next, before := 0, int64(0)
	for i, b := range h.Buckets {
		last := len(to.PositiveSpan) - 1
		if i > 0 && b.Key == next {
			*to.PositiveSpan[last].Length++
		} else {
			to.PositiveSpan = append(to.PositiveSpan, &dto.BucketSpan{Offset: new(int32(b.Key - next)), Length: new(uint32(1))})
		}
		to.PositiveDelta = append(to.PositiveDelta, int64(b.Count)-before)
		next, before = b.Key+1, int64(b.Count)
	}
	if len(to.PositiveSpan) == 0 { // else nobody could tell that it is a native one
		to.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32(0)), Length: new(uint32(0))}}
	}
}
