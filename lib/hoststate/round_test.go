package hoststate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// says is an outcome of the check, taken at the epoch.
func says(name string, s verdict.Status, why metric.Reason, samples ...metric.Sample) check.Outcome {
	v := verdict.Verdict{Status: s, Reason: why}
	for _, sample := range samples {
		v.Findings = append(v.Findings, verdict.Finding{Sample: sample})
	}
	return check.Outcome{Check: name, Host: "fra-1", At: epoch, Verdict: v}
}

func TestRoundStatus(t *testing.T) {
	roles := Roles{Down: []string{"squid_auth", "tls"}, Degraded: []string{"packet_loss", "resolver"}}
	const (
		good = verdict.OK
		warn = verdict.Warning
		crit = verdict.Critical
		dark = verdict.Unknown
	)
	for _, row := range []struct {
		situation              string
		auth, tls, loss, names verdict.Status
		want                   Status
		why                    metric.Reason
	}{
		{"all well", good, good, good, good, Up, ""},
		{"one down-check is critical", good, crit, good, good, Down, "tls"},
		{"the first critical one gives the reason", crit, crit, good, good, Down, "refused"},
		{"a proven fault is not hidden by what was not seen", dark, crit, good, good, Down, "tls"},
		{"a down-check that saw nothing", dark, good, good, good, Unknown, "monitor_route"},
		{"what was not seen is not called slow", dark, good, crit, warn, Unknown, "monitor_route"},
		{"a down-check warns", warn, good, good, good, Degraded, "refused"},
		{"a degraded-check warns", good, good, warn, good, Degraded, "loss"},
		{"a degraded-check is critical", good, good, crit, good, Degraded, "loss"},
		{"a degraded-check that saw nothing changes nothing", good, good, dark, dark, Up, ""},
		{"critical and degraded", crit, good, crit, crit, Down, "refused"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			why := func(s verdict.Status, alert metric.Reason) metric.Reason {
				return map[verdict.Status]metric.Reason{warn: alert, crit: alert, dark: metric.ReasonMonitorRoute}[s]
			}
			got := roles.Round([]check.Outcome{
				says("clock_offset", crit, "monitor_clock"), // the operator's: no role
				says("resolver", row.names, why(row.names, metric.ReasonSlow)),
				says("packet_loss", row.loss, why(row.loss, metric.ReasonLoss)),
				says("tls", row.tls, why(row.tls, metric.ReasonTLS)),
				says("squid_auth", row.auth, why(row.auth, metric.ReasonRefused)),
			})
			want := Round{At: epoch, Status: row.want, Reason: row.why, Checks: []Word{
				{"squid_auth", row.auth}, {"tls", row.tls}, {"packet_loss", row.loss}, {"resolver", row.names},
			}}
			if !cmp.Equal(got, want) {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

func TestRoundWithoutEvidence(t *testing.T) {
	both := Roles{Down: []string{"squid_auth", "tls"}}
	old := says("squid_auth", verdict.Critical, metric.ReasonRefused)
	old.At = epoch.Add(-time.Hour)
	for _, row := range []struct {
		situation string
		roles     Roles
		outcomes  []check.Outcome
		want      Status
		at        time.Time
	}{
		{"no outcome at all", both, nil, Unknown, time.Time{}},
		{"a down-check has not run yet", both, []check.Outcome{says("tls", verdict.OK, "")}, Unknown, epoch},
		{"a down-check that has not run hides no fault", both, []check.Outcome{says("tls", verdict.Critical, "tls")}, Down, epoch},
		{"no check decides", Roles{Degraded: []string{"packet_loss"}}, []check.Outcome{says("packet_loss", verdict.OK, "")}, Unknown, time.Time{}},
		{"a check that hangs makes the round old", both, []check.Outcome{old, says("tls", verdict.OK, "")}, Down, old.At},
		{"of two outcomes of a check the newer counts", Roles{Down: []string{"squid_auth"}}, []check.Outcome{says("squid_auth", verdict.OK, ""), old}, Up, epoch},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := row.roles.Round(row.outcomes); got.Status != row.want || !got.At.Equal(row.at) {
				t.Errorf("got %v at %v, want %v at %v", got.Status, got.At, row.want, row.at)
			}
		})
	}
}

func TestLatency(t *testing.T) {
	roles := Roles{Down: []string{"tls", "squid_auth"}, Degraded: []string{"packet_loss"}}
	seconds := func(name string, v float64) metric.Sample {
		return metric.Sample{Name: name, Unit: metric.Seconds, Value: v}
	}
	took := seconds("time", 0.084)
	for _, row := range []struct {
		situation string
		outcomes  []check.Outcome
		want      time.Duration
	}{
		{"the dearest duration", []check.Outcome{says("squid_auth", verdict.OK, "", metric.Flag("no_fetch", false, "", "", ""), took, seconds("connect", 0.02))}, 84 * time.Millisecond},
		{"slow is a latency too", []check.Outcome{says("squid_auth", verdict.Warning, "slow", took)}, 84 * time.Millisecond},
		{"how long a failure took is none", []check.Outcome{says("squid_auth", verdict.Critical, "refused", took)}, 0},
		{"a clock's offset is none", []check.Outcome{says("squid_auth", verdict.OK, "", seconds("offset", 3), seconds("offset_abs", 3), seconds("uncertainty", 0.5), seconds("rtt", 0.021))}, 21 * time.Millisecond},
		{"a clock that was read here", []check.Outcome{says("squid_auth", verdict.OK, "", seconds("offset", 3))}, 0},
		{"not determined", []check.Outcome{says("squid_auth", verdict.OK, "", seconds("time", metric.NaN()))}, 0},
		{"another check's", []check.Outcome{says("packet_loss", verdict.OK, "", seconds("rtt_median", 0.03))}, 0},
		{"the first down-check that has one", []check.Outcome{says("tls", verdict.OK, ""), says("squid_auth", verdict.OK, "", took)}, 84 * time.Millisecond},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := roles.Round(row.outcomes).Latency; got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}

func TestRolesOfAHost(t *testing.T) {
	all := Roles{Down: []string{"squid_auth"}, Degraded: []string{"packet_loss", "resolver"}}
	for _, row := range []struct {
		situation     string
		checks, aimed []string
		want          Roles
	}{
		{"a proxy", []string{"clock_offset", "packet_loss", "path", "squid_auth"}, nil, Roles{[]string{"squid_auth"}, []string{"packet_loss"}}},
		{"no down-check: packet loss decides", []string{"clock_offset", "packet_loss", "resolver"}, []string{"resolver"}, Roles{[]string{"packet_loss"}, []string{"resolver"}}},
		{"no packet loss either: the check aimed at it", []string{"clock_offset", "resolver"}, []string{"resolver"}, Roles{[]string{"resolver"}, nil}},
		{"the first that it has of those aimed at it", []string{"resolver"}, []string{"http", "resolver"}, Roles{[]string{"resolver"}, nil}},
		{"only the operator's checks: nothing decides", []string{"clock_offset", "path"}, nil, Roles{}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			if got := all.Of(row.checks, row.aimed); !cmp.Equal(got, row.want) {
				t.Error(cmp.Diff(row.want, got))
			}
		})
	}
}
