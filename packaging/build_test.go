package packaging

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// make build leaves a program for each plugin and the exporter: one that needs no library
// of the machine it runs on, carries no symbols and no path of the machine it was built on.
func TestRealBuild(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "make", "build", "BIN="+bin, "VERSION=7.6.5")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("making build: %v\n%s", err, out)
	}
	want := []string{"milepost-exporter"}
	plugins, err := filepath.Glob("../plugins/check_*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plugins {
		want = append(want, filepath.Base(p))
	}
	slices.Sort(want)
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
		inspect(t, filepath.Join(bin, e.Name()))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q were built, want %q", got, want)
	}
}

func inspect(t *testing.T, program string) {
	t.Helper()
	name := filepath.Base(program)
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("%s needs %q", name, libraries)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is linked dynamically", name)
		}
	}
	for _, section := range []string{".symtab", ".debug_info", ".zdebug_info"} {
		if f.Section(section) != nil {
			t.Errorf("%s is not stripped: it has %s", name, section)
		}
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["-trimpath"] != "true" || settings["CGO_ENABLED"] != "0" {
		t.Errorf("%s was built with -trimpath=%s CGO_ENABLED=%s", name, settings["-trimpath"], settings["CGO_ENABLED"])
	}
	out, _ := exec.CommandContext(t.Context(), program, "--version").Output() // a plugin's exit is 3
	if !strings.HasPrefix(string(out), name+" 7.6.5") {
		t.Errorf("%s --version: %s", name, out)
	}
}
