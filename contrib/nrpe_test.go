package contrib

import (
	"fmt"
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
	commands := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^command\[(\w+)\]=(.*)$`).FindAllStringSubmatch(text, -1) {
		commands[m[1]] = m[2] + " -t 5" // what asks the internet's resolvers finds none here
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
