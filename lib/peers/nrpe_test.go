package peers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/peers"
)

func TestRealNRPERunsItsCommands(t *testing.T) {
	script := filepath.Join(peers.Dir(t), "check_three")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"THREE UNKNOWN: $(id -un) | a=1\"\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	n := peers.StartNRPE(t, map[string]string{
		"check_three": script,
		"check_fine":  "/bin/echo fine",
	})
	for _, row := range []struct {
		command string
		exit    int
		output  string
	}{
		{"check_fine", 0, "fine"},
		{"check_three", 3, "THREE UNKNOWN: "},
		{"check_unheard_of", 3, "NRPE: Command 'check_unheard_of' not defined"},
	} {
		exit, output := n.Check(row.command)
		if exit != row.exit || !strings.HasPrefix(output, row.output) {
			t.Errorf("%s: exit %d and %q, want %d and %q", row.command, exit, output, row.exit, row.output)
		}
	}
	if _, output := n.Check("check_three"); os.Geteuid() == 0 && !strings.Contains(output, "nagios") {
		t.Errorf("commands do not run as nagios: %q", output)
	}
}
