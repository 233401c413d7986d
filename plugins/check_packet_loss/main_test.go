package main

import (
	"testing"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		nil,
		plugintest.Args("-H 127.0.0.1 -n many"),
		plugintest.Args("-H 127.0.0.1 -n 1001"),
		plugintest.Args("-H 127.0.0.1 -i 0"),
		plugintest.Args("-H 127.0.0.1 --baseline 101"),
		plugintest.Args("-H 127.0.0.1 --burst 1"),
		plugintest.Args("-H 127.0.0.1 -w 5x"),
		plugintest.Args("-H 127.0.0.1 -c nan"),
		plugintest.Args("-H 127.0.0.1 --rtt-warning @"),
		plugintest.Args("-H 127.0.0.1 -t 10:ok"),
		plugintest.Args("-H 127.0.0.1 extra"),
	)
}

// TestReal pings this machine, which needs the permission that NRPE's user lacks.
func TestReal(t *testing.T) {
	program := plugintest.Build(t, ".")
	if a := program.Run(t, "--self-test"); a.Exit != 0 {
		peers.Missing(t, a.First())
	}
	t.Run("manual", func(t *testing.T) {
		plugintest.Examples(t, program, "-H fra-1.example.net", "-H 127.0.0.1")
	})
	for _, tt := range []struct {
		name, args string
		exit       int
		want       string
	}{
		{"two hosts", "-H 127.0.0.1 -H 127.0.0.2 -n 3 -i 0.02", 0, "PACKET_LOSS OK: 2 hosts: 2 OK | 127.0.0.1_loss=0%...127.0.0.2_loss=0%..."},
		{"it is fitted into the time", "-H 127.0.0.1 -n 100 -i 1 -t 2 --baseline 2", 0, "PACKET_LOSS OK: 0/... lost ... packets 0.2 s apart to fit into 2 s..."},
		{"the other family", "-H 127.0.0.1 -6", 3, "PACKET_LOSS UNKNOWN: address \"127.0.0.1\" is not of the family that was asked for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program.Run(t, plugintest.Args(tt.args)...).Expect(t, tt.exit, tt.want)
		})
	}
}
