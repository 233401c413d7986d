package contrib

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// TestRealNRPE: each plugin has a command, but check_path, which needs to know where it
// looks from, and runs by it as NRPE's user: it gets as far as measuring, with what the
// packaged excerpt of an inventory says.
func TestRealNRPE(t *testing.T) {
	s := programs(t)
	permit(t, s.programs+"/check_packet_loss")
	text := useFleet(t, s.text(t, "nrpe/milepost.cfg"), read(t, tree+"/packaging/etc/proxy.yml"))
	commands := nrpeCommands(text)
	for name := range commands {
		commands[name] += " -t 5" // what asks the internet's resolvers finds none here
	}
	nrpe := peers.StartNRPE(t, commands)
	for _, plugin := range s.plugins(t) {
		kind := strings.TrimPrefix(plugin, "check_")
		if has := commands["milepost_"+kind] != ""; has != (kind != "path") {
			t.Errorf("%s has a command: %v", plugin, has)
		}
		if kind == "path" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			exit, output := nrpe.Check("milepost_" + kind)
			want := fmt.Sprintf("%s %s: ", strings.ToUpper(kind), [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[exit])
			if !strings.HasPrefix(output, want) || strings.Contains(output, "usage: ") {
				t.Errorf("exit %d, %q", exit, output)
			}
		})
	}
}

// nrpeCommands are the commands in a configuration of NRPE, by name.
func nrpeCommands(text string) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^command\[(\w+)\]=(.*)$`).FindAllStringSubmatch(text, -1) {
		all[m[1]] = m[2]
	}
	return all
}

// TestRealNRPEOfAnInventory: what a proxy is asked by the commands and the excerpt that are
// made of the fleet's inventory for it gets the verdict that the inventory itself gives.
func TestRealNRPEOfAnInventory(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/check_packet_loss")
	permit(t, s.programs+"/milepost-exporter")
	limited := strings.Replace(fleetOfTwo, "{host_drift: {}}", `{host_drift: {expect_hostname: "another"}, packet_loss: {rtt_warning: "@0:1"}}`, 1)
	excerpt := useFleet(t, "/etc/milepost/milepost.yml", generateFrom(t, s, limited, "proxy", "--host", "edge"))
	commands := nrpeCommands(strings.ReplaceAll(generateFrom(t, s, limited, "nrpe", "--host", "edge"), "/etc/milepost/proxy.yml", excerpt))
	nrpe := peers.StartNRPE(t, commands)
	whole := useFleet(t, "/etc/milepost/milepost.yml", limited)
	for _, tt := range []struct {
		kind string
		exit int
		want string
	}{
		{"packet_loss", 1, "PACKET_LOSS WARNING: the median round trip is "},
		{"squid_auth", 2, "SQUID_AUTH CRITICAL: "},
		{"clock_offset", 3, "CLOCK_OFFSET UNKNOWN: "},
		{"resolver", 2, "RESOLVER CRITICAL: "},
		{"host_drift", 2, "HOST_DRIFT CRITICAL: hostname is "},
	} {
		exit, output := nrpe.Check("milepost_" + tt.kind)
		if exit != tt.exit || !strings.HasPrefix(output, tt.want) || !strings.Contains(output, "\nstage: ") {
			t.Errorf("%s through NRPE: exit %d, %q", tt.kind, exit, output)
		}
		out, err := exec.CommandContext(t.Context(), s.programs+"/milepost-exporter", "probe", "edge", tt.kind, "--config.file", whole).Output()
		if !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("%s by the inventory: %v, %q", tt.kind, err, out)
		}
		delete(commands, "milepost_"+tt.kind)
	}
	if len(commands) > 0 {
		t.Errorf("not asked: %v", commands)
	}
}
