package main

import (
	"fmt"
	"time"

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
	reload                                      func() (last time.Time, ok bool) // of the configuration
	requests, duplicates, durations, sendErrors *prometheus.Desc
	receiveErrors, reloaded, reloadedAt         *prometheus.Desc
}

func newSmokeping(s *streams, reload func() (last time.Time, ok bool)) *smokeping {
	labels := []string{"host", "ip", "source", "tos"}
	return &smokeping{
		streams:    s,
		reload:     reload,
		requests:   prometheus.NewDesc("smokeping_requests_total", "Number of ping requests sent", labels, nil),
		duplicates: prometheus.NewDesc("smokeping_response_duplicates_total", "The number of duplicated response packets.", labels, nil),
		durations:  prometheus.NewDesc("smokeping_response_duration_seconds", "A histogram of latencies for ping responses.", labels, nil),
		sendErrors: prometheus.NewDesc("smokeping_send_errors_total", "The number of ping requests that could not be sent.", labels, nil),

		receiveErrors: prometheus.NewDesc("smokeping_receive_errors_total", "How often a socket could not be read.", nil, nil),
		reloaded:      prometheus.NewDesc("smokeping_prober_config_last_reload_successful", "Whether the inventory was read without a fault the last time it was read.", nil, nil),
		reloadedAt:    prometheus.NewDesc("smokeping_prober_config_last_reload_success_timestamp_seconds", "When the inventory was last read without a fault.", nil, nil),
	}
}

// Describe tells the families.
func (s *smokeping) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.requests, s.duplicates, s.durations, s.sendErrors, s.receiveErrors, s.reloaded, s.reloadedAt} {
		to <- d
	}
}

// Collect sends them.
func (s *smokeping) Collect(to chan<- prometheus.Metric) {
	at, ok := s.reload()
	to <- prometheus.MustNewConstMetric(s.receiveErrors, prometheus.CounterValue, float64(s.Broken()))
	to <- prometheus.MustNewConstMetric(s.reloaded, prometheus.GaugeValue, truth(ok))
	to <- prometheus.MustNewConstMetric(s.reloadedAt, prometheus.GaugeValue, float64(at.UnixMilli())/1000)
	for seen := range s.Seen() {
		labels := []string{seen.Host, seen.Address.String(), "", "0"}
		buckets := map[float64]uint64{}
		for _, b := range seen.Trips.Classic {
			buckets[b.UpTo] = b.Count
		}
		to <- prometheus.MustNewConstMetric(s.requests, prometheus.CounterValue, float64(seen.Totals.Sent), labels...)
		to <- prometheus.MustNewConstMetric(s.duplicates, prometheus.CounterValue, float64(seen.Totals.Duplicates), labels...)
		to <- prometheus.MustNewConstMetric(s.sendErrors, prometheus.CounterValue, float64(seen.Totals.Unsent), labels...)
		to <- prometheus.MustNewConstHistogram(s.durations, seen.Trips.Count, seen.Trips.Sum, buckets, labels...)
	}
}

// truth is 1 for yes.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
