// Package packaging holds what makes packages and releases.
package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVersion: which milepost a checkout is, in the order in which Debian counts.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	script, err := os.ReadFile("version")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "packaging"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE=2026-11-23T13:15:00Z", "GIT_COMMITTER_DATE=2026-11-23T13:15:00Z",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.test")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	file("packaging/version", string(script), 0o755)
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "commit", "-qm", "one")

	var before string
	for _, tt := range []struct {
		situation string
		change    func()
		want      string
	}{
		{"before any release", func() {}, `0~20261123131500\.g[0-9a-f]{7}`},
		{"a candidate", func() { run("git", "tag", "v1.2.0-rc1") }, `1\.2\.0~rc1`},
		{"after the candidate", func() { run("git", "commit", "-qm", "y", "--allow-empty") }, `1\.2\.0~rc1\+1\.g[0-9a-f]{7}`},
		{"a candidate that became the release", func() { run("git", "tag", "v1.2.0"); run("git", "tag", "v1.2.0-rc2") }, `1\.2\.0`},
		{"a tag that is no release", func() { run("git", "commit", "-qm", "x", "--allow-empty"); run("git", "tag", "vacation") }, `1\.2\.0\+1\.g[0-9a-f]{7}`},
		{"with changes", func() { file("packaging/version", string(script)+"#\n", 0o755) }, `1\.2\.0\+1\.g[0-9a-f]{7}\+dirty`},
		{"the sources of a release", func() { file("packaging/VERSION", "1.3.0 1795392148\n", 0o644) }, `1\.3\.0`},
	} {
		tt.change()
		got := run("packaging/version")
		if !regexp.MustCompile("^" + tt.want + "$").MatchString(got) {
			t.Errorf("%s: %q", tt.situation, got)
		}
		if _, err := exec.LookPath("dpkg"); err == nil && before != "" && exec.CommandContext(t.Context(), "dpkg", "--compare-versions", before, "lt", got).Run() != nil {
			t.Errorf("%s: to dpkg %q is not newer than %q", tt.situation, got, before)
		}
		before = got
	}
	if got := run("packaging/version", "--epoch"); got != "1795392148" {
		t.Errorf("it was committed at %s", got)
	}
}
