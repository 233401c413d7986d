package fleet

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/secret"
)

type config struct {
	Warning      metric.Range `short:"w"`
	URLs         []string     `name:"urls" sep:"none"`
	Spacing      time.Duration
	PasswordFile secret.File
}

type result struct{}

func (c config) Limits() []metric.Limit {
	return []metric.Limit{metric.On("x", c.Warning, metric.Range{})}
}
func (result) Report() metric.Report { return metric.Report{} }

func measure(context.Context, metric.Target, config) iter.Seq2[result, error] {
	return func(func(result, error) bool) {}
}

func kinds() []check.Kind {
	def := func() config { return config{Warning: metric.MustRange("5"), Spacing: time.Second} }
	var all []check.Kind
	for _, name := range []string{"squid_auth", "packet_loss", "resolver"} {
		all = append(all, check.Define(name, def, measure))
	}
	return all
}

const inventory = `
vantage: {name: monitor-1, provider: gandi, region: ca, latitude: 43.65, longitude: -79.38}
state_dir: /var/lib/milepost
references:
  resolve: [debian.org, example.com]
  resolvers: [9.9.9.9, 1.1.1.1]
  ntp: [0.debian.pool.ntp.org]
defaults:
  interval: 60s
  timeout: 10s
  checks:
    squid_auth: &auth {urls: ["http://canary.example.net/"], warning: 2.5}
    packet_loss: {spacing: 1s}
hosts:
  - name: baltimore
    address: baltimore.example.net
    city: Baltimore
    country: US
    latitude: 39.2904
    longitude: -76.6122
    virtualization: xen
    group: us-east
    labels: {provider: gandi}
    checks:
      packet_loss: {warning: "0:3"}
      squid_auth: false
  - name: "fra-1"
    checks:
      resolver: *auth
      packet_loss: {timeout: 20}
maintenance:
  - {groups: [us-east], weekly: "Sun 02:00-04:00", timezone: America/New_York, reason: "provider window"}
billing:
  server: baltimore
  access_log: /var/log/squid/access.log
  keep_buckets: 400d
  expose_users: false
status:
  page: {id: p, name: P, url: "https://www.example.net/"}
  degraded: [packet_loss]
`

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "milepost.yml")
	if err := os.WriteFile(path, []byte(inventory), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path, kinds())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, h := range f.Hosts {
		for _, c := range h.Checks {
			lines = append(lines, strings.Join([]string{h.Name, h.Address, c.Name, c.Limits[0].Warning["x"].String(), c.Timeout.String()}, " "))
		}
	}
	want := []string{
		"baltimore baltimore.example.net packet_loss 0:3 10s",
		"fra-1 fra-1 packet_loss 5 20s", "fra-1 fra-1 resolver 2.5 10s", "fra-1 fra-1 squid_auth 2.5 10s",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
	b := f.Hosts[0]
	if b.Labels["provider"] != "gandi" || b.Group != "us-east" || !b.Checks[0].Target.At.Known || f.Hosts[1].Checks[0].Target.At.Known {
		t.Errorf("%+v", f.Hosts)
	}
	if f.Vantage.Longitude != -79.38 || f.StateDir != "/var/lib/milepost" || len(f.References.Resolvers) != 2 || f.References.NTP[0] != "0.debian.pool.ntp.org" {
		t.Errorf("%+v %+v", f.Vantage, f.References)
	}
	if f.Maintenance[0].Weekly.String() != "Sun 02:00-04:00" || f.Billing.KeepBuckets != 400*24*time.Hour || f.Billing.ExposeUsers || f.Billing.AccessLog[0] != "/var/log/squid/access.log" || f.Billing.Format != "native" {
		t.Errorf("%+v %+v", f.Maintenance, f.Billing)
	}
	if f.Status.Page.URL != "https://www.example.net/" || len(f.Status.Degraded) != 1 || f.Status.Down[0] != "squid_auth" {
		t.Errorf("%+v", f.Status)
	}
	if got := f.Describe(); got != "2 hosts, checks: 2 packet_loss, 1 resolver, 1 squid_auth" {
		t.Error(got)
	}
}

func TestFaults(t *testing.T) {
	readable := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(readable, []byte("s3cret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"unknown key at the top", "vantage:", "vantag:", `f.yml:2:1: inventory: unknown key "vantag": did you mean`},
		{"unknown key of a host", "city: Baltimore", "citty: Baltimore", `f.yml:17:5: host: unknown key "citty": did you mean "city"?`},
		{"unknown key of a check", `spacing: 1s`, "spaceing: 1s", `f.yml:13:19: packet_loss: unknown key "spaceing": did you mean "spacing"?`},
		{"unknown check", "packet_loss: {spacing: 1s}", "paket_loss: {}", `f.yml:13:5: defaults: unknown check "paket_loss": did you mean "packet_loss"?`},
		{"bad range", `"0:3"`, `"3:0"`, `f.yml:25:30: packet_loss: warning: range "3:0" starts above its end`},
		{"bad range in the defaults", "warning: 2.5", "warning: 5x", `f.yml:12:71: squid_auth: warning: end of range "5x"`},
		{"bad duration", "interval: 60s", "interval: soon", `f.yml:9:13: defaults: interval: duration "soon"`},
		{"timeout beyond the round", "timeout: 10s", "timeout: 90s", `timeout 1m30s is longer than interval 1m0s`},
		{"duplicate host", `name: "fra-1"`, "name: baltimore", `host "baltimore" is there twice`},
		{"duplicate key", "country: US", "city: US", `mapping key "city" already defined`},
		{"no name", `name: "fra-1"`, "city: Frankfurt", "f.yml:27:5: host has no name"},
		{"latitude", "latitude: 39.2904", "latitude: 139", "latitude 139 is not between -90 and 90"},
		{"half a place", "latitude: 39.2904\n", "\n", `host "baltimore" has one of latitude and longitude, not both`},
		{"a list where a mapping belongs", "labels: {provider: gandi}", "labels: [a]", "f.yml:23:13: labels: a mapping of keys to values is expected"},
		{"a mapping where a value belongs", "city: Baltimore", "city: {a: b}", "host: city: one value or a list of values is expected"},
		{"nothing where a value belongs", "city: Baltimore", "city:", "f.yml:17:5: host: city has no value"},
		{"several values", "city: Baltimore", "city: [a, b]", "f.yml:17:11: host: city: takes one value, not a list"},
		{"a secret that others may read", "spacing: 1s", "password_file: " + readable, "f.yml:13:34: packet_loss: password_file: reading secret"},
		{"a secret that is not there", "spacing: 1s", "password_file: /nonexistent", "no such file or directory"},
		{"a password in a URL", "server: baltimore", "publish: postgres://u:p@db/x", "billing: publish: the URL carries a password"},
		{"a password in a URL's query", "server: baltimore", "publish: postgres://u@db/x?password=geheim", "billing: publish: the URL carries a password"},
		{"a key's password in a URL", "server: baltimore", "ledger: postgres://u@db/x?sslpassword=geheim", "billing: ledger: the URL carries a password"},
		{"a zone that is none", "keep_buckets: 400d", "timezone: Mars/Base", `billing: timezone "Mars/Base" is unknown`},
		{"a role of no check", "degraded: [packet_loss]", "degraded: [paket_loss]", `f.yml:40:3: status: unknown check "paket_loss": did you mean "packet_loss"?`},
		{"an alias of nothing", "*auth", "*nobody", "f.yml:29:17: this is not YAML: unknown anchor 'nobody' referenced"},
		{"not YAML", "vantage: {", "vantage: {{", "f.yml:"},
		{"an alias of what it stands in", "*auth", "&auth2 {urls: [*auth2]}", "f.yml:29:32: alias of what it stands in"},
		{"a list of one value", "interval: 60s", "interval: [60s]", "f.yml:9:13: defaults: interval: takes one value, not a list"},
		{"a list of one address", "address: baltimore.example.net", "address: [1.2.3.4]", "f.yml:16:14: host: address: takes one value, not a list"},
		{"latitude's place", "latitude: 39.2904", "latitude: 91", "f.yml:19:15: latitude 91 is not"},
		{"no interval", "interval: 60s", "interval: 0s", "f.yml:9:13: defaults: interval 0s is less than 1s"},
		{"no timeout", "timeout: 10s", "timeout: 0s", "f.yml:10:12: defaults: timeout is more than 0"},
		{"a kind of virtualisation that is none", "virtualization: xen", "virtualization: vmwre", `f.yml:21:21: host: virtualization "vmwre" is none that is known: did you mean "vmware"?`},
		{"a country that is none", "country: US", "country: Narnia", `f.yml:18:14: host: country "Narnia" is no ISO 3166-1 code and no name of one`},
		{"a country's code that is none", "country: US", "country: UX", `f.yml:18:14: host: country "UX" is no ISO 3166-1 code`},
		{"a label of Prometheus' own", "labels: {provider: gandi}", "labels: {__meta: x}", `f.yml:23:14: label "__meta": names that begin with __ are Prometheus' own`},
		{"a label that every metric has", "labels: {provider: gandi}", "labels: {host: x}", `f.yml:23:14: label "host" is the host's name already: call it otherwise`},
		{"nothing kept", "keep_buckets: 400d", "keep_buckets: 0d", "f.yml:36:17: billing: keep_buckets is at least 1d"},
		{"a merge key", "country: US", "<<: *auth", "merge keys (<<) are not read"},
	} {
		text := strings.Replace(inventory, tt.from, tt.to, 1)
		if text == inventory {
			t.Fatalf("%s: %q is not in the inventory", tt.name, tt.from)
		}
		f, err := Parse("f.yml", []byte(text), kinds())
		if err == nil || !strings.Contains(err.Error(), tt.want) || f != nil {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the secret is in the fault", tt.name)
		}
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	text := strings.NewReplacer("city:", "citty:", `"0:3"`, "x", "keep_buckets", "keep_bucket").Replace(inventory)
	_, err := Parse("f.yml", []byte(text), kinds())
	if err == nil || strings.Count(err.Error(), "f.yml:") != 3 {
		t.Error(err)
	}
}

func TestNothingIsAnInventory(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "hosts:\n"} {
		f, err := Parse("f.yml", []byte(text), kinds())
		if err != nil || len(f.Hosts) != 0 || f.Interval != time.Minute {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSpellings: what YAML reads in one style it reads in the others.
func TestSpellings(t *testing.T) {
	for situation, text := range map[string]string{
		"a port in a flow list":     "references: {resolvers: [9.9.9.9:53], ping: [1.1.1.1]}\n",
		"IPv6 in a flow list":       "references: {resolvers: [9.9.9.9:53, 2001:db8::1], ping: [1.1.1.1]}\n",
		"in block style":            "references:\n  resolvers:\n    - 9.9.9.9:53\n  ping:\n  - 1.1.1.1\n",
		"a byte order mark":         "\ufeffreferences: {resolvers: 9.9.9.9:53}\n",
		"YAML 1.1":                  "%YAML 1.1\n---\nreferences: {resolvers: '9.9.9.9:53'}\n",
		"carriage returns":          "references:\r\n  resolvers: \"9.9.9.9:53\"\r\n",
		"an end of the document":    "---\nreferences: {resolvers: 9.9.9.9:53}\n...\n",
		"a URL as an anchor's kind": "references: {resolvers: &r [9.9.9.9:53], ping: *r}\n",
	} {
		f, err := Parse("f.yml", []byte(text), kinds())
		if err != nil || f.References.Resolvers[0] != "9.9.9.9:53" {
			t.Errorf("%s: %+v %v", situation, f, err)
		}
	}
	f, err := Parse("f.yml", []byte("defaults: {checks: {squid_auth: {urls: [http://127.0.0.1:10122/]}}}\nhosts: [{name: a}]\n"), kinds())
	if err != nil || f.Hosts[0].Checks[0].Config.(*config).URLs[0] != "http://127.0.0.1:10122/" {
		t.Errorf("%+v %v", f, err)
	}
}

// TestDeepFiles: a file that is nothing but beginnings is refused before anybody waits.
func TestDeepFiles(t *testing.T) {
	for _, text := range []string{"[", "{", "- ", "{a: ", "? "} {
		began := time.Now()
		_, err := Parse("f.yml", []byte(strings.Repeat(text, 100_000)), kinds())
		if err == nil || !strings.HasPrefix(err.Error(), "f.yml:1:") || time.Since(began) > 30*time.Second {
			t.Errorf("%q: %v after %v", text, err, time.Since(began))
		}
	}
}

// TestJudges: what a judge finds stands among the reader's own faults.
func TestJudges(t *testing.T) {
	_, err := Parse("f.yml", []byte("billing:\n  expose_users: maybe\n  server: x\n"), kinds(), func(f *Fleet) []error {
		return []error{f.Fault("billing.server", "server"), f.Fault("hosts", "no hosts")}
	})
	const want = "f.yml:1:1: no hosts\nf.yml:2:17: billing: expose_users: \"maybe\" is neither true nor false\nf.yml:3:3: server"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yml"): "none.yml\": no such file or directory", dir: "not a regular file",
	} {
		if _, err := Load(path, kinds()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(inventory))
	f.Add([]byte("hosts: [{name: &a b, address: *a}]"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		fleet, err := Parse("f.yml", text, kinds())
		if (fleet == nil) != (err != nil) {
			t.Errorf("%q: %v %v", text, fleet, err)
		}
	})
}

func BenchmarkParseThousandHosts(b *testing.B) {
	var s strings.Builder
	s.WriteString("defaults:\n  checks:\n    squid_auth: {warning: 2.5}\n    packet_loss: {spacing: 1s}\nhosts:\n")
	for i := range 1000 {
		s.WriteString("  - {name: host-" + time.Duration(i).String() + ", address: 192.0.2.1, checks: {packet_loss: {warning: 3}}}\n")
	}
	text := []byte(s.String())
	for b.Loop() {
		if _, err := Parse("f.yml", text, kinds()); err != nil {
			b.Fatal(err)
		}
	}
}

// A picky config refuses what its options allow one by one.
type picky struct{ Port int }

func (picky) Limits() []metric.Limit { return nil }

func (p picky) Validate() error {
	if p.Port > 65535 {
		return fmt.Errorf("--port: %d is not between 1 and 65535", p.Port)
	}
	return nil
}

// TestFaultsStandInOrder: from the file's top to its end, and those of the defaults once.
func TestFaultsStandInOrder(t *testing.T) {
	nothing := func(context.Context, metric.Target, picky) iter.Seq2[result, error] { return nil }
	_, err := Parse("f.yml", []byte(`
status: {down: [squid], degraded: []}
hosts:
  - {name: a}
  - {name: b, checks: {proxy: }}
  - {name: c, checks: {proxy: {}}}
  - {name: d, checks: {proxy: {port: 70000}}}
  - {name: e, checks: {proxy: {port: 1}}}
  - {name: f, checks: {proxy: false}}
  - {name: g, addresss: x}
defaults:
  checks:
    proxy: {port: 99999}
vantage: {namee: x}
`), []check.Kind{check.Define("proxy", func() picky { return picky{} }, nothing)})
	const want = `f.yml:2:10: status: unknown check "squid": the checks here are proxy
f.yml:7:31: host "d": proxy: --port: 70000 is not between 1 and 65535
f.yml:10:15: host: unknown key "addresss": did you mean "address"?
f.yml:13:5: defaults: proxy: --port: 99999 is not between 1 and 65535
f.yml:14:11: vantage: unknown key "namee": did you mean "name"?`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
