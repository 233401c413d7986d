package main

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// The drill proves on an exporter that runs, with real references, that each part's
// failure is grey; and what the exporter publishes does not notice.
func TestRealDrill(t *testing.T) {
	t.Parallel()
	squid := peers.StartSquid(t, peers.Squid{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	state := t.TempDir()
	s := startServer(t, fmt.Sprintf(`
state_dir: %s
references:
  ping: [%q]
  ntp: ["%s", "%s", "%s"]
defaults: {interval: 1s, timeout: 1s}
hosts:
  - {name: fra-1, address: 127.0.0.1, checks: {squid_auth: {port: %d, urls: ["http://%s/"], no_credentials: allowed, expect_status: 100-599}}}
`, state, l.Addr(), peers.StartChrony(t, peers.Chrony{}).Addr, peers.StartChrony(t, peers.Chrony{}).Addr, peers.StartChrony(t, peers.Chrony{}).Addr,
		squid.Port, l.Addr()))
	s.until("/status.json", `"data_at":"`)
	for _, row := range []struct {
		args string
		exit int
		want []string
	}{
		{"--break route", 1, []string{"say --yes"}},
		{"--yes --break leg", 1, []string{`--break: "leg" is none of resolver, route, clock, scheduler`}},
		{"--yes --break resolver", 2, []string{"NOT PROVEN: references.resolve is empty: this monitor would not notice that its resolver is broken"}},
	} {
		exit, out, faults := execute(append(strings.Fields("drill "+row.args), "--state-dir", state)...)
		for _, want := range row.want {
			if exit != row.exit || !strings.Contains(out+faults, want) {
				t.Errorf("%s: %d %s%s", row.args, exit, out, faults)
			}
		}
	}
	exit, out, faults := execute("drill", "--yes", "--break", "route", "--state-dir", state)
	if exit != 0 || faults != "" {
		t.Errorf("%d %s", exit, faults)
	}
	holdDrill(t, "route", out)
	if !strings.Contains(out, "PROVEN: with its route broken, this monitor turns grey: never red, and not green again") || strings.Contains(s.log.String(), "cannot be believed") {
		t.Errorf("it is not a copy that was broken:\n%s", out)
	}
	s.m.mu.Lock()
	f := s.m.inventory
	s.m.mu.Unlock()
	t.Run("others", func(t *testing.T) {
		for _, part := range []string{"clock", "scheduler"} {
			t.Run(part, func(t *testing.T) {
				t.Parallel()
				var said strings.Builder
				if err := runDrill(t.Context(), f, part, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }); err != nil {
					t.Error(err)
				}
				holdDrill(t, part, said.String())
			})
		}
	})
}

// holdDrill holds what a drill says to what it is to see.
func holdDrill(t *testing.T, part, said string) {
	t.Helper()
	for _, want := range []string{"all is well: up, 1 of 1 proxy working", "the monitor is blind, the page unknown: state of 1 proxy unknown: the monitor cannot see"} {
		if !strings.Contains(said, want) {
			t.Errorf("%s: no %q in\n%s", part, want, said)
		}
	}
	if strings.Contains(said, "page down") || strings.Contains(said, "page degraded") {
		t.Errorf("%s: a host was accused:\n%s", part, said)
	}
}
