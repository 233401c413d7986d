package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// An island is three places with an exporter each, a host that they watch, and a
// Prometheus, every one in a network namespace of its own, on one bridge.
type island struct {
	t    *testing.T
	name string // of its namespaces: name-hub, name-a, ...
	dir  string
}

// address is where a place is on the bridge.
func address(place string) string {
	return map[string]string{"a": "10.77.0.1", "b": "10.77.0.2", "c": "10.77.0.3", "web": "10.77.0.10", "prom": "10.77.0.20"}[place]
}

func newIsland(t *testing.T) *island {
	t.Helper()
	peers.Program(t, "ip")
	if os.Geteuid() != 0 {
		peers.Missing(t, "network namespaces need root")
	}
	i := &island{t: t, name: fmt.Sprintf("votes-%d", os.Getpid()), dir: peers.Dir(t)}
	i.add("hub")
	i.ip("-n", i.ns("hub"), "link", "add", "bridge", "type", "bridge")
	i.ip("-n", i.ns("hub"), "link", "set", "bridge", "up")
	for _, place := range []string{"a", "b", "c", "web", "prom"} {
		i.add(place)
		i.ip("-n", i.ns(place), "link", "add", "eth", "type", "veth", "peer", "name", place, "netns", i.ns("hub"))
		i.ip("-n", i.ns(place), "addr", "add", address(place)+"/24", "dev", "eth")
		i.ip("-n", i.ns(place), "link", "set", "lo", "up")
		i.ip("-n", i.ns(place), "link", "set", "eth", "up")
		i.ip("-n", i.ns("hub"), "link", "set", "dev", place, "master", "bridge")
		i.cable(place, "up")
	}
	return i
}

func (i *island) ns(place string) string { return i.name + "-" + place }

func (i *island) add(place string) {
	i.t.Helper()
	i.ip("netns", "add", i.ns(place))
	i.t.Cleanup(func() { i.ip("netns", "del", i.ns(place)) })
}

func (i *island) ip(args ...string) {
	i.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		i.t.Fatalf("ip %q: %v: %s", args, err, out)
	}
}

// cable puts a place's cable into the bridge, or pulls it.
func (i *island) cable(place, state string) {
	i.t.Helper()
	i.ip("-n", i.ns("hub"), "link", "set", "dev", place, state)
}

// start runs a program at a place until the test ends.
func (i *island) start(place string, args ...string) {
	i.t.Helper()
	log, err := os.Create(filepath.Join(i.dir, place+".log"))
	if err != nil {
		i.t.Fatal(err)
	}
	c := exec.Command("ip", append([]string{"netns", "exec", i.ns(place)}, args...)...)
	c.Stdout, c.Stderr, c.Dir = log, log, i.dir
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && i.t.Failed() {
			i.t.Logf("%s said:\n%s", place, text[max(0, len(text)-4000):])
		}
	})
}

// published is what an exporter keeps of its status.json.
type published struct {
	Status  string
	Monitor struct {
		Status   string
		Vantages struct{ Total, Healthy, Quorum int }
	}
	Components []struct {
		Status      string
		LastKnown   string          `json:"last_known"`
		Votes       json.RawMessage `json:"votes"`
		RegionsDown []string        `json:"regions_down"`
	}
}

// until waits until the place publishes what is wanted, for at most so long.
func (i *island) until(place, want string, within time.Duration) {
	i.t.Helper()
	got := ""
	if !peers.Until(within, func() bool {
		text, err := os.ReadFile(filepath.Join(i.dir, place, "status.json"))
		if err != nil {
			return false
		}
		var p published
		if err := json.Unmarshal(text, &p); err != nil || len(p.Components) != 1 {
			i.t.Fatalf("%v: %s", err, text)
		}
		c, v := p.Components[0], p.Monitor.Vantages
		said := fmt.Sprintf("%s %d of %d %s %s %s %s %v", p.Monitor.Status, v.Healthy, v.Total, p.Status, c.Status, c.LastKnown, c.Votes, c.RegionsDown)
		got = strings.Join(strings.Fields(said), " ")
		return strings.HasPrefix(got, want)
	}) {
		i.t.Fatalf("%s never says %q within %v: it says %q", place, want, within, got)
	}
}

// TestRealPartition has three exporters in three places judge one host together, sees
// one of them lose sight of it, all of them, and then the network fall into two.
func TestRealPartition(t *testing.T) {
	t.Parallel()
	prometheus := peers.Program(t, "prometheus")
	program := plugintest.Build(t, ".")
	i := newIsland(t)
	var targets []string
	for n, place := range []string{"a", "b", "c"} {
		text := fmt.Sprintf(`
vantage: {name: %s, provider: %s, region: %s}
state_dir: %s
defaults: {interval: 2s, timeout: 1s}
hosts:
  - {name: web, address: %s, checks: {packet_loss: {spacing: 0.1, baseline: 2}}}
status: {down: [packet_loss], degraded: [], prometheus: {url: "http://%s:9090"}}
`, place, []string{"gandi", "ovh", "aws"}[n], []string{"eu", "us", "as"}[n], filepath.Join(i.dir, place), address("web"), address("prom"))
		file := filepath.Join(i.dir, place+".yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		i.start(place, program.Path, "--config.file", file, "--web.listen-address", address(place)+":10120")
		targets = append(targets, address(place)+":10120")
	}
	conf := filepath.Join(i.dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: m, static_configs: [{targets: [%s]}]}]\n", strings.Join(targets, ", "))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i.start("prom", prometheus, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(i.dir, "data"), "--web.listen-address="+address("prom")+":9090")

	for _, place := range []string{"a", "b", "c"} {
		i.until(place, `ok 3 of 3 up up {"up":3,"down":0,"unknown":0} []`, 30*time.Second)
	}
	i.ip("-n", i.ns("web"), "route", "add", "blackhole", address("b")+"/32") // answers to b are lost
	i.until("a", `ok 3 of 3 degraded degraded {"up":2,"down":1,"unknown":0} [us]`, 20*time.Second)
	i.cable("web", "down")
	i.until("a", `ok 3 of 3 down down {"up":0,"down":3,"unknown":0} [as eu us]`, 20*time.Second)
	i.cable("web", "up")
	i.ip("-n", i.ns("web"), "route", "del", "blackhole", address("b")+"/32")
	i.until("a", `ok 3 of 3 up up`, 20*time.Second)
	// The network falls into two: a and the Prometheus here, b and c there. Both sides
	// say unknown: here is the minority, and there is no Prometheus there.
	i.cable("b", "down")
	i.cable("c", "down")
	i.until("a", `blind 1 of 3 unknown unknown up`, 20*time.Second)
	i.until("b", `blind 0 of 3 unknown unknown`, 20*time.Second)
	i.cable("b", "up")
	i.until("a", `impaired 2 of 3 up up`, 20*time.Second)
}
