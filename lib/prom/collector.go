// Package prom spells outcomes as Prometheus metrics.
package prom

import (
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// prefix begins the name of every family.
const prefix = "milepost_"

// A Collector spells outcomes, and samples that no check measures, as the metrics
// of one page. It reads them anew for each page and keeps nothing, so what left
// the board leaves the page. Its fields are set before its first use.
//
// A sample that contradicts the page, such as a series that is there already, is
// left out and counted in samples_dropped_total: it costs itself, not the page.
type Collector struct {
	Outcomes func() []check.Outcome      // a board's All; nil = none
	Others   []iter.Seq[metric.Sample]   // what no check measures: the ledger's totals
	Counted  iter.Seq[*metric.Histogram] // histograms, which are counted elsewhere, each good until the next; nil = none
	More     []prometheus.Collector      // whose metrics have names of their own
	Classic  func() bool                 // whether histograms have classic buckets beside the native ones; nil = no
	Dropped  func(error)                 // told why, once for each family that loses samples; nil = nobody

	lengths atomic.Pointer[map[string]int] // of the families of the latest text
	zippers sync.Pool                      // of *gzip.Writer
	dropped atomic.Uint64
	told    sync.Map // names of families
}

// Describe says nothing: which families there are depends on the outcomes.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends one page.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	c.fill(&page{to: to, drop: c.drop})
}

// fill puts all there is on p.
func (c *Collector) fill(p *page) {
	if c.Counted != nil {
		classic := c.Classic != nil && c.Classic()
		for h := range c.Counted {
			p.histogram(h, classic)
		}
	}
	if c.Outcomes != nil {
		for _, o := range c.Outcomes() {
			p.outcome(o)
		}
	}
	for _, all := range c.Others {
		for s := range all {
			p.add(s)
		}
	}
	p.add(metric.Sample{
		Metric: "samples_dropped_total", Kind: metric.Counter, Value: float64(c.dropped.Load()),
		Help: "Samples left out of pages because they contradict others.",
	})
}

// drop counts a sample that is left out.
func (c *Collector) drop(family string, why error) {
	c.dropped.Add(1)
	if _, told := c.told.LoadOrStore(family, true); !told && c.Dropped != nil {
		c.Dropped(fmt.Errorf("leaving out samples of metric %q: %w", prefix+family, why))
	}
}

// outcome adds the metrics of o. Their names and help are also written by the
// plugins, without this package; a test holds both equal.
func (p *page) outcome(o check.Outcome) {
	of := []string{"host", o.Host, "check", o.Check}
	p.add(metric.Sample{
		Metric: "check_status", Value: float64(o.Status),
		Help: "Latest verdict: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
	}, of...)
	for s := verdict.OK; s <= verdict.Unknown; s++ {
		state := metric.Flag("", s == o.Status, "", "", "")
		state.Metric, state.Help = "check_state", "Latest verdict, one series a state: 1 for the state it is in."
		state.Labels = []string{"state", strings.ToLower(s.String())}
		p.add(state, of...)
	}
	p.add(metric.Sample{
		Metric: "check_last_run_timestamp_seconds", Unit: metric.Seconds, Value: float64(o.At.UnixMilli()) / 1000,
		Help: "When the latest run ended.",
	}, of...)
	p.add(metric.Sample{
		Metric: "check_duration_seconds", Unit: metric.Seconds, Value: o.Took.Seconds(),
		Help: "How long the latest run took.",
	}, of...)
	p.add(metric.Sample{
		Metric: "check_info", Labels: []string{"fault", string(o.Fault)}, Value: 1,
		Help: "Whose fault the latest verdict is; empty if nobody's.",
	}, of...)
	for _, f := range o.Findings {
		p.add(f.Sample, "host", o.Host)
	}
}
