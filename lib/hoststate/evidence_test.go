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

func TestProof(t *testing.T) {
	said := func(name string, s verdict.Status, why metric.Reason) check.Outcome {
		return check.Outcome{Check: name, Verdict: verdict.Verdict{Status: s, Reason: why}}
	}
	roles := []Word{{Check: "squid_auth"}, {Check: "packet_loss"}, {Check: "resolver"}}
	for _, tt := range []struct {
		situation      string
		is             Standing
		squid, loss    verdict.Status
		clock, resolve verdict.Status
		want           string
	}{
		{"up: what works, and no clock that was not read", Standing{Status: Up, Checks: roles}, verdict.OK, verdict.OK, verdict.Unknown, verdict.OK, "squid_auth packet_loss resolver"},
		{"up, with losses that are no reason for it", Standing{Status: Up, Checks: roles}, verdict.OK, verdict.Warning, verdict.Critical, verdict.Unknown, "squid_auth"},
		{"degraded", Standing{Status: Degraded, Reason: metric.ReasonLoss, Checks: roles}, verdict.OK, verdict.Warning, verdict.Critical, verdict.Unknown, "packet_loss"},
		{"down", Standing{Status: Down, Reason: metric.ReasonRefused, Checks: roles}, verdict.Critical, verdict.Critical, verdict.Critical, verdict.OK, "squid_auth packet_loss"},
		{"unknown", Standing{Status: Unknown, Checks: roles}, verdict.Unknown, verdict.Critical, verdict.Unknown, verdict.OK, "squid_auth"},
		{"nobody knows its roles", Standing{Status: Unknown}, verdict.Unknown, verdict.Unknown, verdict.Unknown, verdict.Unknown, ""},
	} {
		var got []string
		for _, o := range tt.is.Proof([]check.Outcome{
			said("clock_offset", tt.clock, ""), said("packet_loss", tt.loss, metric.ReasonLoss),
			said("resolver", tt.resolve, ""), said("squid_auth", tt.squid, metric.ReasonRefused),
		}) {
			got = append(got, o.Check)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.situation, got, tt.want)
		}
	}
}
