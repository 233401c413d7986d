package contrib

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"milepost/lib/generate"
	"milepost/lib/peers"
)

// inventory is what the commands find hosts in: this machine, with limits that alert.
const inventory = `hosts:
  - name: "edge"
    address: 127.0.0.1
    checks:
      packet_loss: {count: 3, spacing: 0.02, rtt_warning: "@0:1"}
`

// useFleet writes the inventory where nagios may read it, and has commands take it.
func useFleet(t *testing.T, commands, text string) string {
	t.Helper()
	file := filepath.Join(peers.Dir(t), "milepost.yml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("/etc/milepost/milepost.yml", file, "/etc/milepost/proxy.yml", file).Replace(commands)
}

// TestRealNagios: Nagios takes the commands, those of the sample host, and shows states,
// long output and performance data of what they print.
func TestRealNagios(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/check_packet_loss")
	commands := useFleet(t, s.text(t, "nagios/milepost.cfg"), inventory)
	resolver := peers.StartUnbound(t, "  local-zone: \"com.\" static\n  local-zone: \"invalid.\" static\n")
	written := peers.Dir(t)
	if err := os.Chmod(written, 0o777); err != nil {
		t.Fatal(err)
	}
	n := peers.StartNagios(t, map[string]string{
		"basics.cfg": peers.NagiosBasics, "commands.cfg": commands,
		"objects.cfg": "define host {\n\thost_name edge\n\taddress 127.0.0.1\n\tmax_check_attempts 1\n\tcheck_period 24x7\n\tnotification_period 24x7\n\tactive_checks_enabled 0\n\tcontacts nobody\n}\n" +
			nagiosService("resolver", fmt.Sprintf("milepost_resolver!-H 127.0.0.1 -p %d", resolver.Port)) +
			nagiosService("loss of the inventory", "milepost_packet_loss_fleet") +
			nagiosService("nothing listens", "milepost_squid_auth!-p 9 --wrong never --no-credentials allowed --url http://127.0.0.1/") +
			nagiosService("a mistake", "milepost_clock_offset!--sauce ntp"),
	}, strings.ReplaceAll(read(t, "nagios/perfdata.cfg"), "/var/lib/nagios4", written))
	for _, tt := range []struct{ service, state, output, long, perf string }{
		{"resolver", "0", "RESOLVER OK: ", "stage: ", "time="},
		{"loss of the inventory", "1", "PACKET_LOSS WARNING: the median round trip is ", "stage: ", "loss=0%"},
		{"nothing listens", "2", "SQUID_AUTH CRITICAL: ", "stage: ", ""},
		{"a mistake", "3", "CLOCK_OFFSET UNKNOWN: usage: ", "", ""},
	} {
		got := n.Service(tt.service)
		if got.State != tt.state || !strings.HasPrefix(got.Output, tt.output) || !strings.Contains(got.Long, tt.long) || !strings.Contains(got.Perf, tt.perf) {
			t.Errorf("%s: Nagios shows %+v, want %+v", tt.service, got, tt)
		}
	}
	n.Stop() // it writes behind what it shows
	perf := read(t, filepath.Join(written, "service-perfdata"))
	if !regexp.MustCompile(`(?m)^\d+\tedge\tloss of the inventory\tWARNING\tloss=0%;;;0;100 `).MatchString(perf) {
		t.Errorf("the file of performance data has\n%s", perf)
	}
}

func nagiosService(description, command string) string {
	return fmt.Sprintf("define service {\n\thost_name edge\n\tservice_description %s\n\tcheck_command %s\n\tcheck_period 24x7\n\tnotification_period 24x7\n\tcontacts nobody\n\tmax_check_attempts 1\n\tcheck_interval 60\n\tretry_interval 60\n}\n", description, command)
}

// stock is what Debian's Nagios has, as far as objects here refer to it.
const stock = peers.NagiosBasics + "define command {\n\tcommand_name check_nrpe\n\tcommand_line /bin/true\n}\ndefine contactgroup {\n\tcontactgroup_name admins\n\tmembers nobody\n}\n"

// TestRealNagiosSample: the sample beside the commands is valid as it stands, and names
// only commands that are there.
func TestRealNagiosSample(t *testing.T) {
	t.Parallel()
	s := programs(t)
	says, valid := peers.CheckNagios(t, map[string]string{
		"basics.cfg":   stock,
		"commands.cfg": read(t, s.generated+"/nagios/milepost.cfg"), "sample.cfg": read(t, "nagios/sample.cfg"),
	})
	if !valid || !strings.Contains(says, "Total Warnings: 0") {
		t.Error(says)
	}
}

// TestNoCommandNameIsTaken: a command_name that is there already keeps Nagios from
// starting, and so does a CheckCommand Icinga.
func TestRealNoCommandNameIsTaken(t *testing.T) {
	s := programs(t)
	for _, file := range []string{"nagios/milepost.cfg", "nrpe/milepost.cfg", "icinga2/milepost.conf"} {
		for line := range strings.Lines(read(t, filepath.Join(s.generated, file))) {
			for _, keyword := range []string{"\tcommand_name\t", "command[", "object CheckCommand \""} {
				if name, ok := strings.CutPrefix(line, keyword); ok && !strings.HasPrefix(name, "milepost_") {
					t.Errorf("%s: a command without the prefix: %s", file, line)
				}
			}
		}
	}
}

// generateFrom is what the exporter makes of this inventory.
func generateFrom(t *testing.T, s suite, inventory string, args ...string) string {
	t.Helper()
	file := useFleet(t, "/etc/milepost/milepost.yml", inventory)
	cmd := exec.CommandContext(t.Context(), s.programs+"/milepost-exporter", append([]string{"generate", "--config.file", file}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("generate %v: %v", args, err)
	}
	return strings.ReplaceAll(string(out), generate.PluginDir, s.programs)
}

// fleetOfTwo is an inventory with every kind of check.
const fleetOfTwo = `defaults:
  interval: 30s
  checks:
    packet_loss: {count: 3, spacing: 0.02, baseline: 0}
    clock_offset: {source: ntp}
    squid_auth: {no_credentials: allowed, wrong: never, urls: ["http://127.0.0.1/"], port: 9}
    resolver: {port: 9}
hosts:
  - {name: edge, address: 127.0.0.1, city: "Bad Salzuflen", country: DE, group: here, latitude: 52.09, longitude: 8.74, checks: {host_drift: {}}}
  - {name: São Paulo, address: 127.0.0.2, group: there, checks: {clock_offset: false}}
`

// TestRealGenerated: Nagios, Icinga and Prometheus take what is made of an inventory, and a
// service runs with the inventory's options and limits.
func TestRealGenerated(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/check_packet_loss")
	commands := s.text(t, "nagios/milepost.cfg")
	objects := generateFrom(t, s, fleetOfTwo, "nagios")
	says, valid := peers.CheckNagios(t, map[string]string{"basics.cfg": stock, "commands.cfg": commands, "objects.cfg": objects})
	if !valid || !strings.Contains(says, "Checked 8 services") || !strings.Contains(says, "Checked 2 hosts") {
		t.Error(says)
	}
	if says, valid := peers.CheckIcinga(t, icingaCommands(t, s)+generateFrom(t, s, fleetOfTwo, "icinga2")); !valid || !strings.Contains(says, "Instantiated 8 Services") {
		t.Error(says)
	}
	// What the generator refuses, Icinga does; the rest of what names can have, it takes.
	if says, valid := peers.CheckIcinga(t, "object Host \"a!b\" { check_command = \"dummy\" }\n"); valid {
		t.Errorf("Icinga takes a!b: %s", says)
	}
	odd := strings.Replace(fleetOfTwo, "São Paulo", `'b "c" $d$ ;{}#~*'`, 1)
	if says, valid := peers.CheckIcinga(t, icingaCommands(t, s)+generateFrom(t, s, odd, "icinga2")); !valid {
		t.Error(says)
	}
	dir := peers.Dir(t)
	for name, args := range map[string][]string{"prometheus": {"check", "config"}, "prometheus-limits": {"check", "rules"}} {
		file := filepath.Join(dir, name+".yml")
		if err := os.WriteFile(file, []byte(generateFrom(t, s, fleetOfTwo, name)), 0o644); err != nil {
			t.Fatal(err)
		}
		if says, content := peers.Promtool(t, dir, append(args, file)...); !content {
			t.Errorf("%s: %s", name, says)
		}
	}
	n := peers.StartNagios(t, map[string]string{
		"basics.cfg": stock, "commands.cfg": commands,
		"objects.cfg": generateFrom(t, s, strings.Replace(inventory, "hosts:", "defaults: {interval: 1s, timeout: 1s}\nhosts:", 1), "nagios"),
	})
	if got := n.Service("packet loss"); got.State != "1" || !strings.HasPrefix(got.Output, "PACKET_LOSS WARNING: the median round trip is ") {
		t.Errorf("the inventory's limits give %+v", got)
	}
}
