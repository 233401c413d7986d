package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/echo"
	"milepost/lib/peers"
	"milepost/lib/probe/ping"
)

func TestClassic(t *testing.T) {
	var c classic
	if err := c.UnmarshalText([]byte("yes")); err == nil || err.Error() != `"yes" is none of auto, always, never` {
		t.Error(err)
	}
	for _, tt := range []struct {
		when          string
		at2000, above bool
	}{{"auto", true, false}, {"always", true, true}, {"never", false, false}} {
		if err := c.UnmarshalText([]byte(tt.when)); err != nil || c.of(2000) != tt.at2000 || c.of(2001) != tt.above {
			t.Errorf("%s: %v, %v, %v", tt.when, c.of(2000), c.of(2001), err)
		}
	}
	if exit, _, faults := execute("serve", "--classic-histograms", "sometimes"); exit != 1 || !strings.Contains(faults, `"sometimes" is none of auto, always, never`) {
		t.Errorf("%d %s", exit, faults)
	}
	m := stopped(t, "defaults: {checks: {packet_loss: {}}}\nhosts:\n  - {name: a, address: 127.0.0.1}\n  - {name: b, address: 127.0.0.1, checks: {packet_loss: false, clock_offset: {source: ntp}}}\n", nil)
	if got := pinged(m.watching()); len(got) != 1 || got[0] != "a" || !m.hasClassic() {
		t.Errorf("%v are pinged", got)
	}
}

// permitted is that this process may ping.
func permitted(t *testing.T) {
	t.Helper()
	if _, err := echo.Permission(); err != nil {
		peers.Missing(t, err.Error())
	}
}

// value is that of a series on the page; -1 if it is not there.
func value(page, series string) float64 {
	for line := range strings.Lines(page) {
		if text, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err == nil {
				return v
			}
		}
	}
	return -1
}

// A look that judges older packets once more keeps only what is new.
func TestHistoryKeepsWhatIsNew(t *testing.T) {
	answered, lost := ping.Packet{RTT: time.Millisecond}, ping.Packet{Lost: true}
	r := looked{Packets: []ping.Packet{answered, lost, answered, lost}, Fresh: []ping.Packet{answered, lost}}
	if p := pingsOf(r); p.Sent != 2 || p.Lost != 1 || p.RTT[6] != time.Millisecond {
		t.Errorf("%+v", p)
	}
}

// TestRealPings: what a stream sees is on the page, under the names of smokeping_prober
// too, and in the smoke; and a reload leaves those alone that stay.
func TestRealPings(t *testing.T) {
	permitted(t)
	const inventory = `
vantage: {name: here, city: Paris}
defaults: {interval: 2s, timeout: 1s, checks: {packet_loss: {spacing: 0.05, baseline: 2}, path: {}}}
hosts:
  - {name: stays, address: 127.0.0.1, city: Paris}
  - {name: goes, address: 127.0.0.2}
status: {down: [packet_loss], degraded: []}
`
	s := startServer(t, inventory, func(f *flags) { f.Compat, f.Classic = smokepingProber, classicNever })
	const sent = `milepost_ping_sent_total{host="stays"}`
	labels := `{host="stays",ip="127.0.0.1",source="",tos="0"}`
	page := s.until("/metrics",
		"# TYPE smokeping_requests_total counter", "# TYPE smokeping_response_duration_seconds histogram", "# TYPE smokeping_response_duplicates_total counter",
		"smokeping_send_errors_total"+labels+" 0", "smokeping_receive_errors_total 0", "smokeping_prober_config_last_reload_successful 1",
		"smokeping_response_duration_seconds_count"+labels, `smokeping_response_duration_seconds_bucket{host="stays",ip="127.0.0.1",source="",tos="0",le="0.0512"}`,
		`milepost_check_status{check="packet_loss",host="stays"} 0`, `milepost_path_rtt_min_7d_seconds{host="stays"}`,
		`milepost_monitor_trusted{test="paths"} 1`, `milepost_ping_rtt_seconds_bucket{host="stays",le="+Inf"}`)
	if strings.Contains(page, `milepost_ping_rtt_seconds_bucket{host="stays",le="0.001"}`) {
		t.Error("there are classic buckets, which nobody wants")
	}
	requests, received := value(page, "smokeping_requests_total"+labels), value(page, `milepost_ping_received_total{host="stays"}`)
	if requests < 4 || received < 4 || requests < received {
		t.Errorf("%v requests, %v received", requests, received)
	}
	before := value(page, sent)
	text := strings.Replace(inventory, "{name: goes, address: 127.0.0.2}", "{name: comes, address: 127.0.0.3}", 1)
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.m.reload(); err != nil {
		t.Fatal(err)
	}
	page = s.until("/metrics", `milepost_check_status{check="packet_loss",host="comes"} 0`)
	if after, comes := value(page, sent), value(page, `milepost_ping_sent_total{host="comes"}`); after <= before || comes >= after {
		t.Errorf("the host that stays had %v packets before the reload and has %v after it, the new one %v", before, after, comes)
	}
	if strings.Contains(page, `host="goes"`) {
		t.Error("a host that is gone is still on the page")
	}
	now := time.Now()
	s.m.past.flush(t.Context(), now)
	slots, err := s.m.past.Range(t.Context(), "stays", now.Add(-time.Hour), now.Add(time.Minute), time.Minute)
	if err != nil || len(slots) == 0 || slots[0].Pings.Sent < 4 || slots[0].Pings.Lost > 0 || slots[0].Pings.RTT[3] <= 0 {
		t.Errorf("no smoke: %v, %v", slots, err)
	}
}

// running has m watch until the test ends, or until stop is called.
func running(t *testing.T, m *monitor) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var watching crew.Crew
	watching.Go(func() { m.watch(ctx) })
	stop = func() {
		cancel()
		watching.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// metrics is the page once it is as wanted.
func metrics(t *testing.T, m *monitor, wanted func(page string) bool) string {
	t.Helper()
	page, h := "", m.operator()
	if !peers.Until(60*time.Second, func() bool {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		page = w.Body.String()
		return wanted(page)
	}) {
		t.Fatalf("it never becomes so:\n%.3000s", page)
	}
	return page
}

// TestRealNames: a thousand names are resolved, and again, so that hosts are followed to
// other addresses; when none resolves any more, packets go on to where they were.
func TestRealNames(t *testing.T) {
	permitted(t)
	const hosts = 1000
	var text strings.Builder
	text.WriteString("defaults: {interval: 2s, timeout: 1s, checks: {packet_loss: {spacing: 1s, baseline: 2}}}\nstatus: {down: [packet_loss], degraded: []}\nhosts:\n")
	for i := range hosts {
		fmt.Fprintf(&text, "  - {name: h%d, address: h%d.example}\n", i, i)
	}
	m := stopped(t, text.String(), nil)
	var network atomic.Int32 // 127.NETWORK.x.y; 0 = nothing is resolved
	network.Store(1)
	var refused atomic.Int64
	m.checker.System = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		n := network.Load()
		if n == 0 {
			refused.Add(1)
			return nil, errors.New("the resolver is gone")
		}
		i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(host, "h"), ".example"))
		return []netip.Addr{netip.AddrFrom4([4]byte{127, byte(n), byte(i >> 8), byte(i)})}, err
	}
	running(t, m)
	all := func(page string) (ok int, sent float64) {
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, `milepost_check_status{check="packet_loss",`) && strings.HasSuffix(line, " 0\n") {
				ok++
			}
		}
		return ok, value(page, `milepost_ping_sent_total{host="h7"}`)
	}
	well := func(page string) bool { ok, _ := all(page); return ok == hosts }
	metrics(t, m, well)
	network.Store(2)
	at := func(want string) func(string) bool {
		return func(string) bool {
			for seen := range m.pings.Seen() {
				if !strings.HasPrefix(seen.Address.String(), want) {
					return false
				}
			}
			return true
		}
	}
	metrics(t, m, at("127.2."))
	network.Store(0)
	_, before := all(metrics(t, m, func(string) bool { return refused.Load() >= 2*hosts }))
	page := metrics(t, m, func(page string) bool { _, sent := all(page); return sent > before })
	if ok, _ := all(page); ok != hosts || !at("127.2.")(page) {
		t.Errorf("%d of %d hosts are well when their names stop resolving", ok, hosts)
	}
	if lost := value(page, `milepost_ping_lost_total{host="h7"}`); lost != 0 {
		t.Errorf("%v packets are lost", lost)
	}
}

// TestRealRestart: what was learnt of a host is there after a restart, and so is how
// near it was seen to be; and from elsewhere that says nothing.
func TestRealRestart(t *testing.T) {
	permitted(t)
	const inventory = `
vantage: {name: here, city: %s}
defaults: {interval: 2s, timeout: 1s, checks: {packet_loss: {spacing: 0.002}, path: {}}}
hosts: [{name: a, address: 127.0.0.1, city: Milan}]
`
	state := t.TempDir()
	start := func(city string) *monitor {
		return stopped(t, fmt.Sprintf(inventory, city), func(f *flags) { f.StateDir = state })
	}
	m := start("Paris")
	stop := running(t, m)
	metrics(t, m, func(page string) bool { return value(page, `milepost_ping_received_total{host="a"}`) > 1200 })
	stop()
	for city, near := range map[string]bool{"Paris": true, "Sydney": false} {
		m = start(city)
		known, err := m.recall()
		if packets := known["a"].Packets(); err != nil || packets < 1000 || known["a"].Spacing != 0.002 {
			t.Errorf("seen from %s, it knows of %v packets, %v", city, packets, err)
		}
		if got := m.trips.LeastOf("a", time.Now()) > 0; got != near {
			t.Errorf("seen from %s, it knows how near it was: %v", city, got)
		}
		m.past.close()
	}
}

// TestAFutureHistory: what a newer milepost kept is neither read nor written over; the
// packets go out all the same, and are held against what is assumed.
func TestAFutureHistory(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(state, historyFile)
	version := func(statement string) (v int) {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	version("PRAGMA user_version = 99; CREATE TABLE baseline (all_new TEXT)")
	m := stopped(t, "hosts: [{name: a, address: 127.0.0.1, checks: {packet_loss: {}}}]", func(f *flags) { f.StateDir = state })
	if known, err := m.recall(); len(known) > 0 || err != nil {
		t.Errorf("%v, %v", known, err)
	}
	if err := m.remember(map[string]learnt{"a": {Spacing: 1, Updated: time.Now()}}); err != nil {
		t.Error(err)
	}
	m.past.close()
	if v := version("SELECT all_new FROM baseline"); v != 99 {
		t.Errorf("it is of version %d now", v)
	}
}
