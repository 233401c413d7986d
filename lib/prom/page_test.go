package prom

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// What contradicts the page is dropped; the rest of the page stands.
func TestDropped(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []metric.Sample
		want    string // the series of x*, without the prefix
		why     string
	}{
		{"not a number is one", []metric.Sample{gauge("x", math.NaN())}, `x{host="a"} NaN`, ""},
		{"the same twice", []metric.Sample{gauge("x", 1), gauge("x", 2)}, `x{host="a"} 1`, `leaving out samples of metric "milepost_x": series ["host" "a"] is there already`},
		{"values that join to the same", []metric.Sample{gauge("x", 1, "b", "1", "c", "23"), gauge("x", 2, "b", "12", "c", "3")}, `x{b="1",c="23",host="a"} 1; x{b="12",c="3",host="a"} 2`, ""},
		{"labels in another order", []metric.Sample{gauge("x", 1, "b", "1", "c", "2"), gauge("x", 2, "c", "3", "b", "1")}, `x{b="1",c="2",host="a"} 1; x{b="1",c="3",host="a"} 2`, ""},
		{"a label more", []metric.Sample{gauge("x", 1), gauge("x", 2, "b", "1")}, `x{host="a"} 1`, `labels ["host" "a" "b" "1"] are not those of the family, ["host"]`},
		{"another label", []metric.Sample{gauge("x", 1, "b", "1"), gauge("x", 2, "c", "1")}, `x{b="1",host="a"} 1`, `labels ["host" "a" "c" "1"] are not those of the family, ["b" "host"]`},
		{"a label without a value", []metric.Sample{gauge("x", 1, "b")}, "", `the last of labels ["host" "a" "b"] has no value`},
		{"a label without a value, later", []metric.Sample{gauge("x", 1), gauge("x", 1, "b")}, `x{host="a"} 1`, `labels ["host" "a" "b"] are not those of the family, ["host"]`},
		{"a label twice", []metric.Sample{gauge("x", 1, "host", "b")}, "", `label "host" is there twice`},
		{"a bad label", []metric.Sample{gauge("x", 1, "b-c", "1")}, "", `"b-c" is no name of a label`},
		{"a label that Prometheus keeps for itself", []metric.Sample{gauge("x", 1, "__name__", "1")}, "", `"__name__" is no name of a label`},
		{"a histogram's label", []metric.Sample{gauge("x_seconds", 1, "le", "1")}, "", `"le" is no name of a label`},
		{"a bad name", []metric.Sample{gauge("x y", 1), gauge("x", 1)}, `x{host="a"} 1`, `"milepost_x y" is no name of a metric`},
		{"a counter that is a gauge", []metric.Sample{counter("x_total", 1), gauge("x_total", 2, "b", "c")}, `x_total{host="a"} 1`, "it is a counter here and a gauge there"},
		{"another help", []metric.Sample{gauge("x", 1, "b", "1"), {Metric: "x", Labels: []string{"b", "2"}, Help: "Other."}}, `x{b="1",host="a"} 1; x{b="2",host="a"} 0`, ""},
		{"a bad first sample does not make the family", []metric.Sample{gauge("x", 1, "b"), gauge("x", 2)}, `x{host="a"} 2`, "has no value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := collector()
			var why []string
			c.Dropped = func(err error) { why = append(why, err.Error()) }
			o := outcome("a", "c", verdict.OK, tt.samples...)
			c.Outcomes = func() []check.Outcome { return []check.Outcome{o} }
			families, err := c.Registry(false).Gather()
			if err != nil {
				t.Fatalf("the page as a whole has a fault: %v", err)
			}
			if got := strings.Join(series(families, "milepost_x"), "; "); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if got := strings.Join(why, "; "); (tt.why == "") != (got == "") || !strings.Contains(got, tt.why) {
				t.Errorf("said %q, want %q", got, tt.why)
			}
			counted := series(families, "milepost_samples_dropped_total")
			if none := counted[0] == "samples_dropped_total 0"; none != (tt.why == "") {
				t.Error(counted)
			}
			if up := series(families, "milepost_check_status"); len(up) != 1 {
				t.Error(up)
			}
		})
	}
}

func TestDroppedBesideHistograms(t *testing.T) {
	of := func(labels ...string) *metric.Histogram { return histogram("x_seconds", labels...) }
	for _, tt := range []struct {
		name       string
		histograms []*metric.Histogram
		sample     metric.Sample
		want       string // the series of x*, without the prefix
		why        string
	}{
		{"a histogram's name", []*metric.Histogram{of("host", "a")}, gauge("x_seconds", 2), `x_seconds{host="a"} 2 events`, "a histogram has the name"},
		{"the name of a histogram's count", []*metric.Histogram{of("host", "a")}, gauge("x_seconds_count", 2), `x_seconds{host="a"} 2 events`, "a histogram has the name"},
		{"a histogram twice", []*metric.Histogram{of("host", "a"), of("host", "a")}, gauge("y", 2), `x_seconds{host="a"} 2 events`, `series ["host" "a"] is there already`},
		{"a histogram with another label", []*metric.Histogram{of("host", "a"), of("host", "a", "b", "c")}, gauge("y", 2), `x_seconds{host="a"} 2 events`, `labels ["host" "a" "b" "c"] are not those of the family, ["host"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var why []string
			c := collector(outcome("a", "c", verdict.OK, tt.sample))
			c.Counted, c.Dropped = slices.Values(tt.histograms), func(err error) { why = append(why, err.Error()) }
			families, err := c.Registry(false).Gather()
			if err != nil {
				t.Fatalf("the page as a whole has a fault: %v", err)
			}
			if got := strings.Join(series(families, "milepost_x"), "; "); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if got := strings.Join(why, "; "); !strings.Contains(got, tt.why) {
				t.Errorf("said %q, want %q", got, tt.why)
			}
		})
	}
}

func TestEachFaultIsToldOnceAndCountedEachTime(t *testing.T) {
	c, told := collector(outcome("a", "c", verdict.OK, gauge("x", 1), gauge("x", 2))), 0
	c.Dropped = func(error) { told++ }
	r := c.Registry(false)
	for want := 1; want <= 3; want++ {
		families, err := r.Gather()
		if got := series(families, "milepost_samples"); err != nil || got[0] != fmt.Sprintf("samples_dropped_total %d", want) {
			t.Error(got, err)
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
