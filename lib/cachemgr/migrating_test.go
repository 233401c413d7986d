package cachemgr

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"milepost/lib/peers"
)

// old is a counter of squid-exporter's, what it is now, and the factor between them.
type old struct {
	name, now string
	factor    float64
}

func counted() []old {
	all := []old{
		{"squid_client_http_requests_total", "squid_client_requests_total host fra-1", 1},
		{"squid_client_http_hits_total", "squid_client_hits_total host fra-1", 1},
		{"squid_client_http_errors_total", "squid_client_errors_total host fra-1", 1},
		{"squid_client_http_kbytes_in_kbytes_total", "squid_client_bytes_total host fra-1 direction in", 1024},
		{"squid_client_http_kbytes_out_kbytes_total", "squid_client_bytes_total host fra-1 direction out", 1024},
		{"squid_client_http_hit_kbytes_out_bytes_total", "squid_client_hit_bytes_total host fra-1", 1024},
		{"squid_swap_outs_total", "squid_swap_outs_total host fra-1", 1},
		{"squid_swap_ins_total", "squid_swap_ins_total host fra-1", 1},
		{"squid_swap_files_cleaned_total", "squid_swap_files_cleaned_total host fra-1", 1},
	}
	for _, p := range []string{"all", "http", "ftp", "other"} {
		all = append(all,
			old{"squid_server_" + p + "_requests_total", "squid_server_requests_total host fra-1 protocol " + p, 1},
			old{"squid_server_" + p + "_errors_total", "squid_server_errors_total host fra-1 protocol " + p, 1},
			old{"squid_server_" + p + "_kbytes_in_kbytes_total", "squid_server_bytes_total host fra-1 protocol " + p + " direction in", 1024},
			old{"squid_server_" + p + "_kbytes_out_kbytes_total", "squid_server_bytes_total host fra-1 protocol " + p + " direction out", 1024})
	}
	return all
}

// TestRealMigration holds contrib/squid/MIGRATING.md against squid-exporter itself and
// against what is told here, of the same squid.
func TestRealMigration(t *testing.T) {
	program := peers.Program(t, "prometheus-squid-exporter")
	squid := peers.StartSquid(t, peers.Squid{Conf: "acl Safe_ports port 1-65535\nhttp_access allow localhost manager"})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = w.Write(make([]byte, 20_000))
	}))
	defer origin.Close()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: squid.Addr}), DisableKeepAlives: true,
	}}
	for i := range 20 {
		answer, err := client.Get(fmt.Sprint(origin.URL, "/", i%5))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	m, err := New(squid.Addr)
	if err != nil {
		t.Fatal(err)
	}
	theirs := squidExporter(t, program, squid.Port)
	before, _ := said(t, m)
	page := theirs()
	after, _ := said(t, m)
	manual, err := os.ReadFile("../../contrib/squid/MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	table := patterns(string(manual))
	moved := 0
	for _, o := range counted() {
		then, ok := value(page, o.name+" ")
		least, ok1 := value(before, o.now+" ")
		most, ok2 := value(after, o.now+" ")
		if !ok || !ok1 || !ok2 || then*o.factor < least || then*o.factor > most {
			t.Errorf("%s is %v (%v), times %v not between %v and %v of %s", o.name, then, ok, o.factor, least, most, o.now)
		}
		if then > 0 {
			moved++
		}
		if !table.MatchString(o.name) {
			t.Errorf("MIGRATING.md does not know squid-exporter's %s", o.name)
		}
	}
	if moved < 8 {
		t.Errorf("only %d counters were moved by the test", moved)
	}
	for name := range strings.SplitSeq(page, "\n") { // every one that they have
		name, _, _ = strings.Cut(strings.Split(name, " ")[0], "{")
		if strings.HasPrefix(name, "squid_") && !strings.HasPrefix(name, "squid_exporter_") && !table.MatchString(name) {
			t.Errorf("MIGRATING.md does not know squid-exporter's %s", name)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(after), "\n") { // and every one of ours
		if name, _, _ := strings.Cut(line, " "); !strings.Contains(strings.ReplaceAll(string(manual), "`, ...", "`"), "milepost_"+name) &&
			!strings.HasPrefix(name, "squid_swap_") {
			t.Errorf("MIGRATING.md does not know milepost_%s", name)
		}
	}
}

// patterns matches the old names of the table: {a,b} are alternatives, * is anything, and a
// service time stands for all percentiles.
func patterns(manual string) *regexp.Regexp {
	var all []string
	for line := range strings.SplitSeq(manual, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, m := range regexp.MustCompile("`(squid_[^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			p := strings.NewReplacer("{", "(", "}", ")", ",", "|", "*", ".*").Replace(m[1])
			all = append(all, regexp.MustCompile(`_50$`).ReplaceAllString(p, "_[0-9]+"))
		}
	}
	return regexp.MustCompile("^(" + strings.Join(all, "|") + ")$")
}

// value is that of the line that begins so.
func value(text, begins string) (float64, bool) {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, begins); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// squidExporter starts one, and gives how to scrape it.
func squidExporter(t *testing.T, program string, squid int) func() string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", peers.Port(t))
	cmd := exec.CommandContext(t.Context(), program, "-listen", address, "-squid-hostname", "127.0.0.1", "-squid-port", strconv.Itoa(squid))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return func() string {
		var text []byte
		if !peers.Until(20*time.Second, func() bool {
			answer, err := http.Get("http://" + address + "/metrics")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			text, err = io.ReadAll(answer.Body)
			return err == nil
		}) {
			t.Fatal("squid-exporter does not answer")
		}
		return string(text)
	}
}
