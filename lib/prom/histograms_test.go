package prom

import (
	"math"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func TestHistograms(t *testing.T) {
	size := event("reply_bytes", 1)
	size.Unit = metric.Bytes
	for _, tt := range []struct {
		name    string
		classic bool
		sample  metric.Sample
		want    int
	}{
		{"classic too", true, event("x_seconds", 0.25), 16},
		{"native only", false, event("x_seconds", 0.25), 0},
		{"round trips' buckets do not fit bytes", true, size, 0},
	} {
		c := Collector{Classic: tt.classic}
		c.Observe(outcome("a", "c", verdict.OK, tt.sample))
		h := histogramOf(t, &c)
		if got := len(h.GetBucket()); got != tt.want || h.GetSchema() != 3 || len(h.GetPositiveDelta()) != 1 {
			t.Errorf("%s: %d classic buckets, want %d; %v", tt.name, got, tt.want, h)
		}
	}
}

// histogramOf is the only histogram of c.
func histogramOf(t *testing.T, c *Collector) *dto.Histogram {
	t.Helper()
	families, err := c.Registry(false).Gather()
	for _, f := range families {
		if f.GetType() == dto.MetricType_HISTOGRAM {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatal("no histogram", err)
	return nil
}

func TestHistogramsAreBounded(t *testing.T) {
	var c Collector
	for i := range 2000 {
		c.Observe(outcome("a", "c", verdict.OK, event("x_seconds", math.Pow(1.05, float64(i-1000)))))
	}
	h := histogramOf(t, &c)
	if n := len(h.GetPositiveDelta()); n > 160+10 || h.GetSampleCount() != 2000 { // gaps are spelled as empty buckets
		t.Errorf("%d buckets, %d events", n, h.GetSampleCount())
	}
}

func TestForgotten(t *testing.T) {
	var c Collector
	r := c.Registry(false)
	rtt := event("ping_rtt_seconds", 0.1)
	for _, host := range []string{"a", "b"} {
		c.Observe(outcome(host, "packet_loss", verdict.OK, rtt, rtt))
		c.Observe(outcome(host, "path", verdict.OK, rtt))
	}
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"nothing", func() {}, `ping_rtt_seconds{host="a"} 3 events; ping_rtt_seconds{host="b"} 3 events`},
		{"a check without events", func() { c.Forget("a", "resolver") }, `ping_rtt_seconds{host="a"} 3 events; ping_rtt_seconds{host="b"} 3 events`},
		{"one of two that feed it", func() { c.Forget("a", "path") }, `ping_rtt_seconds{host="a"} 3 events; ping_rtt_seconds{host="b"} 3 events`},
		{"the other one", func() { c.Forget("a", "packet_loss") }, `ping_rtt_seconds{host="b"} 3 events`},
		{"the last host", func() { c.Forget("b", "packet_loss"); c.Forget("b", "path") }, ``},
		{"a host that comes back starts anew", func() { c.Observe(outcome("a", "packet_loss", verdict.OK, rtt)) }, `ping_rtt_seconds{host="a"} 1 events`},
	} {
		tt.do()
		families, err := r.Gather()
		if got := strings.Join(series(families, "milepost_ping"), "; "); got != tt.want || err != nil {
			t.Errorf("%s: %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
	}
}
