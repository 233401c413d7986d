package cachemgr

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/peers"
)

func TestOnlyThisMachine(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:3128": "", "[::1]:3128": "", "localhost:3128": "",
		"198.51.100.7:3128": "only this machine's squid is asked", "proxy.example.net:3128": "only this machine's squid is asked",
		"127.0.0.1": "write an address with a port", "": "write an address with a port",
	} {
		_, err := New(address)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}

// said is what the manager tells, a line each.
func said(t *testing.T, m *Manager) (all string, failures string) {
	t.Helper()
	var b, f strings.Builder
	for s := range m.Samples(t.Context(), "fra-1", func(err error) { f.WriteString(err.Error()) }) {
		fmt.Fprintln(&b, s.Metric, strings.Join(s.Labels, " "), s.Value)
	}
	return b.String(), f.String()
}

func TestPages(t *testing.T) {
	asked := map[string]bool{}
	pages := map[string]string{
		"counters": "sample_time = 1795430000.123 (Mon, 23 Nov 2026 12:00:00 GMT)\nclient_http.requests = 7\nclient_http.kbytes_out = 3\nserver.http.kbytes_in = 2\ncpu_time = 1.5\nclient_http.hits = -1\nnonsense\n = 4\n",
		"service_times": "Service Time Percentiles            5 min    60 min:\nHTTP Requests (All):   5%   0.00091  0.00091\n                      50%   0.02317  0.01\nCache Misses:          5%   0.1  0.2\n" +
			"                      xx%   0.1  0.2\nSomething Else:  5%  9 9\n",
		"active_requests": "Connection: 0x1\n\tFD 12, read 113, wrote 500039\n\turi a:443\nlogType TCP_TUNNEL\nout.offset 0, out.size 500039\nusername alice\n\nConnection: 0x2\nlogType TCP_MISS\nout.offset 0, out.size 77\n",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/squid-internal-mgr/")
		asked[name] = true
		_, _ = io.WriteString(w, pages[name])
	}))
	defer server.Close()
	m, err := New(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	got, failures := said(t, m)
	want := `squid_client_requests_total host fra-1 7
squid_client_bytes_total host fra-1 direction out 3072
squid_server_bytes_total host fra-1 protocol http direction in 2048
squid_cpu_seconds_total host fra-1 1.5
squid_service_time_seconds host fra-1 kind http quantile 0.05 0.00091
squid_service_time_seconds host fra-1 kind http quantile 0.5 0.02317
squid_service_time_seconds host fra-1 kind miss quantile 0.05 0.1
squid_open_tunnels host fra-1 1
squid_open_tunnel_bytes host fra-1 500039
squid_up host fra-1 1
`
	if got != want || failures != "" {
		t.Errorf("got\n%swant\n%s%s", got, want, failures)
	}
	if len(asked) != 3 {
		t.Errorf("asked for %v", asked)
	}
	pages["counters"] = "<html>not squid</html>"
	if got, failures := said(t, m); got != "squid_up host fra-1 0\n" || !strings.Contains(failures, "is it squid that listens there?") {
		t.Errorf("%s%s", got, failures)
	}
}

func TestRefusals(t *testing.T) {
	status := http.StatusForbidden
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	m, err := New(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got, failures := said(t, m); got != "squid_up host fra-1 0\n" || !strings.Contains(failures, "squid refuses with 403: put \"http_access allow localhost manager\" before the other http_access lines") {
		t.Errorf("%s%s", got, failures)
	}
	status = http.StatusTeapot
	if _, failures := said(t, m); !strings.Contains(failures, "squid answers 418") {
		t.Error(failures)
	}
	server.Close()
	if got, failures := said(t, m); got != "squid_up host fra-1 0\n" || !strings.Contains(failures, "connection refused") {
		t.Errorf("%s%s", got, failures)
	}
}

// A tunnel's bytes are seen while it is open, in its gauge and nowhere else.
func TestRealSquidTells(t *testing.T) {
	squid := peers.StartSquid(t, peers.Squid{
		Users: map[string]string{"alice": "geheim"},
		Conf:  "acl Safe_ports port 1-65535\nhttp_access allow localhost manager",
	})
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer origin.Close()
	const sent = 300_000
	var serving crew.Crew
	serving.Go(func() {
		for {
			c, err := origin.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(make([]byte, sent))
			defer c.Close()
		}
	})
	defer serving.Wait()
	defer origin.Close()
	tunnel, err := net.DialTimeout("tcp", squid.Addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer tunnel.Close()
	_ = tunnel.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(tunnel, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic YWxpY2U6Z2VoZWlt\r\n\r\n", origin.Addr())
	if _, err := io.CopyN(io.Discard, tunnel, sent); err != nil {
		t.Fatal(err)
	}
	m, err := New(squid.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var got, failures string
	for range 50 { // squid counts what it wrote a moment later
		got, failures = said(t, m)
		if strings.Contains(got, "squid_open_tunnel_bytes host fra-1 3000") {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	for _, want := range []string{
		"squid_up host fra-1 1\n", "squid_client_requests_total host fra-1 ", "squid_client_bytes_total host fra-1 direction out ",
		"squid_service_time_seconds host fra-1 kind http quantile 0.5 ", "squid_open_tunnels host fra-1 1\n", "squid_open_tunnel_bytes host fra-1 3000",
		"squid_server_requests_total host fra-1 protocol all ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s%s", want, got, failures)
		}
	}
	if strings.Contains(got, "alice") || failures != "" {
		t.Errorf("%s%s", got, failures)
	}
}

func FuzzPages(f *testing.F) {
	f.Add("client_http.requests = 7\nHTTP Requests (All):   5%   0.00091  0.00091\nlogType TCP_TUNNEL\nout.offset 0, out.size 500039\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, v := range numbers(text) {
			if v < 0 || v != v {
				t.Errorf("%s is %v", name, v)
			}
		}
		for _, q := range quantiles(text) {
			if q.kind == "" || q.seconds < 0 || q.ratio < 0 || q.ratio > 1 {
				t.Errorf("%+v", q)
			}
		}
		if open, sent := tunnels(text); open < 0 || sent < 0 {
			t.Errorf("%d tunnels, %v bytes", open, sent)
		}
	})
}
