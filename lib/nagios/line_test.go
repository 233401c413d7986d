package nagios

import (
	"math"
	"os"
	"testing"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// outcome is what a check of the host found: one number, held by a limit.
func outcome(host string, s verdict.Status, summary string, value float64) check.Outcome {
	f := verdict.Finding{Sample: metric.Sample{Name: "speed", Unit: metric.Seconds, Value: value}, Warning: metric.MustRange("5")}
	return check.Outcome{Check: "speed", Host: host, Verdict: verdict.Verdict{Status: s, Summary: summary, Findings: []verdict.Finding{f}}}
}

// What Nagios, and whatever reads its performance data, get of odd numbers, odd names
// and hosts that differ.
func TestFirstLine(t *testing.T) {
	for _, tt := range []struct {
		situation string
		outs      []check.Outcome
		want      string
	}{
		{"not determined", []check.Outcome{outcome("a", verdict.Unknown, "no answer", math.NaN())}, "SPEED UNKNOWN: no answer | speed=U;5"},
		{"without end", []check.Outcome{outcome("a", verdict.Unknown, "no answer", math.Inf(1))}, "SPEED UNKNOWN: no answer | speed=U;5"},
		{"no exponent, however small", []check.Outcome{outcome("a", verdict.OK, "fine", 1e-6)}, "SPEED OK: fine | speed=0.000001s;5"},
		{"nor however large", []check.Outcome{outcome("a", verdict.OK, "fine", 1e21)}, "SPEED OK: fine | speed=1000000000000000000000s;5"},
		{
			"names that would need quotes",
			[]check.Outcome{outcome("a b=c'd|e;f", verdict.OK, "", 1), outcome("g\"h\n\x00\xff", verdict.OK, "", 2), outcome("Zürich", verdict.OK, "", 3)},
			"SPEED OK: 3 hosts: 3 OK | a_b_c_d_e_f_speed=1s;5 g_h____speed=2s;5 Zürich_speed=3s;5",
		},
		{
			"of each state one",
			[]check.Outcome{outcome("a", verdict.OK, "fine", 1), outcome("b", verdict.Unknown, "not seen", math.NaN()), outcome("c", verdict.Warning, "slow", 6), outcome("d", verdict.Critical, "dead", 70)},
			"SPEED CRITICAL: 4 hosts: 1 CRITICAL, 1 WARNING, 1 UNKNOWN, 1 OK; d: dead | a_speed=1s;5 b_speed=U;5 c_speed=6s;5 d_speed=70s;5",
		},
		{
			"a warning outweighs what was not seen",
			[]check.Outcome{outcome("a", verdict.Unknown, "not seen", math.NaN()), outcome("b", verdict.Warning, "slow", 6)},
			"SPEED WARNING: 2 hosts: 1 WARNING, 1 UNKNOWN; b: slow | a_speed=U;5 b_speed=6s;5",
		},
		{
			"what was not seen is not OK",
			[]check.Outcome{outcome("a", verdict.OK, "fine", 1), outcome("b", verdict.Unknown, "not seen", math.NaN())},
			"SPEED UNKNOWN: 2 hosts: 1 UNKNOWN, 1 OK; b: not seen | a_speed=1s;5 b_speed=U;5",
		},
	} {
		if got := firstLine("speed", tt.outs); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.situation, got, tt.want)
		}
	}
}

// The first of the usual files counts: by directory, and in one by name. A file that is
// named goes before them, and whether it is there is seen when it is opened.
func TestWhichIniFileIsRead(t *testing.T) {
	near, far := t.TempDir(), t.TempDir()
	order := []string{
		near + "/monitoring-plugins.ini", near + "/plugins.ini", near + "/nagios-plugins.ini",
		far + "/monitoring-plugins.ini", far + "/plugins.ini", far + "/nagios-plugins.ini",
	}
	for _, file := range order {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("MP_CONFIG_FILE", "")
	t.Setenv("NAGIOS_CONFIG_PATH", near+":"+far)
	for _, want := range order {
		if got := usualIni(); got != want {
			t.Errorf("%s is read, want %s", got, want)
		}
		if err := os.Remove(want); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("MP_CONFIG_FILE", "/nonexistent/mine.ini")
	if got := usualIni(); got != "/nonexistent/mine.ini" {
		t.Errorf("%s is read", got)
	}
	if files := iniFiles(); files[0] != "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini" || files[4] != "/etc/nagios/plugins.ini" {
		t.Errorf("the usual files are %q", files)
	}
}
