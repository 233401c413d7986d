package hoststate

import (
	"strings"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

func TestEvidence(t *testing.T) {
	said := func(name string, s verdict.Status, why metric.Reason) check.Outcome {
		return check.Outcome{Check: name, Verdict: verdict.Verdict{Status: s, Reason: why}}
	}
	outcomes := []check.Outcome{
		said("clock_offset", verdict.Unknown, metric.ReasonNotMeasured),
		said("packet_loss", verdict.Warning, metric.ReasonLoss),
		said("path", verdict.Critical, ""),
		said("resolver", verdict.OK, ""),
		said("squid_auth", verdict.Critical, metric.ReasonRefused),
	}
	roles := []Word{{Check: "packet_loss"}, {Check: "resolver"}, {Check: "squid_auth"}}
	for _, tt := range []struct {
		situation string
		is        Standing
		want      string
	}{
		{"down: what made it so, not the way there", Standing{Status: Down, Reason: metric.ReasonRefused, Checks: roles}, "squid_auth packet_loss path clock_offset"},
		{"degraded by its losses", Standing{Status: Degraded, Reason: metric.ReasonLoss, Checks: roles}, "packet_loss squid_auth path clock_offset"},
		{"up: the worst", Standing{Status: Up, Checks: roles}, "path squid_auth packet_loss clock_offset"},
		{"nobody knows its roles", Standing{Status: Unknown}, "path squid_auth packet_loss clock_offset"},
	} {
		var got []string
		for _, o := range tt.is.Evidence(outcomes) {
			got = append(got, o.Check)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.situation, got, tt.want)
		}
	}
}
