package main

import (
	"fmt"
	"strings"
	"testing"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		plugintest.Args("-H 127.0.0.1 --random none"),
		plugintest.Args("-H 127.0.0.1 --random none --random *.com"),
		plugintest.Args("-H 127.0.0.1 --query www.example.test=1.2.3"),
		plugintest.Args("-H 127.0.0.1 --tcp maybe"),
		plugintest.Args("-H 127.0.0.1 --ttl"),
		plugintest.Args("-H 127.0.0.1 --compare ns1.example.test"),
		plugintest.Args("-H 127.0.0.1 --expect-nameserver ns1"),
		plugintest.Args("-H 127.0.0.1 -p 0"),
		plugintest.Args("-H 127.0.0.1 -w 1e3:"),
		plugintest.Args("-H 127.0.0.1 --querry www.example.test"),
	)
}

// world is an unbound's idea of the internet, which it cannot reach.
const world = `
  local-zone: "com." static
  local-zone: "invalid." static
  local-zone: "example.net." static
  local-data: "www.example.net. 300 IN A 192.0.2.1"
  local-data: "www.example.net. 300 IN A 192.0.2.2"
`

func TestReal(t *testing.T) {
	program := plugintest.Build(t, ".")
	sane := peers.StartUnbound(t, world)
	udpOnly := peers.StartUnbound(t, world+"  do-tcp: no\n")
	hijacker := peers.StartUnbound(t, strings.ReplaceAll(world, `"com." static`, `"com." redirect`)+"  local-data: \"com. 300 IN A 198.51.100.7\"\n")

	t.Run("manual", func(t *testing.T) {
		at := func(port int) string { return fmt.Sprintf("-H 127.0.0.1 -p %d", port) }
		plugintest.Examples(t, program,
			"-H ns1.example.net", at(sane.Port),
			"-H ns2.example.net", at(udpOnly.Port),
			"-H ns3.example.net", at(hijacker.Port),
			"-H gone.example.net", at(peers.Port(t)),
		)
	})
	for _, tt := range []struct {
		name string
		port int
		args string
		exit int
		want string
	}{
		{"slow", sane.Port, "-w @0:", 1, "RESOLVER WARNING: slow: first answer in ... ms; ..."},
		{"TCP is a must", udpOnly.Port, "--tcp must", 2, "RESOLVER CRITICAL: no TCP: ..."},
		{"TCP is not asked for", udpOnly.Port, "--tcp no", 0, "RESOLVER OK: ..."},
		{"it swallows everything", plugintest.Silent(t), "-t 1", 2, "RESOLVER CRITICAL: no answer ..."},
		{"no such resolver", sane.Port, "-6", 3, "RESOLVER UNKNOWN: address \"127.0.0.1\" is not of the family that was asked for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-H", "127.0.0.1", "-p", fmt.Sprint(tt.port), "--query", "www.example.net"}, plugintest.Args(tt.args)...)
			program.Run(t, args...).Expect(t, tt.exit, tt.want)
		})
	}
}
