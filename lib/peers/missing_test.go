package peers

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A verdict is a test that records how it ended.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper() {}

func (v *verdict) end(how string) {
	v.said = how
	panic(v)
}

func (v *verdict) Fatal(args ...any) { v.end("failed: " + fmt.Sprint(args...)) }

func (v *verdict) Fatalf(format string, args ...any) {
	v.end("failed: " + fmt.Sprintf(format, args...))
}

func (v *verdict) Skip(args ...any) { v.end("skipped: " + fmt.Sprint(args...)) }

// ended is how a test that does this ends.
func ended(do func(testing.TB)) (how string) {
	v := &verdict{said: "passed"}
	defer func() {
		if p := recover(); p != nil && p != any(v) {
			panic(p)
		}
		how = v.said
	}()
	do(v)
	return v.said
}

// What is not here is skipped with the command that brings it; where CI runs it fails.
func TestAMissingProgram(t *testing.T) {
	before := programs
	t.Cleanup(func() { programs = before })
	programs += "nonesuch nonesuch-server install\nhere.sh bash install\n"
	dir := t.TempDir()
	write(t, dir, "here.sh", "#!/bin/sh\n", 0o755)
	t.Setenv("PATH", dir)
	const missing = `looking for program "nonesuch": not here: make test PEERS=install installs it (Debian package nonesuch-server)`
	for _, tt := range []struct{ situation, ci, program, want string }{
		{"not here", "", "nonesuch", "skipped: " + missing},
		{"not here, where CI runs", "true", "nonesuch", "failed: " + missing},
		{"CI says that it is none", "false", "nonesuch", "skipped: " + missing},
		{"not in the table", "", "unheard-of", `failed: looking for program "unheard-of": it has no row in lib/peers/programs.txt: add one, so that CI installs it`},
		{"here", "true", "here.sh", "passed"},
	} {
		t.Setenv("CI", tt.ci)
		path := ""
		if got := ended(func(tb testing.TB) { path = Program(tb, tt.program) }); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
		if tt.want == "passed" && path != filepath.Join(dir, tt.program) {
			t.Errorf("%s: it is %q", tt.situation, path)
		}
	}
}
