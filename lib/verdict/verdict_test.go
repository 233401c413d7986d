package verdict

import (
	"errors"
	"math"
	"slices"
	"testing"

	"milepost/lib/metric"
)

func number(name string, v float64) metric.Sample {
	return metric.Sample{Name: name, Value: v, Fault: metric.FaultPath, Reason: metric.ReasonSlow}
}

func TestJudge(t *testing.T) {
	r := metric.MustRange
	within := func(lo, v, hi float64) metric.Sample { return number("x", v).Between(lo, hi) }
	usual := []metric.Limit{metric.On("x", r("5"), r("60"))}
	signed := []metric.Limit{metric.On("x", r("-5:5"), r("-60:60"))}
	two := []metric.Limit{{Warning: metric.All{"excess": r("@5:"), "p": r("@0:0.01")}, Critical: metric.All{"excess": r("@20:"), "p": r("@0:0.0001")}}}
	flags := []metric.Limit{metric.Never("open"), metric.Seldom("late"), metric.On("x", r("5"), metric.Range{})}
	yes := func(name string) metric.Sample {
		return metric.Flag(name, true, metric.FaultProxy, metric.ReasonOpenProxy, name+" it is")
	}
	no := func(name string) metric.Sample {
		return metric.Flag(name, false, metric.FaultProxy, metric.ReasonOpenProxy, name+" it is")
	}
	for _, tt := range []struct {
		name    string
		samples []metric.Sample
		limits  []metric.Limit
		want    string
		decided bool
	}{
		{"below", []metric.Sample{number("x", 4)}, usual, "OK ", true},
		{"the end belongs to the range", []metric.Sample{number("x", 5)}, usual, "OK ", true},
		{"above the warning", []metric.Sample{number("x", 5.1)}, usual, "WARNING limit crossed: x above 5", true},
		{"above both", []metric.Sample{number("x", 61)}, usual, "CRITICAL limit crossed: x above 60", true},
		{"below zero is outside 0:5", []metric.Sample{number("x", -0.1)}, usual, "CRITICAL limit crossed: x below 0", true},
		{"within a signed range", []metric.Sample{number("x", -4.9)}, signed, "OK ", true},
		{"not a number", []metric.Sample{number("x", math.NaN())}, usual, "UNKNOWN x was not measured", false},
		{"not there", []metric.Sample{number("y", 1)}, usual, "UNKNOWN x was not measured", false},
		{"nothing there", nil, usual, "UNKNOWN nothing was measured", false},
		{"no limits", []metric.Sample{number("x", 1e9)}, nil, "OK ", true},
		{"empty limits", []metric.Sample{number("x", 1e9)}, []metric.Limit{{}, metric.On("x", metric.Range{}, metric.Range{})}, "OK ", true},
		{"straddles the warning", []metric.Sample{within(4.5, 4.9, 5.3)}, usual, "OK cannot exclude WARNING: limit inside the uncertainty", false},
		{"straddles the critical", []metric.Sample{within(59, 60, 61)}, usual, "WARNING cannot exclude CRITICAL: limit inside the uncertainty; limit crossed: x above 5", false},
		{"surely outside", []metric.Sample{within(5.01, 5.5, 6)}, usual, "WARNING limit crossed: x above 5", true},
		{"wider than the whole range", []metric.Sample{within(-7, 0, 7)}, signed, "UNKNOWN x lies between -7 and 7, which is not known finely enough for the limit -5:5: widen the limit", false},
		{"a number in the unit that it has", []metric.Sample{{Name: "x", Unit: metric.Seconds, Value: 7, Fault: metric.FaultHost}}, usual, "WARNING limit crossed: x above 5 s", true},
		{"both spellings of one limit", []metric.Sample{number("x", -7), number("x_abs", 7)}, []metric.Limit{{Warning: metric.All{"x": r("5").Around(), "x_abs": r("5")}}}, "WARNING limit crossed: x below -5", true},
		{"inside", []metric.Sample{number("x", 3)}, []metric.Limit{metric.On("x", r("@~:4"), metric.Range{})}, "WARNING limit crossed: x at most 4", true},
		{"two limits", []metric.Sample{number("x", 7), number("y", 7)}, []metric.Limit{metric.On("x", r("5"), r("60")), metric.On("y", r("6"), metric.Range{})}, "WARNING limit crossed: x above 5, y above 6", true},
		{"only the limit of what it is", []metric.Sample{number("x", 70), number("y", 7)}, []metric.Limit{metric.On("x", r("5"), r("60")), metric.On("y", r("6"), metric.Range{})}, "CRITICAL limit crossed: x above 60", true},
		{"both keys", []metric.Sample{number("excess", 13), number("p", 0.001)}, two, "WARNING limit crossed: excess at least 5 and p within 0 to 0.01", true},
		{"size without significance", []metric.Sample{number("excess", 13), number("p", 0.037)}, two, "OK ", true},
		{"significance without size", []metric.Sample{number("excess", 3), number("p", 0.0001)}, two, "OK ", true},
		{"one key silent, the other unknown", []metric.Sample{number("excess", 3)}, two, "OK ", true},
		{"one key alerts, the other unknown", []metric.Sample{number("excess", 30)}, two, "UNKNOWN p was not measured", false},
		{"a flag that may not be", []metric.Sample{yes("open"), no("late"), number("x", 1)}, flags, "CRITICAL open it is", true},
		{"a flag that should not be", []metric.Sample{no("open"), yes("late"), number("x", 1)}, flags, "WARNING late it is", true},
		{"a test that was not made is not OK", []metric.Sample{no("late"), number("x", 1)}, flags, "UNKNOWN open was not measured", false},
		{"a proven fault is not hidden by one not seen", []metric.Sample{no("late"), number("x", 9)}, flags, "WARNING limit crossed: x above 5", false},
	} {
		v := Judge(metric.Report{Samples: tt.samples}, tt.limits)
		if got := v.Status.String() + " " + v.Summary; got != tt.want || v.Decided != tt.decided {
			t.Errorf("%s: %q decided %v, want %q decided %v", tt.name, got, v.Decided, tt.want, tt.decided)
		}
		if v.Status == OK && (v.Fault != "" || v.Reason != "") {
			t.Errorf("%s: OK, and %s's fault", tt.name, v.Fault)
		}
		if (v.Status == Warning || v.Status == Critical) && v.Fault == "" {
			t.Errorf("%s: nobody's fault", tt.name)
		}
	}
}

func TestSeveralTargets(t *testing.T) {
	limits := []metric.Limit{metric.Never("hijack"), metric.On("time", metric.MustRange("1"), metric.Range{})}
	of := func(who string, time float64, hijack bool) []metric.Sample {
		h := metric.Flag("hijack", hijack, metric.FaultResolver, metric.ReasonGateway, "invents names")
		h.Of = who
		return []metric.Sample{{Name: "time", Of: who, Value: time}, h}
	}
	for _, tt := range []struct {
		name    string
		samples []metric.Sample
		want    string
	}{
		{"all well", slices.Concat(of("a", .1, false), of("b", .1, false)), "OK two asked"},
		{"the worst counts", slices.Concat(of("a", 2, false), of("b", .1, true)), "CRITICAL b: invents names; two asked"},
		{"two are as bad", slices.Concat(of("a", .1, true), of("b", .1, true)), "CRITICAL a: invents names; b: invents names; two asked"},
		{"a metric of the whole run is no target", append(of("a", .1, false), metric.Sample{Metric: "runs_total"}), "OK two asked"},
		{"nothing but metrics", []metric.Sample{{Metric: "runs_total"}}, "UNKNOWN hijack was not measured; time was not measured; two asked"},
		{"one half seen", slices.Concat(of("a", .1, false), of("b", .1, false)[:1]), "UNKNOWN b: hijack was not measured; two asked"},
	} {
		v := Judge(metric.Report{Text: "two asked", Samples: tt.samples}, limits)
		if got := v.Status.String() + " " + v.Summary; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if len(v.Findings) != len(tt.samples) {
			t.Errorf("%s: %d findings of %d samples", tt.name, len(v.Findings), len(tt.samples))
		}
	}
}

func TestFindingsCarryTheRangesInForce(t *testing.T) {
	v := Judge(metric.Report{Samples: []metric.Sample{number("x", 7), number("y", 1)}},
		[]metric.Limit{metric.On("x", metric.MustRange("5"), metric.MustRange("60"))})
	x, y := v.Findings[0], v.Findings[1]
	if x.Warning.String() != "5" || x.Critical.String() != "60" || x.Status != Warning || y.Status != OK || !y.Warning.IsZero() {
		t.Errorf("%+v %+v", x, y)
	}
}

func TestSeverity(t *testing.T) {
	order := []Status{OK, Unknown, Warning, Critical}
	for i, a := range order {
		for j, b := range order {
			if a.Worse(b) != (i > j) {
				t.Errorf("%v worse than %v: %v", a, b, a.Worse(b))
			}
			if got := Worst(a, b); got != order[max(i, j)] {
				t.Errorf("worst of %v and %v is %v", a, b, got)
			}
		}
	}
}

func TestStatusWords(t *testing.T) {
	for text, want := range map[string]Status{"ok": OK, "Warning": Warning, "CRITICAL": Critical, "unknown": Unknown, "0": OK, "3": Unknown} {
		var s Status
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %v (%v)", text, s, err)
		}
	}
	for _, text := range []string{"", "00", "01", "10", "4", "-1", "crit", "ok "} {
		var s Status
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func TestBroken(t *testing.T) {
	failed := Failed(errors.New("no permission"))
	timeout := Verdict{Status: Critical, Summary: "timed out"}
	for _, tt := range []struct {
		name   string
		v, why Verdict
		want   string
	}{
		{"nothing proven", Verdict{Status: OK, Summary: "so far"}, failed, "UNKNOWN no permission"},
		{"nothing known", Verdict{Status: Unknown, Summary: "x was not measured"}, failed, "UNKNOWN no permission"},
		{"a proven fault stands", Verdict{Status: Critical, Summary: "open proxy"}, failed, "CRITICAL open proxy; no permission"},
		{"the timeout's state is worse", Verdict{Status: Warning, Summary: "slow"}, timeout, "CRITICAL slow; timed out"},
	} {
		v := Broken(tt.v, tt.why)
		if got := v.Status.String() + " " + v.Summary; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDoubt(t *testing.T) {
	limits := []metric.Limit{metric.On("x", metric.MustRange("5"), metric.MustRange("60"))}
	for _, tt := range []struct {
		name string
		x    float64
		want string
	}{
		{"a success counts", 1, "OK "},
		{"a failure does not", 7, "UNKNOWN either clock may be wrong; limit crossed: x above 5"},
		{"however bad", 70, "UNKNOWN either clock may be wrong; limit crossed: x above 60"},
	} {
		v := Judge(metric.Report{Doubt: "either clock may be wrong", Samples: []metric.Sample{number("x", tt.x)}}, limits)
		if got := v.Status.String() + " " + v.Summary; got != tt.want || !v.Decided {
			t.Errorf("%s: %q decided %v, want %q", tt.name, got, v.Decided, tt.want)
		}
		for _, f := range v.Findings {
			if f.Status == Warning || f.Status == Critical {
				t.Errorf("%s: finding %+v", tt.name, f)
			}
		}
	}
}

// A verdict may never get better by knowing less, and never claims more than
// the interval says: judged at every point of the interval, the verdict of the
// interval is no worse than the worst and, if decided, the same as all.
func TestAnIntervalClaimsNoMoreThanItsPoints(t *testing.T) {
	limits := []metric.Limit{metric.On("x", metric.MustRange("-5:5"), metric.MustRange("-60:60"))}
	at := func(lo, hi float64) Verdict {
		return Judge(metric.Report{Samples: []metric.Sample{number("x", (lo+hi)/2).Between(lo, hi)}}, limits)
	}
	for lo := -70.0; lo <= 70; lo += 2.5 {
		for width := 0.0; width < 9; width += 0.5 {
			whole := at(lo, lo+width)
			same := true
			for x := lo; x <= lo+width; x += 0.25 {
				p := at(x, x)
				same = same && p.Status == at(lo, lo).Status
				if whole.Status.Worse(p.Status) && whole.Decided && whole.Status != Unknown {
					t.Errorf("%v..%v is %v, but %v alone is %v", lo, lo+width, whole.Status, x, p.Status)
				}
			}
			if same != whole.Decided {
				t.Errorf("%v..%v: decided %v, all points the same %v", lo, lo+width, whole.Decided, same)
			}
		}
	}
}
