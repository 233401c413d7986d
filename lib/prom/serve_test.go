package prom

import (
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func TestProbeSuccess(t *testing.T) {
	for _, tt := range []struct {
		status verdict.Status
		want   string
	}{
		{verdict.OK, "probe_success 1"},
		{verdict.Warning, "probe_success 0"},
		{verdict.Critical, "probe_success 0"},
		{verdict.Unknown, "probe_success 0"},
	} {
		var c Collector
		families, err := c.Probe(outcome("a", "c", tt.status, gauge("x", 1), gauge("x", 2))).Gather()
		if got := series(families, "probe_success"); err != nil || got[0] != tt.want {
			t.Errorf("%v: %q, %v, want %q", tt.status, got, err, tt.want)
		}
		families, _ = c.Registry(false).Gather()
		if got := series(families, "milepost_"); len(got) != 1 || got[0] != "samples_dropped_total 1" {
			t.Errorf("/metrics after a probe: %q", got)
		}
	}
}

func TestServing(t *testing.T) {
	began, release := make(chan bool), make(chan bool)
	c := &Collector{Outcomes: func() []check.Outcome { began <- true; <-release; return nil }}
	h := Handler(c.Registry(false), Serving{AtOnce: 1})
	var first crew.Crew
	first.Go(func() {
		if code, _, _ := scrape(t, h, "text/plain"); code != http.StatusOK {
			t.Error(code)
		}
	})
	<-began
	if code, _, body := scrape(t, h, "text/plain"); code != http.StatusServiceUnavailable || !strings.Contains(body, "Limit of concurrent requests reached (1)") {
		t.Error(code, body)
	}
	release <- true
	first.Wait()

	h = Handler(c.Registry(false), Serving{Timeout: time.Millisecond})
	var second crew.Crew
	second.Go(func() { <-began })
	if code, _, body := scrape(t, h, "text/plain"); code != http.StatusServiceUnavailable || !strings.Contains(body, "Exceeded configured timeout of 1ms") {
		t.Error(code, body)
	}
	release <- true
	second.Wait()
}

// A source that breaks takes its own part of the page along, not the process.
func TestABrokenSource(t *testing.T) {
	var log strings.Builder
	c := collector()
	c.Others = []iter.Seq[metric.Sample]{func(func(metric.Sample) bool) { panic("boom") }}
	h := Handler(c.Registry(true), Serving{Log: slog.New(slog.NewTextHandler(&log, nil))})
	code, _, body := scrape(t, h, "text/plain")
	if code != http.StatusOK || !strings.Contains(body, "go_goroutines") || !strings.Contains(log.String(), "boom") {
		t.Error(code, body, log.String())
	}
}
