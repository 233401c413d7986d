package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

func TestManual(t *testing.T) { plugintest.Manual(t, plugin()) }

func TestHelp(t *testing.T) { plugintest.Golden(t, plugin(), "help", plugintest.Args("--help")) }

func TestUsage(t *testing.T) {
	plugintest.Golden(t, plugin(), "usage",
		nil,
		plugintest.Args("-H"),
		plugintest.Args("-H 127.0.0.1 --sauce ntp"),
		plugintest.Args("-H 127.0.0.1 --source sundial"),
		plugintest.Args("-H 127.0.0.1 -w 2:1"),
		plugintest.Args("-H 127.0.0.1 -c 500ms"),
		plugintest.Args("-H 127.0.0.1 -o sysUpTime"),
		plugintest.Args("-H 127.0.0.1 -P 4"),
		plugintest.Args("-H 127.0.0.1 -P 3"),
		plugintest.Args("-H 127.0.0.1 -U somebody"),
		plugintest.Args("-H 127.0.0.1 --reference one,two"),
		plugintest.Args("-H 127.0.0.1 --community-file /nonexistent/community"),
		plugintest.Args("-H 127.0.0.1 -4 -6"),
		plugintest.Args("127.0.0.1"),
	)
}

func TestReal(t *testing.T) {
	program := plugintest.Build(t, ".")
	right := peers.StartSnmpd(t, peers.Snmpd{Community: "lab"})
	ahead := peers.StartSnmpd(t, peers.Snmpd{Offset: 7500 * time.Millisecond, EpochType: "string"})
	far := peers.StartSnmpd(t, peers.Snmpd{Offset: time.Hour})
	ntp := [...]*peers.RunningChrony{peers.StartChrony(t, peers.Chrony{}), peers.StartChrony(t, peers.Chrony{}), peers.StartChrony(t, peers.Chrony{})}
	lost := peers.StartChrony(t, peers.Chrony{Unsynchronised: true})
	community := filepath.Join(t.TempDir(), "community")
	if err := os.WriteFile(community, []byte("lab\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	majority := fmt.Sprintf("%s,%s,%s", ntp[0].Addr, ntp[1].Addr, ntp[2].Addr)

	t.Run("manual", func(t *testing.T) {
		at := func(port int) string { return fmt.Sprintf("-H 127.0.0.1 -p %d", port) }
		plugintest.Examples(t, program,
			"/etc/milepost/community", community,
			"-H fra-1.example.net", at(right.Port),
			"-H syd-1.example.net", at(ahead.Port),
			"-H tyo-1.example.net", at(far.Port),
			"-H gone-1.example.net", at(peers.Port(t)),
			"-H ntp-1.example.net", at(ntp[0].Port),
			"ntp-1.example.net,ntp-2.example.net,ntp-3.example.net", majority,
		)
	})
	for _, tt := range []struct {
		name string
		port int
		args string
		exit int
		want string
	}{
		{"a majority of NTP servers", right.Port, "--community-file " + community + " --reference " + majority, 0, "CLOCK_OFFSET OK: offset ... (whole seconds over SNMP..., RTT ...) | ..."},
		{"a wrong community", right.Port, "-t 2", 3, "CLOCK_OFFSET UNKNOWN: ..."},
		{"a wrong community, and silence is critical", right.Port, "-t 2:critical", 2, "CLOCK_OFFSET CRITICAL: ..."},
		{"no such OID", far.Port, "-o 1.3.6.1.4.1.1", 3, "CLOCK_OFFSET UNKNOWN: asking ...: the agent shows no 1.3.6.1.4.1.1..."},
		{"behind, by a range that is meant literally", far.Port, "-o " + far.EpochOID + " --reference none -w 3000:4000 -c 3000:4000", 0, "CLOCK_OFFSET OK: offset +3...s;3000:4000;3000:4000 offset_abs=..."},
		{"nobody vouches for the NTP server", lost.Port, "--source ntp", 3, "CLOCK_OFFSET UNKNOWN: asking ...: the server says that it is not synchronised ..."},
		{"no HTTP there", peers.Port(t), "--source http", 3, "CLOCK_OFFSET UNKNOWN: asking ... for its Date over HTTP: connection refused: ..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-H", "127.0.0.1", "-p", fmt.Sprint(tt.port)}, plugintest.Args(tt.args)...)
			program.Run(t, args...).Expect(t, tt.exit, tt.want)
		})
	}
}
