package prom

import (
	"flag"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/schedule"
	"milepost/lib/selfcheck"
	"milepost/lib/verdict"
)

var update = flag.Bool("update", false, "write the golden files")

func gauge(family string, value float64, labels ...string) metric.Sample {
	return metric.Sample{Metric: family, Value: value, Labels: labels, Help: "A gauge."}
}

func counter(family string, value float64, labels ...string) metric.Sample {
	return metric.Sample{Metric: family, Value: value, Labels: labels, Help: "A counter.", Kind: metric.Counter}
}

// histogram is one of two events, of 12.3 ms and of 200 ms.
func histogram(family string, labels ...string) *metric.Histogram {
	return &metric.Histogram{
		Metric: family, Labels: labels, Help: "Events.", Count: 2, Sum: 0.2123,
		Schema: 3, Buckets: []metric.Bucket{{Key: -50, Count: 1}, {Key: -18, Count: 1}},
		Classic: []metric.Bound{{UpTo: 0.001, Count: 0}, {UpTo: 0.064, Count: 1}, {UpTo: 1, Count: 2}},
	}
}

func outcome(host, name string, status verdict.Status, samples ...metric.Sample) check.Outcome {
	o := check.Outcome{Check: name, Host: host, At: time.UnixMilli(1767323045678), Took: 1500 * time.Millisecond}
	o.Status = status
	for _, s := range samples {
		o.Findings = append(o.Findings, verdict.Finding{Sample: s})
	}
	return o
}

// collector has the outcomes on its page.
func collector(outcomes ...check.Outcome) *Collector {
	return &Collector{Outcomes: func() []check.Outcome { return outcomes }, Classic: always}
}

// fleet is a page with everything that a page can have.
func fleet() *Collector {
	loss := gauge("ping_loss_ratio", 12.5)
	loss.Unit = metric.Percent
	open := metric.Flag("open_proxy", true, metric.FaultProxy, metric.ReasonOpenProxy, "anybody may use it")
	open.Metric, open.Help = "squid_auth_open_proxy", "Whether anybody may use it."
	auth := outcome("fra-1", "squid_auth", verdict.Critical, open, metric.Sample{Name: "not exported", Value: 7})
	auth.Fault = metric.FaultProxy
	c := collector(
		outcome("fra-1", "packet_loss", verdict.OK, loss, counter("ping_sent_total", 80)),
		auth,
		outcome("nyc\"\n\xff", "clock_offset", verdict.Unknown,
			gauge("clock_offset_seconds", math.NaN(), "source", "snmp"),
			gauge("clock_offset_seconds", -0.25, "source", "ntp")),
	)
	c.Counted = slices.Values([]*metric.Histogram{histogram("ping_rtt_seconds", "host", "fra-1")})
	c.Others = []iter.Seq[metric.Sample]{slices.Values([]metric.Sample{
		counter("squid_bytes_total", 9007199254740992, "host", "fra-1", "direction", "out"),
		gauge("monitor_trusted", 1, "test", "all"),
	})}
	return c
}

func scrape(t *testing.T, h http.Handler, accept string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; go test -update writes it):\n%s", file, d)
	}
}

func TestPages(t *testing.T) {
	one := fleet().Outcomes()[1]
	for _, tt := range []struct {
		name string
		from prometheus.Gatherer
	}{
		{"metrics", fleet().Registry(false)},
		{"probe", fleet().Probe(one)},
	} {
		code, header, body := scrape(t, Handler(tt.from, Serving{}), "text/plain")
		if code != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Errorf("%s: %d %q", tt.name, code, header)
		}
		golden(t, "testdata/"+tt.name+".prom", body)
	}
}

func TestLint(t *testing.T) {
	pedantic := prometheus.NewPedanticRegistry()
	pedantic.MustRegister(fleet())
	for _, from := range []prometheus.Gatherer{pedantic, fleet().Probe(fleet().Outcomes()[0])} {
		problems, err := testutil.GatherAndLint(from)
		if len(problems) > 0 || err != nil {
			t.Error(problems, err)
		}
	}
}

// What the house itself has to say fits on a page.
func TestLintOfWhatNoCheckMeasures(t *testing.T) {
	k, err := selfcheck.New(selfcheck.Config{Vantage: selfcheck.Vantage{Name: "monitor-1"}})
	if err != nil {
		t.Fatal(err)
	}
	k.Now(t.Context())
	c := collector()
	c.Others = []iter.Seq[metric.Sample]{(&schedule.Scheduler{}).Samples(), k.Samples()}
	pedantic := prometheus.NewPedanticRegistry()
	pedantic.MustRegister(c)
	problems, err := testutil.GatherAndLint(pedantic)
	if len(problems) > 0 || err != nil {
		t.Error(problems, err)
	}
	families, err := pedantic.Gather()
	all := series(families, "milepost_")
	for _, want := range []string{
		"scheduler_lag_seconds 0", `scheduler_rounds_total{kind="again"} 0`, `monitor_trusted{test="all"} 1`,
		`vantage_info{provider="",region="",vantage="monitor-1"} 1`, "samples_dropped_total 0",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is not among %q (%v)", want, all, err)
		}
	}
}

func TestOpenMetricsAndCompression(t *testing.T) {
	h := Handler(fleet().Registry(false), Serving{})
	if _, header, body := scrape(t, h, "application/openmetrics-text; version=1.0.0"); !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("%q\n%s", header, body)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%q", w.Header())
	}
}

func TestRuntime(t *testing.T) {
	for _, runtime := range []bool{false, true} {
		_, _, body := scrape(t, Handler(fleet().Registry(runtime), Serving{}), "text/plain")
		for _, family := range []string{"\ngo_goroutines ", "\nprocess_open_fds "} {
			if strings.Contains(body, family) != runtime {
				t.Errorf("runtime %v: %q is there: %v", runtime, family, !runtime)
			}
		}
	}
}

// series are the lines of the families whose name begins with begin.
func series(families []*dto.MetricFamily, begin string) []string {
	var all []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), begin) {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			line := strings.TrimPrefix(f.GetName(), prefix)
			if len(labels) > 0 {
				line += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.GetHistogram() != nil:
				line += fmt.Sprintf(" %d events", m.GetHistogram().GetSampleCount())
			case m.GetCounter() != nil:
				line += fmt.Sprintf(" %v", m.GetCounter().GetValue())
			default:
				line += fmt.Sprintf(" %v", m.GetGauge().GetValue())
			}
			all = append(all, line)
		}
	}
	return all
}

func TestPagesWhileOutcomesCome(t *testing.T) {
	var latest atomic.Pointer[check.Outcome]
	latest.Store(new(check.Outcome))
	c := &Collector{Outcomes: func() []check.Outcome { return []check.Outcome{*latest.Load()} }, Classic: always}
	h := Handler(c.Registry(false), Serving{})
	var all crew.Crew
	for range 4 {
		all.Go(func() {
			for n := range 200 {
				o := outcome("a", "c", verdict.OK, gauge("left", float64(n)), gauge("right", float64(n)))
				latest.Store(&o)
			}
		})
		all.Go(func() {
			for range 20 {
				families, err := c.Registry(false).Gather()
				left, right := strings.Join(series(families, "milepost_left"), ""), strings.Join(series(families, "milepost_right"), "")
				if err != nil || strings.TrimPrefix(left, "left") != strings.TrimPrefix(right, "right") {
					t.Errorf("%v: %q and %q are not of one run", err, left, right)
				}
				if code, _, _ := scrape(t, h, "text/plain"); code != http.StatusOK {
					t.Error(code)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkPage is a scrape of 1000 hosts with 4 checks each.
func BenchmarkPage(b *testing.B) {
	var all []check.Outcome
	for h := range 1000 {
		host := fmt.Sprintf("host-%04d", h)
		all = append(all,
			outcome(host, "clock_offset", verdict.OK, gauge("clock_offset_seconds", 0.1, "source", "snmp"), gauge("clock_offset_uncertainty_seconds", 0.1, "source", "snmp")),
			outcome(host, "packet_loss", verdict.OK, counter("ping_sent_total", 1), counter("ping_received_total", 1), counter("ping_lost_total", 0), gauge("ping_loss_ratio", 0)),
			outcome(host, "resolver", verdict.OK, gauge("resolver_up", 1, "resolver", "9.9.9.9"), gauge("resolver_duration_seconds", 0.1, "resolver", "9.9.9.9")),
			outcome(host, "squid_auth", verdict.OK, gauge("squid_auth_up", 1), gauge("squid_auth_stage_duration_seconds", 0.1, "stage", "connect"), gauge("squid_auth_stage_duration_seconds", 0.1, "stage", "auth")),
		)
	}
	h := Handler(collector(all...).Registry(false), Serving{})
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
	for b.Loop() {
		h.ServeHTTP(discard{http.Header{}}, r)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discard) WriteHeader(int)             {}

func always() bool { return true }
