package tail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// TestRealLogrotate has logrotate itself rotate a log in every way that people
// configure, while the reader looks, and while it is down.
func TestRealLogrotate(t *testing.T) {
	program := peers.Program(t, "logrotate")
	for _, row := range []struct{ situation, follow, directives string }{
		{"Debian's", "a.log", "compress\ndelaycompress\nrotate 9"},
		{"compressed at once", "a.log", "compress\nrotate 9"},
		{"the extension last", "a.log", "extension .log\nrotate 9"},
		{"the extension last, compressed", "a.log", "extension .log\ncompress\ndelaycompress\nrotate 9"},
		{"the extension last, for a wildcard", "a*.log*", "extension .log\ncompress\nrotate 9"},
		{"dates", "a.log", "dateext\ndateformat -%Y%m%d-%s.N\ncompress\nrotate 9"},
		{"dates, the extension last", "a.log", "dateext\ndateformat -%Y%m%d%s.N\nextension .log\nrotate 9"},
		{"another directory", "a.log old/*", "olddir DIR/old\nrotate 9"},
		{"another directory, compressed", "a.log old/*", "olddir DIR/old\ncompress\ndelaycompress\nrotate 9"},
		{"another directory, the extension last", "a.log old/*", "olddir DIR/old\nextension .log\ncompress\nrotate 9"},
		{"copied and truncated", "a.log", "copytruncate\nrotate 9"},
		{"copied and truncated, the extension last", "a.log", "copytruncate\nextension .log\ncompress\nrotate 9"},
		{"copied and truncated into another directory", "a.log old/*", "copytruncate\nolddir DIR/old\nrotate 9"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			for _, pad := range []int{0, 5000} {
				w := newWorld(t, pad)
				w.play("dir old; follow " + row.follow)
				rotate := func(n int) { // names of dates differ, as they would from day to day
					conf := fmt.Sprintf("%s {\n%s\nmissingok\n}\n", w.path("a.log"), strings.NewReplacer("DIR", w.dir, ".N", fmt.Sprint(n)).Replace(row.directives))
					w.must(os.WriteFile(w.path("conf"), []byte(conf), 0o600))
					if said, err := exec.CommandContext(t.Context(), program, "--force", "--state", w.path("state"), w.path("conf")).CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, said)
					}
				}
				w.play("+a.log a; look; +a.log b")
				rotate(1)
				w.play("+a.log c; look; +a.log d; die")
				rotate(2)
				w.play("+a.log e")
				rotate(3)
				w.play("+a.log f; look; die; look; die")
				rotate(4)
				w.play("+a.log g; look; wait; die; look")
				heard := ordered(strings.ReplaceAll(strings.Join(w.said, " "), "!truncated", ""))
				if heard != "a b c d e f g" {
					files, _ := filepath.Glob(w.path("*"))
					old, _ := filepath.Glob(w.path("old/*"))
					t.Errorf("lines of %d bytes: heard %q, of %q and %q", pad, w.said, files, old)
				}
			}
		})
	}
}
