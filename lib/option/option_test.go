package option

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

type level string

func (l *level) UnmarshalText(b []byte) error {
	if *l = level(b); *l != "low" && *l != "high" {
		return errors.New("level is none of low, high")
	}
	return nil
}

type inner struct {
	CommunityFile secret.File  `help:"A file."`
	Community     secret.Value `short:"C" env:"OPTION_TEST_COMMUNITY"`
}

type sample struct {
	Warning  metric.Range  `short:"w" placeholder:"RANGE" help:"Warn."`
	Critical metric.Range  `short:"c"`
	Every    time.Duration `short:"i"`
	Level    level
	URLs     []string `name:"url" sep:"none"`
	Verbose  int      `short:"v" type:"counter"`
	IPv4     bool     `short:"4" name:"ipv4"`
	Port     uint16   `short:"p"`
	Count    int      `short:"n"`
	Share    float64
	inner    `embed:""`
	Seam     func() `kong:"-"`
}

func defaults() *sample {
	return &sample{Warning: metric.MustRange("5"), Critical: metric.MustRange("60"), Every: time.Second, Level: "low", URLs: []string{"a,b"}}
}

func TestCommandLines(t *testing.T) {
	for _, tt := range []struct {
		args string
		want func(*sample)
	}{
		{"", func(*sample) {}},
		{"-w -5:5", func(s *sample) { s.Warning = metric.MustRange("-5:5") }},
		{"-w=-5:5", func(s *sample) { s.Warning = metric.MustRange("-5:5") }},
		{"-w-5:5", func(s *sample) { s.Warning = metric.MustRange("-5:5") }},
		{"--warning=-5:5", func(s *sample) { s.Warning = metric.MustRange("-5:5") }},
		{"--warning -5:5", func(s *sample) { s.Warning = metric.MustRange("-5:5") }},
		{"--warn 7", func(s *sample) { s.Warning = metric.MustRange("7") }},
		{"-w 1 -w 2", func(s *sample) { s.Warning = metric.MustRange("2") }},
		{"-vvw2", func(s *sample) { s.Verbose = 2; s.Warning = metric.MustRange("2") }},
		{"-v -v --verbose", func(s *sample) { s.Verbose = 3 }},
		{"-4v", func(s *sample) { s.IPv4 = true; s.Verbose = 1 }},
		{"--ipv4=false", func(*sample) {}},
		{"-p 65535 -n -3 --share -.5", func(s *sample) { s.Port = 65535; s.Count = -3; s.Share = -.5 }},
		{"-i 0.25", func(s *sample) { s.Every = 250 * time.Millisecond }},
		{"-i 2m", func(s *sample) { s.Every = 2 * time.Minute }},
		{"-i 2d", func(s *sample) { s.Every = 48 * time.Hour }},
		{"--url x --url y,z", func(s *sample) { s.URLs = []string{"x", "y,z"} }},
		{"--level high", func(s *sample) { s.Level = "high" }},
	} {
		got, want := defaults(), defaults()
		tt.want(want)
		operands, err := New(got).Parse(strings.Fields(tt.args))
		if err != nil || len(operands) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v (%v %q)", tt.args, got, want, err, operands)
		}
	}
}

func TestCommandLinesRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-w":                              "-w: needs a value",
		"--warning":                       "--warning: needs a value",
		"-w -t 5":                         `--warning: end of range "-t"`,
		"-w 5x":                           `--warning: end of range "5x": "5x" is not a number`,
		"--warning=":                      `--warning: range "" has neither start nor end`,
		"-w=":                             `--warning: range "" has neither`,
		"--wraning 5":                     `no option "wraning": did you mean "warning"?`,
		"--nonsense":                      `no option "nonsense"`,
		"-Z":                              `no option "-Z"`,
		"--level middle":                  "--level: level is none of low, high",
		"-i soon":                         `--every: duration "soon": write seconds as 10 or 0.5, or 10s`,
		"-i -5":                           `--every: duration "-5"`,
		"-i nan":                          `--every: duration "nan"`,
		"-i Inf":                          `--every: duration "Inf"`,
		"-i 1e3":                          `--every: duration "1e3"`,
		"--ipv4=perhaps":                  `--ipv4: "perhaps" is neither true nor false`,
		"-4=7":                            "--ipv4: takes no value",
		"--verbose=loud":                  `--verbose: "loud" is no whole number`,
		"-p http":                         `--port: "http" is no whole number`,
		"-p 65536":                        "--port: 65536 is not from 0 to 65535",
		"-p -1":                           "--port: -1 is not from 0 to 65535",
		"-n 3.5":                          `--count: "3.5" is no whole number`,
		"-n 9223372036854775808":          "--count: 9223372036854775808 is far too large",
		"--url=":                          "--url: is empty: give it a value, or leave it out",
		"-C=":                             "--community: is empty: give it a value, or leave it out",
		"--community-file=":               "--community-file: is empty: give it a value, or leave it out",
		"--share nan":                     `--share: "nan" is not a number`,
		"--share 1e3":                     `--share: "1e3" is not a number`,
		"--share .":                       `--share: "." is not a number`,
		"--communi x":                     "option --communi may be --community or --community-file",
		"--community-file /nonexistent/x": `--community-file: reading secret "/nonexistent/x": no such file or directory`,
	} {
		_, err := New(defaults()).Parse(strings.Fields(args))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

func TestOperands(t *testing.T) {
	operands, err := New(defaults()).Parse([]string{"a", "-v", "b", "--", "-w", "c"})
	if err != nil || !slices.Equal(operands, []string{"a", "b", "-w", "c"}) {
		t.Error(operands, err)
	}
}

func TestPlacesInOrder(t *testing.T) {
	t.Setenv("OPTION_TEST_COMMUNITY", "from-env")
	s := defaults()
	o := New(s)
	put := func(name, from string, values ...string) {
		if err := o.Put(name, from, values...); err != nil {
			t.Fatal(err)
		}
	}
	put("url", "fleet.yml:3", "one", "two")
	put("url", "ini:1", "three")
	put("url", "ini:1", "four")
	put("community", "ini:2", "from-ini")
	put("every", "ini:3", "3")
	if err := o.Environment(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Parse([]string{"-i", "7"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.URLs, []string{"three", "four"}) || s.Community.Reveal() != "from-env" || s.Every != 7*time.Second {
		t.Errorf("%+v", s)
	}
	from := map[string]string{}
	for opt := range o.All() {
		from[opt.Name] = opt.Value + " " + opt.From
	}
	for name, want := range map[string]string{
		"url": "three, four ini:1", "community": "*** environment OPTION_TEST_COMMUNITY",
		"every": "7s the command line", "warning": "5 ", "level": "low ",
	} {
		if from[name] != want {
			t.Errorf("%s is %q, want %q", name, from[name], want)
		}
	}
}

func TestFilesOfSecretsAreTriedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "community")
	if err := os.WriteFile(path, []byte("s3cret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := defaults()
	err := New(s).Put("community_file", "fleet.yml:3", path)
	if err == nil || !strings.Contains(err.Error(), "chmod o-rwx") || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestPutInTheSpellingOfFiles(t *testing.T) {
	s := defaults()
	o := New(s)
	if err := o.Put("ipv4", "f:1", "true"); err != nil || !s.IPv4 {
		t.Error(err, s.IPv4)
	}
	for _, tt := range []struct {
		name   string
		values []string
		want   string
	}{
		{"comunity_file", []string{"x"}, `no option "comunity_file": did you mean "community_file"?`},
		{"warning", []string{"1", "2"}, "warning: takes one value, not several"},
		{"warning", nil, "warning: needs a value"},
		{"level", []string{"\xff"}, "level: is not UTF-8"},
	} {
		if err := o.Put(tt.name, "f:1", tt.values...); err == nil || err.Error() != tt.want {
			t.Errorf("%s %q: %v, want %s", tt.name, tt.values, err, tt.want)
		}
	}
	if err := o.Put("url", "f:2"); err != nil || len(s.URLs) != 0 {
		t.Error("an empty list is a list", err, s.URLs)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"warning", "critical", "community-file", "timeout"}
	for typed, want := range map[string]string{
		"wraning": "warning", "warn": "warning", "crit": "critical", "comunity_file": "community-file", "timeot": "timeout", "xyzzy": "",
	} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%q is near %q, want %q", typed, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	New(defaults()).Help(&b)
	for _, want := range []string{"-w, --warning=RANGE\n        Warn. Default: 5.\n", "Environment: OPTION_TEST_COMMUNITY.", "--community-file=FILE"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 80 {
			t.Errorf("long line %q", line)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("-w\x00-5:5\x00-vv")
	f.Add("--warning=1\x00--\x00x")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		s := defaults()
		operands, err := New(s).Parse(args)
		if err == nil && len(operands) > len(args) {
			t.Errorf("%q: operands %q", args, operands)
		}
	})
}
