package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/peers"
	"milepost/lib/selfcheck"
)

// The drill proves on an exporter that runs, with real references, that each part's
// failure is grey; and what the exporter publishes does not notice.
func TestRealDrill(t *testing.T) {
	t.Parallel()
	squid := peers.StartSquid(t, peers.Squid{})
	origin := httptest.NewServer(http.HandlerFunc(canary))
	defer origin.Close()
	state := t.TempDir()
	s := startServer(t, fmt.Sprintf(`
state_dir: %s
references:
  ping: [%q]
  ntp: ["%s", "%s", "%s"]
defaults: {interval: 1s, timeout: 1s}
hosts:
  - {name: fra-1, address: 127.0.0.1, checks: {squid_auth: {port: %d, urls: [%q], no_credentials: allowed, expect_status: 100-599}}}
`, state, origin.Listener.Addr(), peers.StartChrony(t, peers.Chrony{}).Addr, peers.StartChrony(t, peers.Chrony{}).Addr, peers.StartChrony(t, peers.Chrony{}).Addr,
		squid.Port, origin.URL+"/"))
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
	if all := s.m.past.changes(); len(all) != 1 || all[0].To != hoststate.Up {
		t.Errorf("the drill was published: %+v", all)
	}
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
				if err := runDrill(t.Context(), f, checkerConfig(f, ""), part, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }); err != nil {
					t.Error(err)
				}
				holdDrill(t, part, said.String())
			})
		}
	})
}

// drilled is a fleet of one, and a self-check of it in a world in which all is well.
func drilled(t *testing.T) (*fleet.Fleet, selfcheck.Config) {
	t.Helper()
	f, err := fleet.Load(inventoryFile(t, `
references: {resolve: [debian.org], resolvers: [192.0.2.1], ping: ["192.0.2.8:443"], ntp: [192.0.2.2, 192.0.2.3, 192.0.2.4]}
hosts: [{name: fra-1, address: 192.0.2.7, checks: {packet_loss: {baseline: 2}}}]
status: {down: [packet_loss]}
`), served())
	if err != nil {
		t.Fatal(err)
	}
	find := func(host string) ([]netip.Addr, error) {
		if strings.HasPrefix(host, "debian.org") {
			return []netip.Addr{netip.MustParseAddr("192.0.2.10")}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	looks := checkerConfig(f, "")
	looks.System = func(_ context.Context, _, host string) ([]netip.Addr, error) { return find(host) }
	looks.Ask = func(_ context.Context, _ netip.AddrPort, _, host string) ([]netip.Addr, error) { return find(host) }
	looks.Reach = func(context.Context, netip.AddrPort) error { return nil }
	looks.NoRoute = func() string { return "" }
	looks.Control = func(context.Context) error { return nil }
	looks.Prove = func(context.Context) selfcheck.Proof { return selfcheck.Proof{By: "three of three", Proven: true} }
	return f, looks
}

// Whichever part breaks, the page is grey within seconds, and the drill ends.
func TestDrill(t *testing.T) {
	f, looks := drilled(t)
	for _, part := range drillParts() {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var said strings.Builder
				err := runDrill(t.Context(), f, looks, part, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
				if took := time.Since(began); err != nil || took > time.Minute {
					t.Errorf("after %v: %v", took, err)
				}
				holdDrill(t, part, said.String())
			})
		})
	}
}

// A drill of a monitor that takes its time ends after five minutes, and has proven nothing.
func TestDrillEndsByItself(t *testing.T) {
	f, looks := drilled(t)
	synctest.Test(t, func(t *testing.T) {
		looks.Control = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Minute):
			}
			return nil
		}
		began := time.Now()
		err := runDrill(t.Context(), f, looks, "route", func(string, ...any) {})
		if took := time.Since(began); took != 5*time.Minute || err == nil || err.Error() != "it was cut short" {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestOneDrillAtATime(t *testing.T) {
	var m monitor
	m.drilling.Store(true)
	w := httptest.NewRecorder()
	m.drillOver(w, httptest.NewRequest(http.MethodPost, "/drill?break=clock", nil))
	if !strings.Contains(w.Body.String(), "another drill is under way") {
		t.Error(w.Body)
	}
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
