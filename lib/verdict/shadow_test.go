package verdict

import (
	"testing"

	"milepost/lib/metric"
)

func TestNeverWarns(t *testing.T) {
	for _, tt := range []struct {
		warning, critical string
		want              bool
	}{
		{"5", "60", false},
		{"60", "5", true},
		{"5", "5", false},
		{"~:", "5", false},
		{"30:", "20:", false},
		{"20:", "30:", true},
		{"-5:5", "-60:60", false},
		{"-60:60", "-5:5", true},
		{"-5:60", "-60:5", false},
		{"@5:10", "@6:8", false},
		{"@6:8", "@5:10", true},
		{"@6:8", "5", true},
		{"@6:8", "7", false},
		{"8", "@5:10", false},
		{"8", "@~:", true},
	} {
		limit := metric.On("x", metric.MustRange(tt.warning), metric.MustRange(tt.critical))
		if name, never := NeverWarns([]metric.Limit{limit}); never != tt.want || never && name != "x" {
			t.Errorf("warning %s, critical %s: %q %v", tt.warning, tt.critical, name, never)
		}
	}
	pair := metric.Limit{
		Warning:  metric.All{"excess": metric.MustRange("@5:"), "p": metric.MustRange("@0:0.01")},
		Critical: metric.All{"excess": metric.MustRange("@20:"), "p": metric.MustRange("@0:0.0001")},
	}
	alone := metric.Limit{Critical: metric.All{"x": metric.MustRange("5")}}
	if name, never := NeverWarns([]metric.Limit{pair, alone, metric.Never("x"), metric.Seldom("x")}); never {
		t.Error(name)
	}
}
