package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// compat is whose metrics are on the page too, so that dashboards live on.
type compat string

const smokepingProber compat = "smokeping_prober"

// UnmarshalText reads the name of a program.
func (c *compat) UnmarshalText(text []byte) error {
	if compat(text) != smokepingProber {
		return fmt.Errorf("%q is not %s", text, smokepingProber)
	}
	*c = smokepingProber
	return nil
}

// A smokeping is the streams in the metrics of smokeping_prober, as it is written at
// https://github.com/SuperQ/smokeping_prober: those of which there is the same.
type smokeping struct {
	*streams
	requests, duplicates, durations *prometheus.Desc
}

func newSmokeping(s *streams) *smokeping {
	labels := []string{"host", "ip", "source", "tos"}
	return &smokeping{
		streams:    s,
		requests:   prometheus.NewDesc("smokeping_requests_total", "Number of ping requests sent", labels, nil),
		duplicates: prometheus.NewDesc("smokeping_response_duplicates_total", "The number of duplicated response packets.", labels, nil),
		durations:  prometheus.NewDesc("smokeping_response_duration_seconds", "A histogram of latencies for ping responses.", labels, nil),
	}
}

// Describe tells the families.
func (s *smokeping) Describe(to chan<- *prometheus.Desc) {
	to <- s.requests
	to <- s.duplicates
	to <- s.durations
}

// Collect sends them.
func (s *smokeping) Collect(to chan<- prometheus.Metric) {
	for seen := range s.Seen() {
		labels := []string{seen.Host, seen.Address.String(), "", "0"}
		buckets := map[float64]uint64{}
		for _, b := range seen.Trips.Classic {
			buckets[b.UpTo] = b.Count
		}
		to <- prometheus.MustNewConstMetric(s.requests, prometheus.CounterValue, float64(seen.Totals.Sent), labels...)
		to <- prometheus.MustNewConstMetric(s.duplicates, prometheus.CounterValue, float64(seen.Totals.Duplicates), labels...)
		to <- prometheus.MustNewConstHistogram(s.durations, seen.Trips.Count, seen.Trips.Sum, buckets, labels...)
	}
}
