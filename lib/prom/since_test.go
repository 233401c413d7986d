package prom_test

import (
	"iter"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/prom"
)

// A counter that knows when it began says so, and no other does.
func TestCreatedTimestamps(t *testing.T) {
	began := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	c := &prom.Collector{Others: []iter.Seq[metric.Sample]{func(yield func(metric.Sample) bool) {
		_ = yield(metric.Sample{Metric: "a_total", Kind: metric.Counter, Value: 1, Since: began}) &&
			yield(metric.Sample{Metric: "b_total", Kind: metric.Counter, Value: 1}) &&
			yield(metric.Sample{Metric: "c", Value: 1, Since: began})
	}}}
	families, err := c.Registry(false).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		created := f.GetMetric()[0].GetCounter().GetCreatedTimestamp()
		if f.GetName() == "milepost_a_total" != (created != nil && created.AsTime().Equal(began)) {
			t.Errorf("%s was created at %v", f.GetName(), created)
		}
	}
}
