package contrib

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// TestRealIcinga: Icinga takes the CheckCommands beside its own, runs them with what the
// custom variables say, and shows states, long output and performance data.
func TestRealIcinga(t *testing.T) {
	t.Parallel()
	s := programs(t)
	permit(t, s.programs+"/check_packet_loss")
	resolver := peers.StartUnbound(t, "  local-zone: \"com.\" static\n  local-zone: \"invalid.\" static\n")
	fleet := useFleet(t, "/etc/milepost/milepost.yml", inventory)
	i := peers.StartIcinga(t, icingaCommands(t, s)+fmt.Sprintf(`
object Host "edge" { address = "127.0.0.1"; check_command = "dummy"; vars.dummy_state = 0 }
template Service "milepost" { host_name = "edge"; check_interval = 2s; retry_interval = 2s; max_check_attempts = 1 }
object Service "loss" {
  import "milepost"
  check_command = "milepost_packet_loss"
  vars.milepost_packet_loss_count = 3
  vars.milepost_packet_loss_spacing = "0.02"
  vars.milepost_packet_loss_critical = "@0:50"
}
object Service "of the inventory" {
  import "milepost"
  check_command = "milepost_packet_loss"
  vars.milepost_packet_loss_fleet = %q
  vars.milepost_packet_loss_fleet_host = "$host.name$"
}
object Service "two resolvers" {
  import "milepost"
  check_command = "milepost_resolver"
  vars.milepost_resolver_hostname = [ "127.0.0.1", "127.0.0.1" ]
  vars.milepost_resolver_port = %d
}
object Service "a mistake" {
  import "milepost"
  check_command = "milepost_clock_offset"
  vars.milepost_clock_offset_source = "sundial"
}
`, fleet, resolver.Port))
	for _, tt := range []struct{ service, state, output, long, perf string }{
		{"loss", "2", "PACKET_LOSS CRITICAL: ", "stage: ", "loss=0%;;@50"},
		{"of the inventory", "1", "PACKET_LOSS WARNING: the median round trip is ", "stage: ", "loss=0%"},
		{"two resolvers", "0", "RESOLVER OK: ", "stage: ", "time="},
		{"a mistake", "3", "CLOCK_OFFSET UNKNOWN: usage: --source: ", "", ""},
	} {
		got := i.Service(tt.service)
		if got.State != tt.state || !strings.HasPrefix(got.Output, tt.output) || !strings.Contains(got.Long, tt.long) || !strings.Contains(got.Perf, tt.perf) {
			t.Errorf("%s: Icinga shows %+v, want %+v", tt.service, got, tt)
		}
	}
}

// TestRealIcingaSample: the sample beside the commands is valid as it stands.
func TestRealIcingaSample(t *testing.T) {
	t.Parallel()
	s := programs(t)
	if says, valid := peers.CheckIcinga(t, icingaCommands(t, s)+read(t, "icinga2/sample.conf")); !valid || strings.Contains(says, "warning") {
		t.Error(says)
	}
}

// icingaCommands are the CheckCommands, of plugins where they were built.
func icingaCommands(t *testing.T, s suite) string {
	t.Helper()
	return strings.ReplaceAll(read(t, s.generated+"/icinga2/milepost.conf"), "PluginContribDir + ", fmt.Sprintf("%q + ", s.programs))
}

// permit gives a program the capability that the packages give it.
func permit(t *testing.T, program string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return // whoever it is must ping by net.ipv4.ping_group_range
	}
	if out, err := exec.CommandContext(t.Context(), peers.Program(t, "setcap"), "cap_net_raw=p", program).CombinedOutput(); err != nil {
		t.Fatalf("permitting %q to ping: %v\n%s", program, err, out)
	}
}
