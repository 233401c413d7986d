package plugintest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/nagios"
)

// Golden holds what the plugin prints for each of the command lines, all of which
// must exit with 3, against testdata/NAME.golden. UPDATE_GOLDEN=1 writes the file
// instead: read what changed before you commit it.
func Golden(t *testing.T, p nagios.Plugin, name string, commandLines ...[]string) {
	t.Helper()
	var all bytes.Buffer
	for _, args := range commandLines {
		fmt.Fprintf(&all, "$ check_%s %s\n", p.Name, strings.Join(args, " "))
		if code := nagios.Main(args, &all, p); code != 3 {
			t.Errorf("%q: exit code %d, not 3", args, code)
		}
	}
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, all.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(all.Bytes(), want) {
		t.Errorf("it prints\n%s\nand not %s:\n%s", all.Bytes(), path, want)
	}
}

// Args splits a command line at blanks.
func Args(line string) []string { return strings.Fields(line) }
