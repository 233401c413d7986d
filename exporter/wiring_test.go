package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/verdict"
)

// TestWiring: what the parts know reaches each other. Each of these is one line of
// newMonitor or adopt, and would be missed by nobody else.
func TestWiring(t *testing.T) {
	const inventory = `
references: {resolve: [debian.org], resolvers: [192.0.2.53]}
maintenance: [{hosts: [fra-1], weekly: "Sun,Mon,Tue,Wed,Thu,Fri,Sat 00:00-24:00", reason: disk}]
hosts:
  - {name: fra-1, address: '::1', checks: {packet_loss: {}}}
  - {name: nyc-1, address: '::1', checks: {packet_loss: {}}}
`
	f := defaultFlags()
	f.ConfigFile, f.StateDir = inventoryFile(t, inventory), t.TempDir()
	loaded, err := f.load(served())
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMonitor(f, loaded, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer m.past.close()
	now := time.Now()
	for _, host := range []string{"fra-1", "nyc-1"} {
		m.standings.Take(host, []check.Outcome{{Check: "packet_loss", Host: host, At: now, Verdict: verdict.Verdict{Status: verdict.OK}}}, now)
	}
	under, other := m.standings.Stand("fra-1", now), m.standings.Stand("nyc-1", now)
	if under.Status != hoststate.Maintenance || under.Work.Reason != "disk" || other.Status != hoststate.Up {
		t.Errorf("a window of the inventory: %v, and another host %v", under.Status, other.Status)
	}
	if got, want := m.check().Kept, filepath.Join(f.StateDir, addressesFile); got != want {
		t.Errorf("addresses are kept in %q, want %q", got, want)
	}
	if m.check().Lag == nil || m.check().Paths == nil {
		t.Error("the self-check knows neither how late the work is nor what became of all paths at once")
	}
	if m.past.heard == nil {
		t.Error("what others say is not kept with a change")
	}
}
