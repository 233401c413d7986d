package main

import (
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
		t.Fatal(a.First())
	}
	t.Run("manual", func(t *testing.T) {
		plugintest.Examples(t, program, "-H mil-1.example.net", "-H 127.0.0.1", "-H par-2.example.net", "-H 127.0.0.1", "mil-1.example.net", "127.0.0.1")
	})
	for _, tt := range []struct {
		name, args string
		exit       int
		want       string
	}{
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
