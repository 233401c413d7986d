package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"milepost/lib/echo"
	"milepost/lib/peers"
)

// stopped is a monitor that runs nothing of itself.
func stopped(t *testing.T, inventory string, change func(*flags)) *monitor {
	t.Helper()
	f := defaultFlags()
	f.ConfigFile, f.StateDir = inventoryFile(t, inventory), t.TempDir()
	if change != nil {
		change(&f)
	}
	loaded, err := f.load(served())
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMonitor(f, loaded, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ask(h http.Handler, query string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/probe?"+query, nil))
	return w.Code, w.Body.String()
}

func TestProbingAnyTarget(t *testing.T) {
	const hosts = "hosts: [{name: a, address: 127.0.0.1, checks: {clock_offset: {source: ntp}}}]"
	off := newProber(stopped(t, hosts, nil))
	on := newProber(stopped(t, hosts, func(f *flags) { f.ProbeAny = true }))
	for _, tt := range []struct {
		situation string
		p         *prober
		query     string
		code      int
		want      string
	}{
		{"switched off", off, "target=203.0.113.9&check=packet_loss", 404, `no host "203.0.113.9" in the inventory`},
		{"a check that needs a secret", on, "target=203.0.113.9&check=squid_auth", 403, "may be asked for clock_offset, resolver, packet_loss only"},
		{"a check that is none", on, "target=203.0.113.9&check=x", 403, "may be asked for"},
		{"a name", on, "target=example.net&check=packet_loss", 403, "are given by address"},
		{"loopback", on, "target=127.0.0.1&check=packet_loss", 403, "loopback, link-local and multicast"},
		{"loopback of IPv6", on, "target=::1&check=resolver", 403, "loopback, link-local and multicast"},
		{"loopback in disguise", on, "target=::ffff:127.0.0.1&check=resolver", 403, "loopback, link-local and multicast"},
		{"nowhere", on, "target=0.0.0.0&check=resolver", 403, "loopback, link-local and multicast"},
		{"link-local: a cloud's metadata", on, "target=169.254.169.254&check=resolver", 403, "loopback, link-local and multicast"},
		{"loopback behind a NAT64", on, "target=64:ff9b::7f00:1&check=resolver", 403, "loopback, link-local and multicast"},
		{"link-local behind a NAT64 of its own", on, "target=64:ff9b:1::a9fe:a9fe&check=resolver", 403, "loopback, link-local and multicast"},
		{"a NAT64 of its own whose prefix has 48 bits", on, "target=64:ff9b:1:7f00:0:100::&check=resolver", 403, "nor those of a local translator"},
		{"loopback over 6to4", on, "target=2002:7f00:1::1&check=resolver", 403, "loopback, link-local and multicast"},
		{"an IPv4-compatible loopback", on, "target=::127.0.0.1&check=resolver", 403, "loopback, link-local and multicast"},
		{"this network", on, "target=0.1.2.3&check=resolver", 403, "loopback, link-local and multicast"},
		{"debug that is neither", on, "target=a&check=clock_offset&debug=maybe", 400, `debug "maybe" is neither true nor false`},
		{"no timeout", on, "target=a&check=clock_offset&timeout=0", 400, "a timeout is longer than 0"},
		{"an empty family", on, "target=a&check=clock_offset&ip=", 400, `parameter "ip" is empty`},
		{"two checks", on, "target=a&check=clock_offset&module=path", 400, `check "clock_offset" and module "path": these are two names of one parameter`},
		{"multicast", on, "target=224.0.0.1&check=packet_loss", 403, "loopback, link-local and multicast"},
		{"a host of the inventory has its own rules", on, "target=a&check=packet_loss", 404, `host "a" has no check "packet_loss"`},
	} {
		if code, body := ask(tt.p, tt.query); code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.situation, code, body, tt.code, tt.want)
		}
	}
}

// silentHosts are hosts whose NTP servers take a question and say nothing.
func silentHosts(t *testing.T, n int) string {
	t.Helper()
	hold, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close() })
	var b strings.Builder
	b.WriteString("hosts:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {name: h%d, address: 127.0.0.1, checks: {clock_offset: {source: ntp, port: %d, reference: none}}}\n",
			i, hold.LocalAddr().(*net.UDPAddr).Port)
	}
	return b.String()
}

func TestProbesAtOnce(t *testing.T) {
	p := newProber(stopped(t, silentHosts(t, 3), func(f *flags) { f.ProbeConcurrency = 2 }))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan string, 2)
	for i := range 2 {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/probe?target=h%d&check=clock_offset", i), nil).WithContext(ctx)
		w := httptest.NewRecorder()
		go func() {
			p.ServeHTTP(w, r)
			done <- w.Body.String()
		}()
	}
	for held := 0; held < 2; held = len(p.slots) {
		<-time.After(time.Millisecond)
	}
	if code, body := ask(p, "target=h0&check=clock_offset"); code != 429 || !strings.Contains(body, "is being probed already") {
		t.Errorf("the same again: %d %s", code, body)
	}
	if code, body := ask(p, "target=h2&check=clock_offset"); code != 503 || !strings.Contains(body, "2 probes run already: see --probe.concurrency") {
		t.Errorf("a third: %d %s", code, body)
	}
	stop()
	for range 2 {
		if page := <-done; !strings.Contains(page, "probe_success 0\n") {
			t.Error(page)
		}
	}
	if len(p.slots) != 0 {
		t.Errorf("%d slots are still taken", len(p.slots))
	}
}

func TestScrapeTimeout(t *testing.T) {
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"", 10 * time.Second},
		{"5", 4500 * time.Millisecond},
		{"0.5", 250 * time.Millisecond},
		{"60", 10 * time.Second},
		{"0", 0},
		{"-1", 0},
		{"nan", 0},
		{"foo", 0},
	} {
		r := httptest.NewRequest(http.MethodGet, "/probe", nil)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tt.header)
		if got, err := scrapeTimeout(r, 10*time.Second); got != tt.want || (err == nil) != (got > 0) {
			t.Errorf("%q: %v %v, want %v", tt.header, got, err, tt.want)
		}
	}
}

// A request whose own time is no time is refused; one with little time is judged by the
// packets that fit into it.
func TestProbesWithoutTime(t *testing.T) {
	if _, err := echo.Permission(); err != nil {
		peers.Missing(t, err.Error())
	}
	p := newProber(stopped(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {baseline: 2}}}]", nil))
	for header, want := range map[string]string{
		"foo": `400 header X-Prometheus-Scrape-Timeout-Seconds: "foo" is no number of seconds above 0`,
		"1.8": `200 PACKET_LOSS OK: 0/[1-4] lost .*[1-4] packets? .*to fit into [01](\.[0-9])? s`,
		"0.4": `200 PACKET_LOSS OK: 0/1 lost .* 1 packet to fit into 0(\.[12])? s`,
	} {
		r := httptest.NewRequest(http.MethodGet, "/probe?target=a&check=packet_loss&debug=1", nil)
		r.Header.Set(scrapeHeader, header)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if got := fmt.Sprint(w.Code, " ", w.Body.String()); !regexp.MustCompile("^" + want).MatchString(got) {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
}

// Whoever is in no inventory is asked for the time as anybody may ask.
func TestClocksOfAnybody(t *testing.T) {
	p := newProber(stopped(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]", func(f *flags) { f.ProbeAny = true }))
	c, err := p.find(p.m.watching(), "203.0.113.9", "clock_offset")
	if err != nil || !strings.Contains(fmt.Sprintf("%+v", c.Config), "Source:ntp ") || c.Target.Address != "203.0.113.9" {
		t.Errorf("%+v %v", c.Config, err)
	}
}

// The URL may shorten the inventory's timeout, never lengthen it.
func TestTheTimeoutOfTheURL(t *testing.T) {
	m := stopped(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {timeout: 4}}}]", nil)
	c := m.inventory.Hosts[0].Checks[0]
	for text, want := range map[string]time.Duration{"2": 2 * time.Second, "60": 4 * time.Second, "3.5s": 3500 * time.Millisecond} {
		got, err := override(c, map[string][]string{"timeout": {text}})
		if err != nil || got.Timeout != want {
			t.Errorf("%s: %v %v, want %v", text, got.Timeout, err, want)
		}
	}
}

func TestFaultsOfTheInventory(t *testing.T) {
	file := inventoryFile(t, `
hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]
references:
  resolve: [debian.org, 9.9.9.9]
  resolvers: [dns.example.net]
  ping: ["9.9.9.9:x"]
status:
  down: [squid]
`)
	exit, _, faults := execute("check-config", file)
	if exit != 1 || !strings.HasSuffix(faults, file+":8:3: status: unknown check \"squid\": did you mean \"squid_auth\"?\n") || strings.Count(faults, file) != 4 {
		t.Errorf("%d %s", exit, faults)
	}
	file = inventoryFile(t, `
hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]
references:
  resolve: [debian.org, 9.9.9.9]
  resolvers: [dns.example.net]
  ping: ["9.9.9.9:x"]
billing:
  access_log: ["/var/log/[x"]
status:
  page: {url: "javascript:alert(1)"}
`)
	exit, _, faults = execute("check-config", file)
	for _, want := range []string{
		file + `:4:3: references.resolve: "9.9.9.9" is an address`,
		file + `:5:3: references.resolvers: "dns.example.net" is no address`,
		file + `:6:3: references.ping: "9.9.9.9:x" is no address`,
		file + `:8:3: billing: access_log: "/var/log/[x" is no pattern of file names: syntax error in pattern`,
		file + `:10:3: status: page: url "javascript:alert(1)": write http:// or https:// and a host`,
	} {
		if exit != 1 || !strings.Contains(faults, want) {
			t.Errorf("%d %s, want %s", exit, faults, want)
		}
	}
}

// What kept the checks from running is told as a plugin tells it.
func TestProbeCommandThatCannotRun(t *testing.T) {
	good := inventoryFile(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {baseline: 2}}}]")
	bad := inventoryFile(t, "hosts: [{nme: a}, {nme: b}]\n")
	for _, tt := range []struct{ situation, args, want string }{
		{"no such host", "nobody --config.file " + good, `PROBE UNKNOWN: no host "nobody" in the inventory`},
		{"no such check", "a clok --config.file " + good, `CLOK UNKNOWN: host "a" has no check "clok": it has packet_loss`},
		{"no inventory", "a packet_loss --config.file /nonexistent", "PACKET_LOSS UNKNOWN: reading inventory \"/nonexistent\": no such file or directory"},
		{"an inventory with faults", "a --config.file " + bad, "PROBE UNKNOWN: " + bad + `:1:9: host has no name`},
		{"no host", "--config.file " + good, "PROBE UNKNOWN: 0 operands were given"},
		{"an option that is none", "a --nonsense", "PROBE UNKNOWN: no option \"nonsense\""},
		{"as JSON", "a clok --output json --config.file " + good, `"check":"clok"`},
	} {
		exit, out, faults := execute(append([]string{"probe"}, strings.Fields(tt.args)...)...)
		if exit != 3 || faults != "" || strings.Count(out, "\n") != 1 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %d %q, stderr %q, want %q", tt.situation, exit, out, faults, tt.want)
		}
	}
}

// All checks of a host are one document in every spelling.
func TestRealProbeCommand(t *testing.T) {
	file := inventoryFile(t, fmt.Sprintf(`
hosts:
  - name: a
    address: 127.0.0.1
    checks: {packet_loss: {count: 2, spacing: 0.01, baseline: 2}, clock_offset: {source: ntp, port: %d, reference: none}}
`, peers.Port(t)))
	exit, out, _ := execute("probe", "a", "--config.file", file)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if exit != 3 || len(lines) != 2 || !strings.HasPrefix(lines[0], "CLOCK_OFFSET UNKNOWN: ") || !strings.HasPrefix(lines[1], "PACKET_LOSS OK: ") {
		t.Errorf("%d %s", exit, out)
	}
	exit, out, _ = execute("probe", "a", "--config.file", file, "--output", "json")
	var all []struct {
		Check  string
		Status string
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || exit != 3 || len(all) != 2 || all[1].Check != "packet_loss" || all[1].Status != "OK" {
		t.Errorf("%d %v %s", exit, err, out)
	}
	exit, out, _ = execute("probe", "a", "packet_loss", "--config.file", file, "--output", "json")
	var one struct{ Check string }
	if err := json.Unmarshal([]byte(out), &one); err != nil || exit != 0 || one.Check != "packet_loss" {
		t.Errorf("%d %v %s", exit, err, out)
	}
	exit, out, _ = execute("probe", "a", "--config.file", file, "--output", "prometheus")
	if exit != 3 || strings.Count(out, "# TYPE milepost_check_status gauge") != 1 || !strings.Contains(out, `milepost_check_status{host="a",check="packet_loss"} 0`) {
		t.Errorf("%d %s", exit, out)
	}
}

// What this monitor's own resolver broke is not the host's fault, on the command
// line as in serve.
func TestRealProbeCommandDoubtsItself(t *testing.T) {
	t.Setenv("MILEPOST_PASSWORD", "x")
	file := inventoryFile(t, fmt.Sprintf(`
references: {resolve: [example.com], resolvers: ["127.0.0.1:%d"]}
hosts: [{name: a, address: 127.0.0.1, checks: {squid_auth: {port: %d, user: u, urls: ["http://127.0.0.1:9/"], wrong: never}}}]
`, peers.Port(t), peers.Port(t)))
	exit, out, _ := execute("probe", "a", "--config.file", file)
	if exit != 3 || !strings.HasPrefix(out, "SQUID_AUTH UNKNOWN: ") {
		t.Errorf("%d %s", exit, out)
	}
}

func TestTheEndOfServing(t *testing.T) {
	m := stopped(t, silentHosts(t, 1), nil)
	h := m.operator()
	get := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/-/ready", nil))
		b, _ := io.ReadAll(w.Body)
		return w.Code, string(b)
	}
	if code, body := get(); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	m.ending.Store(true)
	if code, body := get(); code != 503 || !strings.Contains(body, "is ending") {
		t.Errorf("%d %s", code, body)
	}
}
