package cachemgr

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"milepost/lib/metric"
)

// A counter is a line of the page counters as a metric. Per is what one of it is
// in the metric's unit: squid counts in kB of 1024 bytes.
type counter struct {
	name   string // squid's
	metric string
	help   string
	labels []string
	per    float64
}

// known are the counters that are told, as contrib/squid/MIGRATING.md lists them.
func known() []counter {
	all := []counter{
		{"client_http.requests", "squid_client_requests_total", "Requests of clients.", nil, 1},
		{"client_http.hits", "squid_client_hits_total", "Requests of clients that were answered from the cache.", nil, 1},
		{"client_http.errors", "squid_client_errors_total", "Requests of clients that ended in an error.", nil, 1},
		{"client_http.kbytes_in", "squid_client_bytes_total", "Bytes from clients (in) and to them (out), by squid's own count.", []string{"direction", "in"}, 1024},
		{"client_http.kbytes_out", "squid_client_bytes_total", "Bytes from clients (in) and to them (out), by squid's own count.", []string{"direction", "out"}, 1024},
		{"client_http.hit_kbytes_out", "squid_client_hit_bytes_total", "Bytes to clients that came from the cache.", nil, 1024},
	}
	for _, protocol := range []string{"all", "http", "ftp", "other"} {
		of := []string{"protocol", protocol}
		all = append(all,
			counter{"server." + protocol + ".requests", "squid_server_requests_total", "Requests to origins; protocol all is the sum.", of, 1},
			counter{"server." + protocol + ".errors", "squid_server_errors_total", "Requests to origins that ended in an error.", of, 1},
			counter{"server." + protocol + ".kbytes_in", "squid_server_bytes_total", "Bytes from origins (in) and to them (out).", append(of[:2:2], "direction", "in"), 1024},
			counter{"server." + protocol + ".kbytes_out", "squid_server_bytes_total", "Bytes from origins (in) and to them (out).", append(of[:2:2], "direction", "out"), 1024})
	}
	return append(all,
		counter{"cpu_time", "squid_cpu_seconds_total", "CPU time that squid used.", nil, 1},
		counter{"page_faults", "squid_page_faults_total", "Page faults that needed the disk.", nil, 1},
		counter{"select_loops", "squid_select_loops_total", "Turns of squid's main loop.", nil, 1},
		counter{"aborted_requests", "squid_aborted_requests_total", "Requests that clients gave up.", nil, 1},
		counter{"swap.outs", "squid_swap_outs_total", "Objects written to the disk cache.", nil, 1},
		counter{"swap.ins", "squid_swap_ins_total", "Objects read from the disk cache.", nil, 1},
		counter{"swap.files_cleaned", "squid_swap_files_cleaned_total", "Orphaned files of the disk cache that were removed.", nil, 1},
	)
}

// Samples asks squid and tells what it says, of the host of that name. The error
// is told too, as squid_up 0, and to failed.
func (m *Manager) Samples(ctx context.Context, host string, failed func(error)) iter.Seq[metric.Sample] {
	return func(yield func(metric.Sample) bool) {
		all, err := m.ask(ctx)
		up := metric.Flag("", err == nil, "", "", "")
		up.Metric, up.Help = "squid_up", "Whether squid's cache manager answered."
		for _, s := range append(all, up) {
			s.Labels = append([]string{"host", host}, s.Labels...)
			if !yield(s) {
				return
			}
		}
		if err != nil && failed != nil {
			failed(err)
		}
	}
}

// ask gets all pages. What one of them does not tell is left out.
func (m *Manager) ask(ctx context.Context) ([]metric.Sample, error) {
	var all []metric.Sample
	text, err := m.get(ctx, counters)
	values := numbers(text)
	for _, c := range known() {
		if v, ok := values[c.name]; ok {
			all = append(all, metric.Sample{Metric: c.metric, Help: c.help, Kind: metric.Counter, Labels: c.labels, Value: v * c.per})
		}
	}
	if err != nil {
		return nil, err // it would not tell the others either
	}
	if len(all) == 0 {
		return nil, errors.New("the cache manager's page counters has no counter: is it squid that listens there?")
	}
	text, err = m.get(ctx, serviceTimes)
	for _, q := range quantiles(text) {
		all = append(all, metric.Sample{
			Metric: "squid_service_time_seconds", Help: "How long requests took, of the last five minutes, by quantile.",
			Labels: []string{"kind", q.kind, "quantile", strconv.FormatFloat(q.ratio, 'f', -1, 64)}, Value: q.seconds,
		})
	}
	text, err2 := m.get(ctx, activeRequests)
	if err2 == nil {
		open, sent := tunnels(text)
		all = append(all,
			metric.Sample{Metric: "squid_open_tunnels", Help: "CONNECTs that are open.", Value: float64(open)},
			metric.Sample{Metric: "squid_open_tunnel_bytes", Help: "Bytes that the open CONNECTs sent their clients so far. They are billed when a tunnel closes: never add them.", Value: sent})
	}
	return all, errors.Join(err, err2)
}
