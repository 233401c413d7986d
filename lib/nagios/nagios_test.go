package nagios

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/secret"
	"milepost/lib/verdict"
)

// speed is a probe that answers what its options say.
type speed struct {
	Warning      metric.Range `short:"w" placeholder:"RANGE" help:"Warn outside."`
	Critical     metric.Range `short:"c" placeholder:"RANGE" help:"Critical outside."`
	Value        float64      `help:"What is measured."`
	Do           string       `help:"What goes wrong."`
	Many         int          `help:"How many idle metrics."`
	PasswordFile secret.File
}

func defaultSpeed() speed {
	return speed{Warning: metric.MustRange("5"), Critical: metric.MustRange("60"), Value: 1}
}

func (s speed) Limits() []metric.Limit {
	return []metric.Limit{metric.On("speed", s.Warning, s.Critical)}
}

func (s speed) Validate() error {
	if s.Do == "contradict" {
		return errors.New("--do and --value exclude each other")
	}
	return nil
}

func (s speed) Needs(context.Context, metric.Target) []metric.Need {
	if s.Do == "need" {
		return []metric.Need{{What: "a wheel", Have: "none", Mend: "apt install wheel"}}
	}
	return []metric.Need{{What: "a wheel", Have: "round", OK: true}}
}

type reached struct {
	speed
	host string
}

func (r reached) Report() metric.Report {
	if r.host == "" {
		return metric.Report{}
	}
	rep := metric.Report{
		Text:    fmt.Sprintf("speed of %s is %g | with a pipe\nand a line", r.host, r.Value),
		Samples: []metric.Sample{{Name: "speed", Metric: "speed_meters", Labels: []string{"source", `a"b`}, Help: "How fast.", Unit: metric.Seconds, Value: r.Value, Fault: metric.FaultHost}},
		Stages:  []metric.Stage{{Doing: `running "` + r.host + `"`, Took: 1234567 * time.Nanosecond, Said: "> go\n< gone"}},
		Advice:  []string{"oil it"},
	}
	for i := range r.Many {
		rep.Samples = append(rep.Samples, metric.Sample{Name: fmt.Sprintf("idle_metric_%03d", i), Value: 1234.5678})
	}
	return rep
}

func measureSpeed(ctx context.Context, t metric.Target, s speed) iter.Seq2[reached, error] {
	return func(yield func(reached, error) bool) {
		switch s.Do {
		case "panic":
			panic("boom")
		case "panic elsewhere":
			var c crew.Crew
			c.Go(func() { panic("boom elsewhere") })
			c.Wait()
		case "hang":
			<-ctx.Done()
			yield(reached{}, &metric.Interrupted{Stage: fmt.Sprintf("running %q", t.Address), Err: ctx.Err()})
			return
		case "deaf":
			select {} // what a runner must survive
		}
		if t.Address == "slow.invalid" {
			s.Value = 7
		}
		yield(reached{s, t.Name}, nil)
	}
}

func plugin() Plugin {
	return Plugin{Kind: check.Define("speed", defaultSpeed, measureSpeed), About: "Measures speed."}
}

func execute(args ...string) (int, string) {
	var out bytes.Buffer
	code := Main(args, &out, plugin())
	return code, out.String()
}

func TestPluginLines(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"-H 192.0.2.1", 0, "SPEED OK: speed of 192.0.2.1 is 1 / with a pipe and a line | speed=1s;5;60\n"},
		{"-H 192.0.2.1 --value 6", 1, "SPEED WARNING: speed of 192.0.2.1 is 6 / with a pipe and a line; limit crossed: speed above 5 s | speed=6s;5;60\n"},
		{"-H 192.0.2.1 --value 61", 2, "SPEED CRITICAL: speed of 192.0.2.1 is 61 / with a pipe and a line; limit crossed: speed above 60 s | speed=61s;5;60\n"},
		{"-H 192.0.2.1 --value -3 -w -5:5 -c ~:60", 0, "SPEED OK: speed of 192.0.2.1 is -3 / with a pipe and a line | speed=-3s;-5:5;~:60\n"},
		{"-H 192.0.2.1 --value 0.00042", 0, "SPEED OK: speed of 192.0.2.1 is 0.00042 / with a pipe and a line | speed=0.00042s;5;60\n"},
		{"", 3, "SPEED UNKNOWN: usage: no host: give one with -H HOST\n"},
		{"-H", 3, "SPEED UNKNOWN: usage: -H: needs a value (check_speed --help says more)\n"},
		{"-H a -w 5x", 3, `SPEED UNKNOWN: usage: --warning: end of range "5x": "5x" is not a number: digits, one point and a sign are allowed, units and exponents are not (check_speed --help says more)` + "\n"},
		{"-H a --nonsense", 3, `SPEED UNKNOWN: usage: no option "nonsense" (check_speed --help says more)` + "\n"},
		{"192.0.2.1", 3, `SPEED UNKNOWN: usage: unexpected argument "192.0.2.1": a host is given with -H (check_speed --help says more)` + "\n"},
		{"-H a --do contradict", 3, "SPEED UNKNOWN: usage: --do and --value exclude each other\n"},
		{"-H 192.0.2.1 -4 -6", 3, "SPEED UNKNOWN: usage: -4 and -6 exclude each other\n"},
		{"-H 192.0.2.1 -t 0", 3, "SPEED UNKNOWN: usage: --timeout: a timeout is longer than 0 (check_speed --help says more)\n"},
		{"-H 192.0.2.1 -t 10:ok", 3, "SPEED UNKNOWN: usage: --timeout: what was not measured is never OK: write warning, critical or unknown (check_speed --help says more)\n"},
		{"-H 192.0.2.1 --do panic", 3, "SPEED UNKNOWN: the check itself is broken: panic: boom\n"},
		{"-H 192.0.2.1 --do=panic\u00a0elsewhere", 3, "SPEED UNKNOWN: the check itself is broken: panic: boom elsewhere\n"},
		{"-H 192.0.2.1 --do hang -t 0.05", 3, "SPEED UNKNOWN: timed out after 50ms while running \"192.0.2.1\"\n"},
		{"-H 192.0.2.1 --do hang -t 0.05:critical", 2, "SPEED CRITICAL: timed out after 50ms while running \"192.0.2.1\"\n"},
		{"-H 192.0.2.1 --do deaf -t 0.05:warning", 1, "SPEED WARNING: timed out after 50ms while measuring, and did not stop by itself\n"},
		{"--self-test", 0, "SPEED OK: self-test: everything that this check needs is here\nhave: a wheel: round\n"},
		{"--self-test --do need", 3, "SPEED UNKNOWN: self-test: a wheel: none: run apt install wheel\nneed: a wheel: none\nrun: apt install wheel\n"},
		{"-H 192.0.2.1 -v", 0, "SPEED OK: speed of 192.0.2.1 is 1 / with a pipe and a line | speed=1s;5;60\nstage: running \"192.0.2.1\": 1.2ms\nhint: oil it\n"},
		{"-H 192.0.2.1 -H 192.0.2.1", 0, "SPEED OK: speed of 192.0.2.1 is 1 / with a pipe and a line | speed=1s;5;60\n"},
		{"-H 192.0.2.1 -H 192.0.2.2", 0, "SPEED OK: 2 hosts: 2 OK | 192.0.2.1_speed=1s;5;60 192.0.2.2_speed=1s;5;60\n"},
		{"-H 192.0.2.1 -H 192.0.2.2 -v --value 9", 1, "SPEED WARNING: 2 hosts: 2 WARNING; 192.0.2.1: speed of 192.0.2.1 is 9 / with a pipe and a line; limit crossed: speed above 5 s; 192.0.2.2: speed of 192.0.2.2 is 9 / with a pipe and a line; limit crossed: speed above 5 s | 192.0.2.1_speed=9s;5;60 192.0.2.2_speed=9s;5;60\n" +
			"[WARNING] 192.0.2.1: speed of 192.0.2.1 is 9 / with a pipe and a line; limit crossed: speed above 5 s\nstage: running \"192.0.2.1\": 1.2ms\nhint: oil it\n[WARNING] 192.0.2.2: speed of 192.0.2.2 is 9 / with a pipe and a line; limit crossed: speed above 5 s\nstage: running \"192.0.2.2\": 1.2ms\nhint: oil it\n"},
	} {
		args := strings.Fields(tt.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "\u00a0", " ")
		}
		if strings.Contains(tt.args, "\u00a0") {
			args = []string{"-H", "192.0.2.1", "--do=panic elsewhere"}
		}
		code, out := execute(args...)
		if code != tt.code || out != tt.want {
			t.Errorf("%q: %d %q\nwant %d %q", tt.args, code, out, tt.code, tt.want)
		}
	}
}

func TestHelpAndVersionAreNotOK(t *testing.T) {
	for _, arg := range []string{"--help", "-h", "--version", "-V"} {
		code, out := execute(arg)
		if code != 3 || !strings.Contains(out, "check_speed") {
			t.Errorf("%s: %d %q", arg, code, out)
		}
	}
	if _, out := execute("-h"); !strings.Contains(out, "Measures speed.") || !strings.Contains(out, "-w, --warning=RANGE") {
		t.Error(out)
	}
}

func TestVerboseShowsWhereOptionsCameFrom(t *testing.T) {
	_, out := execute("-H", "192.0.2.1", "-vvv", "-w", "7")
	for _, want := range []string{"option: warning = 7 (the command line)\n", "option: critical = 60 (default)\n", "> go\n", "< gone\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for i, line := range strings.Split(out, "\n") {
		if i > 0 && strings.Contains(line, "|") {
			t.Errorf("a pipe in %q", line)
		}
	}
}

func TestTheFirstLineFitsIntoNRPE(t *testing.T) {
	code, out := execute("-H", "192.0.2.1", "--many", "100")
	line, _, _ := strings.Cut(out, "\n")
	if code != 0 || len(line) > budget || !strings.Contains(line, "| speed=1s;5;60 idle_metric_000=") || !strings.Contains(line, "metrics trimmed)") || strings.Contains(line, "idle_metric_099") {
		t.Errorf("%d %d %q", code, len(line), line)
	}
	var hosts []string
	for i := range 60 {
		hosts = append(hosts, "-H", fmt.Sprintf("192.0.2.%d", i+1))
	}
	_, out = execute(append(hosts, "--value", "9")...)
	line, _, _ = strings.Cut(out, "\n")
	if len(line) > budget || !strings.HasPrefix(line, "SPEED WARNING: 60 hosts: 60 WARNING; 192.0.2.1: ") || !strings.Contains(line, "metrics trimmed)") {
		t.Errorf("%d %q", len(line), line)
	}
}

// What thousands of hosts say is cut in one pass, and what fits stays.
func TestTheFirstLineOfAFleetFitsIntoNRPE(t *testing.T) {
	var outs []check.Outcome
	for i := range 2000 {
		f := verdict.Finding{Sample: metric.Sample{Name: "speed"}, Warning: metric.MustRange("5")}
		idle := verdict.Finding{Sample: metric.Sample{Name: "idle"}}
		v := verdict.Verdict{Status: verdict.Warning, Summary: "too fast", Findings: []verdict.Finding{f, idle}}
		outs = append(outs, check.Outcome{Check: "speed", Host: fmt.Sprintf("host-%04d.example.net", i), Verdict: v})
	}
	began := time.Now()
	line := firstLine("speed", outs)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, want := range []string{
		"SPEED WARNING: 2000 hosts: 2000 WARNING; host-0000.example.net: too fast; ",
		"... (3980 metrics trimmed) | host-0000.example.net_speed=0;5 host-0001",
	} {
		if len(line) > budget || !strings.Contains(line, want) {
			t.Errorf("%d bytes, no %q in %q", len(line), want, line)
		}
	}
}

// However much there is to say, the figure that the check is about is there.
func TestALongTextLeavesTheFirstMetric(t *testing.T) {
	findings := []verdict.Finding{{Sample: metric.Sample{Name: "drifted", Value: 1}}, {Sample: metric.Sample{Name: "looked_at", Value: 2}}}
	v := verdict.Verdict{Status: verdict.Warning, Summary: strings.Repeat("package ", 900), Findings: findings}
	line := firstLine("drift", []check.Outcome{{Check: "drift", Verdict: v}})
	if len(line) > budget || len(line) < budget-2 || !strings.HasSuffix(line, "... (1 metric trimmed) | drifted=1") {
		t.Errorf("%d %q", len(line), line)
	}
}

func TestFitCutsBetweenLetters(t *testing.T) {
	for n := range 40 {
		line := fit("X OK: ", strings.Repeat("ü", 480)+strings.Repeat("x", n), []perfdatum{{"a=1;2;3", -1}, {"b=2", 1}})
		if len(line) > budget || !strings.Contains(line, "a=1;2;3") || strings.Contains(line, "\uFFFD") {
			t.Fatalf("%d %q", len(line), line)
		}
	}
}

// Whoever asks for JSON, or for metrics, gets them whatever is wrong with the arguments.
func TestUsageErrorsInTheFormatAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a bad range before", []string{"-H", "a", "-w", "5x", "--output", "json"}, `"summary":"usage: --warning: end of range`},
		{"a bad range behind", []string{"--output=json", "-H", "a", "-w", "5x"}, `"summary":"usage: --warning: end of range`},
		{"no such option", []string{"--nonsense", "--output", "json"}, `"summary":"usage: no option \"nonsense\"`},
		{"no host, and the option cut short", []string{"--outp", "json"}, `"summary":"usage: no host`},
		{"an operand", []string{"--output", "json", "a"}, `"exit_code":3,"summary":"usage: unexpected argument`},
		{"no value", []string{"--output", "json", "-w"}, `"summary":"usage: -w: needs a value`},
		{"metrics", []string{"--output", "prometheus", "--nonsense"}, `milepost_check_state{host="",check="speed",state="unknown"} 1`},
		{"a format that is none", []string{"--output", "yaml"}, `SPEED UNKNOWN: usage: --output: format "yaml" is none of`},
	} {
		if code, out := execute(tt.args...); code != 3 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %d %s\nwant %s", tt.name, code, out, tt.want)
		}
	}
}

// Digits that nobody measured are noise in every graph's legend.
func TestPerfdataIsRounded(t *testing.T) {
	for _, tt := range []struct {
		kind  metric.Kind
		unit  metric.Unit
		value float64
		want  string
	}{
		{metric.Gauge, metric.Seconds, 0.1 + 0.2, "0.3s"},
		{metric.Gauge, metric.Seconds, 0.000042999, "0.000043s"},
		{metric.Gauge, metric.Seconds, -3599.860516123, "-3599.860516s"},
		{metric.Gauge, metric.Percent, 100.0 / 3, "33.333%;;;0;100"},
		{metric.Gauge, metric.None, 2.0 / 3e6, "0.000000666667"},
		{metric.Gauge, metric.None, 123456789.123, "123457000"},
		{metric.Gauge, metric.None, 123456789, "123456789"},
		{metric.Gauge, metric.None, 5e-324, "0." + strings.Repeat("0", 323) + "5"},
		{metric.Gauge, metric.Bytes, 123456789.5, "123456789.5B"},
		{metric.Counter, metric.None, 1234567891, "1234567891c"},
		{metric.Gauge, metric.Seconds, 1e18 + 1, "1000000000000000000s"},
		{metric.Gauge, metric.Seconds, math.NaN(), "U"},
		{metric.Gauge, metric.Seconds, math.Inf(1), "U"},
	} {
		f := verdict.Finding{Sample: metric.Sample{Kind: tt.kind, Unit: tt.unit, Value: tt.value}}
		if got := value(f); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.value, got, tt.want)
		}
	}
}

func TestJSON(t *testing.T) {
	code, out := execute("-H", "192.0.2.1", "--output", "json", "--value", "6")
	var got struct {
		Check, Status string
		ExitCode      int `json:"exit_code"`
		Hosts         []struct {
			Host, Status, Fault string
			Metrics             []struct {
				Name, Warning, Status string
				Value                 float64
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err, out)
	}
	m := got.Hosts[0].Metrics[0]
	if code != 1 || got.ExitCode != 1 || got.Status != "WARNING" || got.Hosts[0].Fault != "host" || m.Name != "speed" || m.Value != 6 || m.Warning != "5" || m.Status != "WARNING" {
		t.Errorf("%d %+v", code, got)
	}
	if code, out = execute("--output", "json", "-w", "x"); code != 3 || !json.Valid([]byte(out)) && !strings.HasPrefix(out, "SPEED UNKNOWN: usage") {
		t.Errorf("%d %q", code, out)
	}
}

func TestPrometheus(t *testing.T) {
	code, out := execute("-H", "192.0.2.1", "--output=prometheus", "--value", "6")
	for _, want := range []string{
		"# TYPE milepost_check_status gauge\nmilepost_check_status{host=\"192.0.2.1\",check=\"speed\"} 1\n",
		"milepost_check_state{host=\"192.0.2.1\",check=\"speed\",state=\"warning\"} 1\n",
		"milepost_check_info{host=\"192.0.2.1\",check=\"speed\",fault=\"host\"} 1\n",
		"# HELP milepost_speed_meters How fast.\n# TYPE milepost_speed_meters gauge\nmilepost_speed_meters{host=\"192.0.2.1\",source=\"a\\\"b\"} 6\n",
	} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("%d: no %q in\n%s", code, want, out)
		}
	}
}

func TestExtraOpts(t *testing.T) {
	dir := t.TempDir()
	ini := filepath.Join(dir, "plugins.ini")
	text := "; a comment\n[other]\nwarning = 1\n\n[check_speed]\nwarning = 7\n# more\nv\ncritical=80\n[mine]\nw=3\n"
	if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NAGIOS_CONFIG_PATH", dir)
	for _, tt := range []struct{ args, want string }{
		{"-H 192.0.2.1 --extra-opts", "speed=1s;7;80"},
		{"--extra-opts -H 192.0.2.1", "speed=1s;7;80"},
		{"--extra-opts= -H 192.0.2.1", "speed=1s;7;80"},
		{"-H 192.0.2.1 --extra-opts=mine", "speed=1s;3;60"},
		{"-H 192.0.2.1 --extra-opts mine", "speed=1s;3;60"},
		{"-H 192.0.2.1 --extra-opts=other@" + ini, "speed=1s;1;60"},
		{"-H 192.0.2.1 -w 9 --extra-opts", "speed=1s;9;80"},
		{"-H 192.0.2.1 --extra-opts=none", "SPEED UNKNOWN: usage: --extra-opts: ini file \"" + ini + "\" has no section [none]"},
		{"-H 192.0.2.1 --extra-opts=@/nonexistent", "SPEED UNKNOWN: usage: --extra-opts: opening ini file: open /nonexistent: no such file or directory"},
	} {
		if _, out := execute(strings.Fields(tt.args)...); !strings.Contains(out, tt.want) {
			t.Errorf("%q: %q, want %q", tt.args, out, tt.want)
		}
	}
	if err := os.WriteFile(ini, []byte("[check_speed]\nwraning=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := execute("-H", "a", "--extra-opts"); code != 3 || !strings.Contains(out, ini+":2: ") {
		t.Errorf("%d %q", code, out)
	}
}

// Files, the environment and the command line say more and more: the last word counts,
// and of several words in one place the last too.
func TestTheOrderOfExtraOpts(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	files := map[string]string{
		filepath.Join(first, "plugins.ini"):             "[check_speed]\nwarning=11\n",
		filepath.Join(first, "nagios-plugins.ini"):      "[check_speed]\nwarning=12\n",
		filepath.Join(second, "monitoring-plugins.ini"): "[check_speed]\nwarning=13\nwarning=14\n[more]\nwarning=15\n[check_speed]\ncritical=77\n",
	}
	for file, text := range files {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inventory := filepath.Join(first, "milepost.yml")
	if err := os.WriteFile(inventory, []byte("hosts: [{name: a, address: 192.0.2.1, checks: {speed: {warning: 2, critical: 3}}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, args, want string }{
		{"of one directory, the first name counts", first, "-H 192.0.2.1 --extra-opts", "speed=1s;11;60"},
		{"the first directory before the second", first + ":" + second, "-H 192.0.2.1 --extra-opts", "speed=1s;11;60"},
		{"a directory that is not there is passed over", "/nonexistent:" + second, "-H 192.0.2.1 --extra-opts", "speed=1s;14;77"},
		{"the last line counts, and a section may go on later", second, "-H 192.0.2.1 --extra-opts", "speed=1s;14;77"},
		{"two sections, in the order of the command line", second, "-H 192.0.2.1 --extra-opts=check_speed --extra-opts=more", "speed=1s;15;77"},
		{"and the other way round", second, "-H 192.0.2.1 --extra-opts=more --extra-opts=check_speed", "speed=1s;14;77"},
		{"the command line goes before, wherever it stands", second, "-w 9 -H 192.0.2.1 --extra-opts -c 8", "speed=1s;9;8"},
		{"ini files go before the inventory", second, "--extra-opts=more --fleet " + inventory, "speed=1s;15;3"},
		{"no ini file anywhere", "/nonexistent", "-H 192.0.2.1 --extra-opts=x@", "none of the usual ini files is there"},
	} {
		t.Setenv("NAGIOS_CONFIG_PATH", tt.path)
		if _, out := execute(strings.Fields(tt.args)...); !strings.Contains(out, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, out, tt.want)
		}
	}
}

// The file that MP_CONFIG_FILE names is meant, whatever is elsewhere and whether it is
// there or not; but not where the command line names one.
func TestTheIniFileOfTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.ini")
	for file, text := range map[string]string{mine: "[check_speed]\nwarning=21\n", filepath.Join(dir, "plugins.ini"): "[check_speed]\nwarning=22\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("NAGIOS_CONFIG_PATH", dir)
	for _, tt := range []struct{ file, args, want string }{
		{"", "--extra-opts", "speed=1s;22;60"},
		{mine, "--extra-opts", "speed=1s;21;60"},
		{mine, "--extra-opts=@" + dir + "/plugins.ini", "speed=1s;22;60"},
		{"/nonexistent.ini", "--extra-opts", "--extra-opts: opening ini file: open /nonexistent.ini: no such file or directory"},
	} {
		t.Setenv("MP_CONFIG_FILE", tt.file)
		if _, out := execute("-H", "192.0.2.1", tt.args); !strings.Contains(out, tt.want) {
			t.Errorf("%q %s: %q, want %q", tt.file, tt.args, out, tt.want)
		}
	}
}

// An ini file that asks for JSON gets it, though another line of it is wrong.
func TestFaultsOfAnIniFileAreSpelledAsItSays(t *testing.T) {
	ini := filepath.Join(t.TempDir(), "plugins.ini")
	for text, want := range map[string]string{
		"[check_speed]\noutput=json\nwraning=1\n":  ini + ":3: ",
		"[check_speed]\nwraning=1\noutput=json\n":  ini + ":2: ",
		"[check_speed]\noutput=json\nwarning=5x\n": ini + ":3: ",
		"[check_speed]\noutput=json\n[broken\n":    ini + ":3: ",
	} {
		if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got struct{ Status, Summary string }
		code, out := execute("-H", "192.0.2.1", "--extra-opts=@"+ini)
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 3 || got.Status != "UNKNOWN" || !strings.Contains(got.Summary, want) {
			t.Errorf("%q: %d %v %s", text, code, err, out)
		}
	}
}

// A self-test looks at every host's needs, and tells what they have in common once.
func TestSelfTestsInOtherSpellings(t *testing.T) {
	const both = "--self-test -H 192.0.2.1 -H 192.0.2.2 -H fra-1.example.net"
	if code, out := execute(strings.Fields(both)...); code != 0 || strings.Count(out, "have: a wheel: round\n") != 1 || strings.Count(out, "have: a resolver: ") != 1 {
		t.Errorf("%d %s", code, out)
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, `{"check":"speed","status":"OK","exit_code":0,"summary":"self-test: everything that this check needs is here","needs":[{"what":"a wheel","ok":true,"have":"round","mend":""}]}` + "\n"},
		{"--do need", 3, `{"check":"speed","status":"UNKNOWN","exit_code":3,"summary":"self-test: a wheel: none: run apt install wheel","needs":[{"what":"a wheel","ok":false,"have":"none","mend":"apt install wheel"}]}` + "\n"},
	} {
		if code, out := execute(strings.Fields("--self-test --output json " + tt.args)...); code != tt.code || out != tt.want {
			t.Errorf("%s: %d %s", tt.args, code, out)
		}
	}
	const comments = "# SPEED UNKNOWN: self-test: a wheel: none: run apt install wheel\n# need: a wheel: none\n# run: apt install wheel\n"
	if code, out := execute("--self-test", "--do", "need", "--output", "prometheus"); code != 3 || out != comments {
		t.Errorf("%d %s", code, out)
	}
}

// A host that is given by name cannot be checked without a resolver.
func TestSelfTestNeedsAResolverForNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	for _, tt := range []struct {
		text string // "" = there is no file
		ok   bool
		have string
		mend string
	}{
		{"search example.net\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n", true, file + " names 192.0.2.53", ""},
		{"# nameserver 192.0.2.53\noptions rotate\nnameserver\n", false, file + " names no nameserver", "echo nameserver ADDRESS >>" + file},
		{"", false, "open " + file + ": no such file or directory", "echo nameserver ADDRESS >>" + file},
	} {
		_ = os.Remove(file)
		if tt.text != "" {
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if n := needResolver(file); n.OK != tt.ok || n.Have != tt.have || !n.OK && n.Mend != tt.mend {
			t.Errorf("%q: %+v", tt.text, n)
		}
	}
	for host, needs := range map[string]bool{"fra-1.example.net": true, "192.0.2.1": false, "2001:db8::1": false} {
		if _, out := execute("--self-test", "-H", host); strings.Contains(out, "a resolver") != needs {
			t.Errorf("%s: %s", host, out)
		}
	}
}

func TestFleetGivesAddressOptionsAndLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "milepost.yml")
	text := `
defaults:
  timeout: 7s
  checks:
    speed: {warning: 2, value: 9}
    unheard_of: {x: 1}
hosts:
  - {name: baltimore, address: 192.0.2.9, checks: {speed: {critical: 8}}}
  - {name: other, checks: {speed: {warning: 3x}}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := execute("--fleet", file, "--fleet-host", "baltimore", "-vv")
	for _, want := range []string{
		"SPEED CRITICAL: speed of baltimore is 9 / with a pipe and a line; limit crossed: speed above 8 s | speed=9s;2;8\n",
		"option: warning = 2 (" + file + ":5)\n", "option: timeout = 7s (" + file + ":3)\n", "option: critical = 8 (" + file + ":8)\n",
	} {
		if code != 2 || !strings.Contains(out, want) {
			t.Errorf("%d: no %q in\n%s", code, want, out)
		}
	}
	for args, want := range map[string]string{
		"--fleet " + file + " --fleet-host baltimore -w 10 -c 20": "SPEED OK",
		"--fleet " + file + " --fleet-host baltimor":              `has no host "baltimor": did you mean "baltimore"?`,
		"--fleet " + file + " --fleet-host other":                 file + `:9:45: speed: warning: end of range "3x"`,
		"--fleet " + file:                     "has 2 hosts: name one with --fleet-host",
		"--fleet-host baltimore":              "--fleet-host is a name in the file of --fleet, which is not given",
		"--fleet /nonexistent --fleet-host a": "reading inventory \"/nonexistent\": no such file or directory",
	} {
		if _, out := execute(strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("%q: %q, want %q", args, out, want)
		}
	}
}

type brokenPipe struct{ err error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.err }

type fullPipe struct{}

func (fullPipe) Write([]byte) (int, error) { select {} }

func TestWhatCannotBeToldIsUnknown(t *testing.T) {
	if code := Main([]string{"-H", "192.0.2.1"}, brokenPipe{io.ErrClosedPipe}, plugin()); code != 3 {
		t.Errorf("broken pipe: %d", code)
	}
	began := time.Now()
	if code := Main([]string{"-H", "192.0.2.1", "-t", "0.1"}, fullPipe{}, plugin()); code != 3 || time.Since(began) > 2*time.Second {
		t.Errorf("full pipe: %d after %v", code, time.Since(began))
	}
}

// TestStopped: a run that a signal ended is neither OK nor an alert.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ok := check.Outcome{Check: "x", Verdict: verdict.Verdict{Summary: "0/7 lost"}}
	if got := Stopped(ctx, ok); got.Status != verdict.OK {
		t.Error(got)
	}
	cancel(signalError{syscall.SIGHUP})
	for _, s := range []verdict.Status{verdict.OK, verdict.Warning, verdict.Critical} {
		ok.Status = s
		if got := Stopped(ctx, ok); got.Status != verdict.Unknown || got.Summary != "interrupted by SIGHUP while measuring: 0/7 lost" {
			t.Error(got)
		}
	}
	early := check.Outcome{Verdict: verdict.Failed(errors.New("no route"))}
	if got := Stopped(ctx, early); got.Summary != "no route" {
		t.Error(got)
	}
}

func TestTimeoutText(t *testing.T) {
	for text, want := range map[string]string{"10": "10s", "10s": "10s", "0.5": "500ms", "10:critical": "10s:critical", ":warning": "3s:warning", "5:2": "5s:critical", "1m": "1m0s"} {
		got := Timeout{After: 3 * time.Second}
		if err := got.UnmarshalText([]byte(text)); err != nil || got.String() != want {
			t.Errorf("%q is %v (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "0", "10:", "10:bad", "10:ok", "nan", "1e9", "2h"} {
		var got Timeout
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("text | with a pipe", "label", 3)
	f.Fuzz(func(t *testing.T, text, name string, n int) {
		var perf []perfdatum
		for i := range max(0, min(n, 200)) {
			perf = append(perf, perfdatum{label(name) + "=1", i - 1})
		}
		line := fit("X OK: ", plain(text), perf)
		if strings.Count(line, "\n") > 0 || len(line) > budget {
			t.Errorf("%d %q", len(line), line)
		}
		if strings.Contains(plain(text), "|") {
			t.Errorf("pipe in %q", plain(text))
		}
	})
}

func FuzzParseIni(f *testing.F) {
	f.Add("[a]\nb=c\n;x\n[d\n")
	f.Fuzz(func(t *testing.T, text string) {
		words, _, err := parseIni(strings.NewReader(text), "a", "f")
		if err == nil {
			for _, w := range words {
				if len(w.Values) != 1 || !strings.HasPrefix(w.Values[0], "-") {
					t.Errorf("%q: %+v", text, w)
				}
			}
		}
	})
}
