package prom

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"milepost/lib/check"
	"milepost/lib/verdict"
)

// Registry is what /metrics gathers: the metrics of c and, if runtime, those of
// the Go runtime and of this process.
func (c *Collector) Registry(runtime bool) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	r.MustRegister(c.More...)
	if runtime {
		r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	return r
}

// Probe is what /probe gathers: probe_success (1 only if o is OK) and
// probe_duration_seconds, which users of other probing exporters know, then the
// metrics of o alone. Events are left out: one run is no histogram. What is
// dropped is counted on the page of c.
func (c *Collector) Probe(o check.Outcome) *prometheus.Registry {
	success := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_success", Help: "Whether the verdict of this probe is OK.",
	})
	if o.Status == verdict.OK {
		success.Set(1)
	}
	took := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "probe_duration_seconds", Help: "How long this probe took.",
	})
	took.Set(o.Took.Seconds())
	r := prometheus.NewRegistry()
	r.MustRegister(success, took, single{o, c.drop})
	return r
}

// single collects the metrics of one outcome.
type single struct {
	check.Outcome
	drop func(family string, why error)
}

// Describe says nothing: which families there are depends on the outcome.
func (s single) Describe(chan<- *prometheus.Desc) {}

// Collect sends the page.
func (s single) Collect(to chan<- prometheus.Metric) {
	p := page{to: to, drop: s.drop}
	p.outcome(s.Outcome)
}

// Serving bounds what pages may cost.
type Serving struct {
	AtOnce  int           // pages at the same time: the next is answered 503; 0 = any number
	Timeout time.Duration // a page that takes longer is answered 503; 0 = none
	Plain   bool          // never compressed: for small pages a compressor costs more than it saves
	Log     *slog.Logger  // hears what is wrong with a page; nil = nobody
}

// Handler serves what from gathers, in the format and the compression that the
// client asks for. What cannot be gathered is left out of a page, not the page.
func Handler(from prometheus.Gatherer, s Serving) http.Handler {
	opts := promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: s.AtOnce,
		Timeout:             s.Timeout,
		DisableCompression:  s.Plain,

		EnableOpenMetricsTextCreatedSamples: true,
	}
	if s.Log != nil {
		opts.ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelError)
	}
	return promhttp.HandlerFor(from, opts)
}
