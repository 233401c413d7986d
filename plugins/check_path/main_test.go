package main

import (
	"os"
	"path/filepath"
	"testing"

	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		nil,
		plugintest.Args("-H 127.0.0.1"),
		plugintest.Args("-H 127.0.0.1 --from Paris"),
		plugintest.Args("-H 127.0.0.1 --from Pariss --to Milan"),
		plugintest.Args("-H 127.0.0.1 --from Valencia --to Milan"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to=-91,0"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to 48.85"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to Milan --fibre-speed 0"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to Milan -n 0"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to Milan -i 0"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to Milan -w 30%"),
		plugintest.Args("-H 127.0.0.1 --from Paris --to Milan -c 2:1"),
	)
}

// TestReal pings this machine, which needs the permission that NRPE's user lacks.
func TestReal(t *testing.T) {
	program := plugintest.Build(t, ".")
	if a := program.Run(t, "--self-test"); a.Exit != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal(a.First())
		}
		t.Skip(a.First())
	}
	t.Run("manual", func(t *testing.T) {
		plugintest.Examples(t, program, "-H mil-1.example.net", "-H 127.0.0.1", "-H par-2.example.net", "-H 127.0.0.1", "mil-1.example.net", "127.0.0.1")
	})
	fleet := filepath.Join(t.TempDir(), "milepost.yml")
	if err := os.WriteFile(fleet, []byte(`
vantage: {name: monitor-1, city: Paris}
defaults: {checks: {path: {warning: "30:", count: 1}}}
hosts:
  - {name: mil-1, address: 127.0.0.1, city: Milan, country: Italy}
  - {name: par-2, address: 127.0.0.1, latitude: 48.9, longitude: 2.3}
  - {name: cage-7, address: 127.0.0.1}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, args string
		exit       int
		want       string
	}{
		{"a host of the inventory, by its city", "--fleet " + fleet + " --fleet-host mil-1", 2, "PATH CRITICAL: cannot be there: mil-1 answers after ...from monitor-1 to mil-1, 640 km...fibre=...%;30:;;..."},
		{"and by its coordinates", "--fleet " + fleet + " --fleet-host par-2", 0, "PATH OK: ...from monitor-1 to par-2, 6 km..."},
		{"one that is nowhere", "--fleet " + fleet + " --fleet-host cage-7", 3, `PATH UNKNOWN: where "cage-7" is was not said: give --to CITY...`},
		{"unless it is said", "--fleet " + fleet + " --fleet-host cage-7 --to Paris -v", 0, "PATH OK: ...from monitor-1 to Paris, 0 km..."},
		{"coordinates, the second negative", "-H 127.0.0.1 -n 1 --from 48.8566,2.3522 --to=-33.9,151.2", 2, "PATH CRITICAL: cannot be there: -33.9,151.2 answers after ...fibre=...%;;;0;100 speed=... rtt_min=...s"},
		{"coordinates in a word of their own", "-H 127.0.0.1 -n 1 --from -33.9,151.2 --to -33.9,151.3", 0, "PATH OK: ... ms from -33.9,151.2 to -33.9,151.3, 9 km (6 miles): too near for a speed to mean anything | ..."},
		{"physics, whatever counts as fibre", "-H 127.0.0.1 -n 1 --from Paris --to Milan --fibre-speed 186", 2, "PATH CRITICAL: cannot be there: ..."},
		{"a limit where no speed can be told", "-H 127.0.0.1 -n 1 --from Paris --to Paris -w 30:", 0, "PATH OK: cannot exclude WARNING: limit inside the uncertainty; ...fibre=0%;30:;;0;100 speed=0 rtt_min=...s"},
		{"nobody answers", "-H 127.0.0.1 -n 2 -i 0.01 --from Paris --to Milan -6", 3, `PATH UNKNOWN: address "127.0.0.1" is not of the family that was asked for`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program.Run(t, plugintest.Args(tt.args)...).Expect(t, tt.exit, tt.want)
		})
	}
}
