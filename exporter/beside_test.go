package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// BenchmarkProbeBeside measures what a /probe costs the exporter, in CPU per request
// that it sent to its target, beside Prometheus' own exporters on the same servers in
// the same minute. Below 1 milepost is the cheaper one.
func BenchmarkProbeBeside(b *testing.B) {
	unbound := peers.StartUnbound(b, "  local-zone: \".\" static\n  local-data: \"www.example.net. A 203.0.113.7\"")
	snmpd := peers.StartSnmpd(b, peers.Snmpd{})
	squid := peers.StartSquid(b, peers.Squid{Users: map[string]string{"monitor": "s3cret"}})
	dns, snmp := relay(b, unbound.Addr), relay(b, snmpd.Addr)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()

	dir := peers.Dir(b)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	b.Setenv("MILEPOST_PASSWORD", "s3cret")
	ours := serveBeside(b, plugintest.Build(b, ".").Path,
		"--config.file", file("milepost.yml", fmt.Sprintf(`
defaults: {interval: 1h}
hosts:
  - {name: dns, address: 127.0.0.1, checks: {resolver: {port: %d, query: [www.example.net=203.0.113.7]}}}
  - {name: snmp, address: 127.0.0.1, checks: {clock_offset: {source: snmp, port: %d, reference: none}}}
  - {name: squid, address: 127.0.0.1, checks: {squid_auth: {port: %d, user: monitor, urls: ["%s/"]}}}
`, dns.port(), snmp.port(), squid.Port, origin.URL)), "--state-dir", dir)
	blackbox := serveBeside(b, peer(b, "prometheus-blackbox-exporter"), "--config.file", file("blackbox.yml", fmt.Sprintf(`
modules:
  dns: {prober: dns, dns: {query_name: www.example.net, query_type: A, transport_protocol: udp, preferred_ip_protocol: ip4}}
  squid: {prober: http, http: {proxy_url: "http://monitor:s3cret@%s/", preferred_ip_protocol: ip4, skip_resolve_phase_with_proxy: true}}
`, squid.Addr)))
	snmpExporter := serveBeside(b, peer(b, "prometheus-snmp-exporter"), "--config.file", file("snmp.yml", `
date:
  version: 2
  auth: {community: public}
  get: [1.3.6.1.2.1.25.1.2.0]
  metrics:
    - {name: hrSystemDate, oid: 1.3.6.1.2.1.25.1.2, type: DateAndTime, help: the time}
`))
	lines := func() int64 {
		text, err := os.ReadFile(squid.AccessLog)
		if err != nil {
			b.Fatal(err)
		}
		return int64(bytes.Count(text, []byte("\n")))
	}
	for _, tt := range []struct {
		name         string
		sent         func() int64
		peer         *beside
		mine, theirs string
	}{
		{"dns", dns.sent.Load, blackbox, "target=dns&check=resolver", fmt.Sprintf("module=dns&target=127.0.0.1:%d", dns.port())},
		{"snmp", snmp.sent.Load, snmpExporter, "target=snmp&check=clock_offset", fmt.Sprintf("module=date&target=127.0.0.1:%d", snmp.port())},
		{"squid", lines, blackbox, "target=squid&check=squid_auth", "module=squid&target=" + origin.URL},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var cost, requests [2]float64
			for b.Loop() {
				for i, one := range []struct {
					*beside
					query string
				}{{ours, tt.mine}, {tt.peer, tt.theirs}} {
					cpu, sent := one.cpu(b), tt.sent()
					for range 20 {
						one.probe(b, one.query)
					}
					cost[i] += one.cpu(b) - cpu
					requests[i] += float64(tt.sent() - sent)
				}
			}
			b.ReportMetric(1e6*cost[0]/requests[0], "µs-cpu/request")
			b.ReportMetric(requests[0]/requests[1], "x-requests")
			b.ReportMetric(cost[0]/requests[0]/(cost[1]/requests[1]), "x-peer")
		})
	}
}

// peer is the path of a program that a benchmark measures beside ours.
func peer(b *testing.B, name string) string {
	b.Helper()
	for _, place := range []string{name, "../.peers/usr/bin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	b.Skipf("%s is not here: apt-get install --no-install-recommends %s", name, name)
	return ""
}

// A beside is an exporter that runs for a benchmark.
type beside struct {
	url  string
	stat string
}

func serveBeside(b *testing.B, program string, args ...string) *beside {
	b.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", peers.Port(b))
	var said bytes.Buffer
	cmd := exec.CommandContext(b.Context(), program, append(args, "--web.listen-address="+addr)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	answers := func(path string) bool {
		r, err := http.Get("http://" + addr + path)
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	}
	if !peers.Until(20*time.Second, func() bool { return answers("/-/healthy") || answers("/metrics") }) {
		b.Fatalf("%s does not answer:\n%s", program, said.String())
	}
	path := "/probe?"
	if strings.HasSuffix(program, "snmp-exporter") {
		path = "/snmp?"
	}
	return &beside{"http://" + addr + path, fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)}
}

// probe asks for one, and for a good end of it.
func (e *beside) probe(b *testing.B, query string) {
	b.Helper()
	r, err := http.Get(e.url + query)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || bytes.Contains(page, []byte("probe_success 0\n")) {
		b.Fatalf("%s%s: %v %s", e.url, query, err, page)
	}
}

// cpu is the time that the exporter spent so far, in seconds; the kernel counts
// hundredths.
func (e *beside) cpu(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(e.stat)
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// A counter passes datagrams and connections on to a server and counts them.
type counter struct {
	conn net.PacketConn
	sent atomic.Int64
}

func (c *counter) port() int { return c.conn.LocalAddr().(*net.UDPAddr).Port }

func relay(b *testing.B, server string) *counter {
	b.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	stream, err := net.Listen("tcp", conn.LocalAddr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := &counter{conn: conn}
	var running sync.WaitGroup
	b.Cleanup(func() {
		conn.Close()
		stream.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			down, err := stream.Accept()
			if err != nil {
				return
			}
			c.sent.Add(1)
			running.Go(func() { join(server, down) })
		}
	})
	running.Go(func() {
		buffer := make([]byte, 65536)
		for {
			n, client, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			c.sent.Add(1)
			question := bytes.Clone(buffer[:n])
			running.Go(func() { c.pass(server, client, question) })
		}
	})
	return c
}

// join is one connection to the server.
func join(server string, down net.Conn) {
	defer down.Close()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer up.Close()
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(down, up) })
	_, _ = io.Copy(up, down)
	up.Close()
	back.Wait()
}

// pass brings one question to the server and its answer back.
func (c *counter) pass(server string, client net.Addr, question []byte) {
	up, err := net.Dial("udp", server)
	if err != nil {
		return
	}
	defer up.Close()
	if _, err := up.Write(question); err != nil {
		return
	}
	answer := make([]byte, 65536)
	_ = up.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := up.Read(answer); err == nil {
		_, _ = c.conn.WriteTo(answer[:n], client)
	}
}
