package prom

import (
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// trips are two hosts' round trips.
func trips() iter.Seq[*metric.Histogram] {
	return slices.Values([]*metric.Histogram{
		{
			Metric: "trips_seconds", Help: "Round \"trips\"\\.", Labels: []string{"host", "fra-1"}, Count: 6, Sum: 0.5, Schema: 3,
			Zero: 1, ZeroUpTo: 1e-7, Buckets: []metric.Bucket{{Key: -80, Count: 2}, {Key: -79, Count: 1}, {Key: -20, Count: 2}},
			Classic: []metric.Bound{{UpTo: 0.001, Count: 3}, {UpTo: 1, Count: 6}},
		},
		{Metric: "trips_seconds", Help: "Round \"trips\"\\.", Labels: []string{"host", "nyc\"\n"}, Schema: 3, Classic: []metric.Bound{{UpTo: 0.001}, {UpTo: 1}}},
		{Metric: "trips_seconds", Help: "Round \"trips\"\\.", Labels: []string{"host", "fra-1"}, Count: 7}, // is dropped
	})
}

// However a page is made, its lines are the same.
func TestTextIsWhatTheLibraryWrites(t *testing.T) {
	for _, accept := range []string{"text/plain", "application/openmetrics-text; version=1.0.0"} {
		for _, classic := range []bool{true, false} {
			page := func(serve func(*Collector) http.Handler) []string {
				c := fleet()
				c.Classic, c.Counted = func() bool { return classic }, trips()
				c.Others = append(c.Others, slices.Values([]metric.Sample{
					gauge("inf", math.Inf(1)), gauge("inf", math.Inf(-1), "a", "b"), gauge("small", 1e-9), gauge("large", 1e21), gauge("ping_loss_ratio", 1, "host", "fra-1"),
				}))
				_, _, body := scrape(t, serve(c), accept)
				lines := strings.Split(body, "\n")
				slices.Sort(lines)
				return lines
			}
			want := page(func(c *Collector) http.Handler { return Handler(c.Registry(false), Serving{}) })
			got := page(func(c *Collector) http.Handler { return c.Pages(false, Serving{}) })
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, classic %v (-the library's +ours):\n%s", accept, classic, d)
			}
		}
	}
}

func TestPagesAreCompressed(t *testing.T) {
	h := fleet().Pages(true, Serving{AtOnce: 1})
	for range 2 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept-Encoding", "deflate, gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil || !strings.Contains(string(body), "\ngo_goroutines ") || w.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%v, %d bytes, %v", err, len(body), w.Header())
		}
	}
}

func TestProtocolBuffersHaveNativeHistograms(t *testing.T) {
	c := &Collector{Counted: trips(), Classic: always}
	families, err := c.Registry(false).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "milepost_trips_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		got := fmt.Sprint(h.GetSchema(), h.GetZeroCount(), h.GetPositiveSpan(), h.GetPositiveDelta(), h.GetSampleCount(), len(h.GetBucket()))
		if want := "3 1 [offset:-80 length:2 offset:58 length:1] [2 -1 1] 6 2"; strings.ReplaceAll(got, "  ", " ") != want {
			t.Errorf("%s, want %s", got, want)
		}
		return
	}
	t.Error("there are none")
}

// thousand is a page of 1,000 hosts with all that is exported of them.
func thousand() *Collector {
	c := fleet()
	one := c.Outcomes()[0]
	one.Findings = nil
	for i := range 3 {
		one.Findings = append(one.Findings, verdict.Finding{Sample: gauge(fmt.Sprint("g", i), float64(i)/7)})
	}
	var outcomes []check.Outcome
	for i := range 1000 {
		one.Host = fmt.Sprint("host-", i)
		outcomes = append(outcomes, one)
	}
	c.Outcomes = func() []check.Outcome { return outcomes }
	c.Counted = func(yield func(*metric.Histogram) bool) {
		h := metric.Histogram{Metric: "trips_seconds", Labels: []string{"host", ""}, Schema: 3, Count: 1000, Sum: 80}
		for i := range 20 {
			h.Classic = append(h.Classic, metric.Bound{UpTo: 0.00005 * math.Pow(2, float64(i)), Count: uint64(50 * i)})
			h.Buckets = append(h.Buckets, metric.Bucket{Key: -40 + i, Count: 50})
		}
		for i := range 1000 {
			h.Labels[1] = fmt.Sprint("host-", i)
			if !yield(&h) {
				return
			}
		}
	}
	c.Others = []iter.Seq[metric.Sample]{func(yield func(metric.Sample) bool) {
		for family := range 10 {
			for i := range 1000 {
				if !yield(counter(fmt.Sprintf("c%d_total", family), float64(i), "host", fmt.Sprint("host-", i))) {
					return
				}
			}
		}
	}}
	return c
}

func BenchmarkThousandHosts(b *testing.B) {
	for name, encoding := range map[string]string{"text": "", "gzip": "gzip"} {
		b.Run(name, func(b *testing.B) {
			h := thousand().Pages(false, Serving{})
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", encoding)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
