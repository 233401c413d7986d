package contrib

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"milepost/lib/peers"
)

// TestRealRules: Prometheus takes the rules, and their unit tests hold.
func TestRealRules(t *testing.T) {
	tests, err := filepath.Glob("prometheus/rules/*_test.yml")
	if err != nil || len(tests) == 0 {
		t.Fatalf("looking for tests of rules: %v, %v", tests, err)
	}
	for _, test := range tests {
		name := filepath.Base(test)
		for _, args := range [][]string{{"check", "rules", strings.TrimSuffix(name, "_test.yml") + ".yml"}, {"test", "rules", name}} {
			if says, content := peers.Promtool(t, "prometheus/rules", args...); !content {
				t.Errorf("promtool %v: %s", args, says)
			}
		}
	}
}

// TestEveryAlertIsTested: each alert has a test in which it fires, and one in which it does
// not: an expectation of none, or of it at another time only.
func TestEveryAlertIsTested(t *testing.T) {
	type unit struct {
		Alert    string `yaml:"alertname"`
		At       string `yaml:"eval_time"`
		Expected []any  `yaml:"exp_alerts"`
	}
	files, err := filepath.Glob("prometheus/rules/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("looking for tests of rules: %v, %v", files, err)
	}
	for _, file := range files {
		fires, silent := map[string]bool{}, map[string]bool{}
		var tests struct {
			Tests []struct {
				Alerts []unit `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal([]byte(read(t, file)), &tests); err != nil {
			t.Fatal(err)
		}
		for _, test := range tests.Tests {
			for _, u := range test.Alerts {
				fires[u.Alert] = fires[u.Alert] || len(u.Expected) > 0
				silent[u.Alert] = silent[u.Alert] || len(u.Expected) == 0
			}
		}
		for _, m := range regexp.MustCompile(`alert: (\S+)`).FindAllStringSubmatch(read(t, strings.TrimSuffix(file, "_test.yml")+".yml"), -1) {
			if !fires[m[1]] {
				t.Errorf("%s: no test sees %s fire", file, m[1])
			}
			if !silent[m[1]] && m[1] != "MilepostWatchdog" {
				t.Errorf("%s: no test sees %s silent", file, m[1])
			}
		}
	}
}

// webConfig is the exporter's side of TLS and of the user prometheus, whose password is
// "wonder".
const webConfig = `tls_server_config: {cert_file: ca.pem, key_file: key.pem}
basic_auth_users: {prometheus: '$2b$04$abcdefghijklmnopqrstuuetGRvO6QNMBbbIoo5tpQkbPXg26U9Qu'}
`

const watched = `state_dir: STATE
vantage: {name: here}
defaults: {interval: 1s, timeout: 1s, checks: {packet_loss: {}, resolver: {port: 9}}}
hosts: [{name: edge, address: 127.0.0.1, group: near, labels: {rack: r1}}]
billing: {server: edge, access_log: [LOG]}
status: {down: [resolver], degraded: [packet_loss]}
`

const logged = "1795392148.123    100 192.0.2.7 TCP_MISS/200 5000 GET http://example.com/ alice HIER_DIRECT/192.0.2.9 text/html\n"

// TestRealPrometheus: a Prometheus with the configuration beside it finds the exporter's
// checks by /sd, scrapes with TLS and a password, and its alerts fire; one in agent mode
// sends what it scrapes to the first.
func TestRealPrometheus(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/milepost-exporter")
	dir := peers.Dir(t)
	port := startExporter(t, s, dir)
	password := filepath.Join(dir, "milepost.password")
	put(t, password, "wonder")
	conf := strings.NewReplacer(
		"milepost.example.net:10120", "127.0.0.1:"+strconv.Itoa(port), "password_file: milepost.password", "password_file: "+password,
		"ca_file: ca.pem", "ca_file: "+filepath.Join(dir, "ca.pem"), "15s", "1s", "60s", "1s", "5m", "1s", "refresh_interval: 1m", "refresh_interval: 1s",
	).Replace(read(t, "prometheus/prometheus.yml"))
	rules := regexp.MustCompile(`(?m)^ +for: .*\n`).ReplaceAllString(read(t, "prometheus/rules/milepost.yml"), "")
	centre := peers.StartPrometheus(t, strings.NewReplacer("rules/milepost.yml", "milepost.yml", "rules/quorum.yml", "quorum.yml").Replace(conf),
		map[string]string{"milepost.yml": rules, "quorum.yml": strings.Replace(read(t, "prometheus/rules/quorum.yml"), "15s", "1s", 1)})

	var targets struct {
		Data struct {
			ActiveTargets []struct {
				Labels    map[string]string
				Health    string
				LastError string
			}
		}
	}
	centre.Await("targets that are up, found by /sd", "/api/v1/targets?state=active", &targets, func() bool {
		up := map[string]bool{}
		for _, target := range targets.Data.ActiveTargets {
			if target.Health == "up" {
				up[target.Labels["job"]+" "+target.Labels["check"]+" "+target.Labels["rack"]] = true
			}
		}
		return up["milepost  "] && up["milepost-users  "] && up["milepost-probe packet_loss r1"] && up["milepost-probe resolver r1"]
	})
	var alerts struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	centre.Await("alerts that fire", "/api/v1/alerts", &alerts, func() bool {
		firing := map[string]bool{}
		for _, a := range alerts.Data.Alerts {
			if a.State == "firing" {
				firing[a.Labels["alertname"]+" "+a.Labels["host"]+" "+a.Labels["check"]] = true
			}
		}
		return firing["MilepostProxyDown edge "] && firing["MilepostCheckCritical edge resolver"] && firing["MilepostWatchdog  "]
	})
	t.Run("every query of the dashboards is one", func(t *testing.T) { dashboardQueries(t, centre) })
}

// dashboardQueries has Prometheus evaluate every query of every panel.
func dashboardQueries(t *testing.T, p *peers.RunningPrometheus) {
	for file, d := range dashboards(t) {
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				query := strings.NewReplacer("$instance", ".+", "$host", "edge", "$__rate_interval", "1m", "$__range", "1h").Replace(target.Expr)
				var answer struct{ Status string }
				if err := p.Ask("/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil || answer.Status != "success" {
					t.Errorf("%s: %s: %v: %s", file, panel.Title, err, query)
				}
			}
		}
	}
}

// TestRealGeneratedPrometheus: a Prometheus with the configuration that is made of an
// inventory scrapes the exporter and each check, over TLS with a password, and knows the
// limits. Round trips that have native histograms alone, as above 2,000 targets, are in
// every panel of round trips.
func TestRealGeneratedPrometheus(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/milepost-exporter")
	dir := peers.Dir(t)
	fleet := "state_dir: " + dir + "\n" + strings.Replace(fleetOfTwo, "interval: 30s", "interval: 1s\n  timeout: 1s", 1)
	file := filepath.Join(dir, "milepost.yml")
	put(t, file, fleet)
	address := fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	certify(t, dir)
	put(t, filepath.Join(dir, "web.yml"), webConfig)
	password := filepath.Join(dir, "password")
	put(t, password, "wonder")
	serve(t, s, "--config.file", file, "--web.config.file", filepath.Join(dir, "web.yml"), "--web.listen-address", address, "--classic-histograms", "never")
	rules := filepath.Join(dir, "limits.yml")
	limits := generateFrom(t, s, fleet, "prometheus-limits")
	put(t, rules, strings.Replace(limits, "interval: 4m", "interval: 1s", 1)) // the first evaluation is anywhere in the first interval
	conf := generateFrom(t, s, fleet, "prometheus", "--exporter", address,
		"--scheme", "https", "--ca-file", filepath.Join(dir, "ca.pem"), "--username", "prometheus", "--password-file", password)
	conf = regexp.MustCompile(`(?m)^  #(-|  )`).ReplaceAllString(conf, "  $1") // the job that is there as a comment
	p := peers.StartPrometheus(t, "global: {evaluation_interval: 1s}\nrule_files: ["+rules+"]\n"+conf, nil, "--enable-feature=native-histograms")
	awaitSeries(p, `milepost_host_status{host="São Paulo"}`,
		`probe_success{instance="edge",check="packet_loss",group="here"} == 1`, `probe_success{instance="São Paulo",check="resolver",group="there"} == 0`,
		`milepost_limit{host="edge",check="clock_offset",sample="offset_abs",state="warning"} == 5`)
	smoke := 0
	for _, panel := range dashboards(t)["grafana/host.json"].Panels {
		for _, target := range panel.Targets {
			if strings.Contains(target.Expr, "ping_rtt_seconds") {
				smoke++
				awaitSeries(p, strings.NewReplacer("$instance", ".+", "$host", "edge", "$__rate_interval", "1m").Replace(target.Expr))
			}
		}
	}
	if smoke == 0 {
		t.Error("no panel has round trips")
	}
}

// TestRealAgent: a site's Prometheus in agent mode sends the centre what it scrapes of the
// milepost beside it, and the centre's rules vote with it.
func TestRealAgent(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/milepost-exporter")
	dir := peers.Dir(t)
	put(t, filepath.Join(dir, "milepost.yml"), "state_dir: "+dir+`
vantage: {name: fra-1, provider: lab, region: eu}
defaults: {interval: 1s, timeout: 1s, checks: {packet_loss: {}}}
hosts: [{name: edge, address: 127.0.0.1}]
status: {down: [packet_loss]}
`)
	site := fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	serve(t, s, "--config.file", filepath.Join(dir, "milepost.yml"), "--web.listen-address", site)
	rules := filepath.Join(dir, "quorum.yml")
	put(t, rules, strings.Replace(read(t, "prometheus/rules/quorum.yml"), "interval: 15s", "interval: 1s", 1))
	centre := peers.StartPrometheus(t, "global: {evaluation_interval: 1s}\nrule_files: ["+rules+"]\n", nil,
		"--web.enable-remote-write-receiver", "--storage.tsdb.path="+filepath.Join(dir, "centre"))
	conf := regexp.MustCompile(`(?m)^    basic_auth: .*\n`).ReplaceAllString(read(t, "prometheus/agent.yml"), "")
	conf = strings.NewReplacer("https://prometheus.example.net", "http://"+centre.Addr, "127.0.0.1:10120", site, "15s", "1s").Replace(conf)
	peers.StartPrometheus(t, conf, nil, "--enable-feature=agent", "--storage.agent.path="+filepath.Join(dir, "agent"))
	awaitSeries(centre, `milepost_host_status{instance="fra-1",host="edge",status="up"} == 1`, `milepost:host:voting{host="edge"} == 1`)
}

// awaitSeries waits until each query finds something.
func awaitSeries(p *peers.RunningPrometheus, queries ...string) {
	for _, query := range queries {
		var answer struct{ Data struct{ Result []any } }
		p.Await(query, "/api/v1/query?query="+url.QueryEscape(query), &answer, func() bool { return len(answer.Data.Result) > 0 })
	}
}

// startExporter starts the exporter with TLS and a password, and gives its port.
func startExporter(t *testing.T, s suite, dir string) int {
	t.Helper()
	certify(t, dir)
	log := filepath.Join(dir, "access.log")
	put(t, log, logged)
	put(t, filepath.Join(dir, "web.yml"), webConfig)
	put(t, filepath.Join(dir, "milepost.yml"), strings.NewReplacer("STATE", filepath.Join(dir, "state"), "LOG", log).Replace(watched))
	port := peers.Port(t)
	serve(t, s, "--config.file", filepath.Join(dir, "milepost.yml"),
		"--web.config.file", filepath.Join(dir, "web.yml"), "--web.listen-address", fmt.Sprintf("127.0.0.1:%d", port))
	return port
}

// serve runs the exporter until the test ends.
func serve(t *testing.T, s suite, args ...string) {
	t.Helper()
	cmd := exec.Command(s.programs+"/milepost-exporter", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait says
		if err := cmd.Wait(); err != nil {
			t.Errorf("the exporter ended so: %v", err)
		}
	})
}

// certify writes ca.pem, a certificate of its own for 127.0.0.1, and key.pem.
func certify(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "milepost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
