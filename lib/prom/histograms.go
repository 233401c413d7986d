package prom

import (
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"milepost/lib/check"
	"milepost/lib/metric"
)

// histograms hold the events of all hosts, by family. The zero value is empty.
type histograms struct {
	mu       sync.Mutex
	families map[string]*histogram
}

// A histogram is one family.
type histogram struct {
	*prometheus.HistogramVec
	names []string            // of the labels
	fedBy map[string][]string // by host: the checks
}

// observe counts the event s of o.
func (h *histograms) observe(o check.Outcome, s metric.Sample, classic bool) error {
	if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return errors.New("an event without a finite value would spoil the sum for ever")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	l := append(labels{"host", o.Host}, s.Labels...)
	f := h.families[s.Metric]
	if f == nil {
		names, err := l.names(s.Metric)
		if err != nil {
			return err
		}
		f = &histogram{prometheus.NewHistogramVec(shape(s, classic), names), names, map[string][]string{}}
		if h.families == nil {
			h.families = map[string]*histogram{}
		}
		h.families[s.Metric] = f
	}
	values, err := l.values(nil, f.names)
	if err != nil {
		return err
	}
	if !slices.Contains(f.fedBy[o.Host], o.Check) {
		f.fedBy[o.Host] = append(f.fedBy[o.Host], o.Check)
	}
	f.WithLabelValues(values...).Observe(s.Base())
	return nil
}

// shape bounds what a histogram may grow to. A factor of 1.1 tells values 10 %
// apart; 160 buckets of it span six decades, and a histogram that outgrows them
// starts anew at most once an hour, else it halves its resolution.
//
// The classic buckets, for who does not scrape native ones, are of 0.5 ms, 1 ms,
// 2 ms, ... 16.4 s: made for round trips, and so only for seconds.
func shape(s metric.Sample, classic bool) prometheus.HistogramOpts {
	opts := prometheus.HistogramOpts{
		Name: prefix + s.Metric, Help: valid(s.Help),
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
	if classic && s.Unit == metric.Seconds {
		opts.Buckets = prometheus.ExponentialBuckets(0.0005, 2, 16)
	}
	return opts
}

// forget removes what only this check fed of host.
func (h *histograms) forget(host, check string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, f := range h.families {
		i := slices.Index(f.fedBy[host], check)
		if i < 0 {
			continue
		}
		if f.fedBy[host] = slices.Delete(f.fedBy[host], i, i+1); len(f.fedBy[host]) > 0 {
			continue
		}
		delete(f.fedBy, host)
		f.DeletePartialMatch(prometheus.Labels{"host": valid(host)})
		if len(f.fedBy) == 0 {
			delete(h.families, name)
		}
	}
}

// all is a copy of the list of families.
func (h *histograms) all() map[string]*histogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.families)
}
