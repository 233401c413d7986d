package prom

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/nagios"
	"milepost/lib/verdict"
)

// odd is a probe whose samples are of every kind, and hard to spell.
type odd struct {
	Critical metric.Range `short:"c" placeholder:"RANGE" help:"Critical outside."`
}

type oddResult struct{ host string }

func (o odd) Limits() []metric.Limit {
	return []metric.Limit{metric.On("share", metric.Range{}, o.Critical)}
}

func (r oddResult) Report() metric.Report {
	if r.host == "" {
		return metric.Report{}
	}
	share := gauge("odd_share_ratio", 12.5, "path", "C:\\a\n\"b\"", "bytes", "a\xffb")
	share.Name, share.Unit, share.Fault, share.Help = "share", metric.Percent, metric.FaultPath, "With a \\, a\nline and \"quotes\"."
	if r.host == "127.0.0.2" {
		share.Value = 0
	}
	flag := metric.Flag("late", true, "", "", "")
	flag.Metric, flag.Help = "odd_late", "Whether it is late."
	return metric.Report{Samples: []metric.Sample{
		share, flag, counter("odd_total", 1e21),
		gauge("odd_unknown", metric.NaN()), gauge("odd_tiny", 1e-9, "sign", "-"),
		{Name: "unexported", Value: 1},
	}}
}

func (oddResult) measure(_ context.Context, t metric.Target, _ odd) iter.Seq2[oddResult, error] {
	return func(yield func(oddResult, error) bool) { yield(oddResult{t.Name}, nil) }
}

// The plugins spell the same outcomes without this package: name, kind, help,
// labels and value are the same.
func TestPluginsAndPagesSayTheSame(t *testing.T) {
	kind := check.Define("odd", func() odd { return odd{metric.MustRange("10")} }, oddResult{}.measure)
	var out bytes.Buffer
	if code := nagios.Main([]string{"-H", "127.0.0.1", "-H", "127.0.0.2", "--output", "prometheus"}, &out, nagios.Plugin{Kind: kind}); code != int(verdict.Critical) {
		t.Fatal(code, out.String())
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	plugin, err := parser.TextToMetricFamilies(&out)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []check.Outcome
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		c, err := kind.Bind(kind.Default(), metric.Target{Name: host, Address: host})
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, c.Run(t.Context()))
	}
	c := &Collector{Outcomes: func() []check.Outcome { return outcomes }}
	families, err := c.Registry(false).Gather()
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]*dto.MetricFamily{}
	for _, f := range families {
		page[f.GetName()] = f
	}
	delete(page, "milepost_samples_dropped_total") // of the page itself
	if d := cmp.Diff(facts(plugin), facts(page)); d != "" {
		t.Errorf("-plugin +page:\n%s", d)
	}
	if len(page) != 10 {
		t.Errorf("%d families", len(page))
	}
}

// facts are what families say, but for the values that differ from run to run.
func facts(families map[string]*dto.MetricFamily) map[string][]string {
	all := map[string][]string{}
	for name, f := range families {
		all[name] = []string{f.GetType().String(), f.GetHelp()}
		for _, m := range f.GetMetric() {
			if name == "milepost_check_last_run_timestamp_seconds" || name == "milepost_check_duration_seconds" {
				m.Gauge.Value = new(float64)
			}
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		lines := series([]*dto.MetricFamily{f}, name)
		slices.Sort(lines)
		all[name] = append(all[name], lines...)
	}
	return all
}
