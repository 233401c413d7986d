// Package contrib holds what other systems need of milepost, each part of it used by the
// system that it is for.
package contrib

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"milepost/lib/generate"
)

// tree is the root of the sources.
const tree = ".."

// A suite is the built programs with what was generated from them.
type suite struct{ programs, generated string }

// built builds everything once for all tests, into a directory that nagios may enter.
var built = sync.OnceValues(func() (suite, error) {
	dir, err := os.MkdirTemp("", "milepost-contrib-")
	if err != nil {
		return suite{}, err
	}
	s := suite{filepath.Join(dir, "bin"), filepath.Join(dir, "generated")}
	for _, d := range []string{dir, s.programs} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return s, err
		}
		if err := os.Chmod(d, 0o755); err != nil {
			return s, err
		}
	}
	release := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o"}
	for _, args := range [][]string{
		append(slices.Clone(release), s.programs+"/", "./plugins/..."),
		append(slices.Clone(release), s.programs+"/milepost-exporter", "./exporter"),
		{"run", "./packaging/generate", s.programs, ".", s.generated},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Stderr = tree, os.Stderr
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := cmd.Run(); err != nil {
			return s, err
		}
	}
	return s, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if used.Load() {
		if s, err := built(); err == nil {
			_ = os.RemoveAll(filepath.Dir(s.programs)) // a directory of its own below /tmp
		}
	}
	os.Exit(code)
}

// used says that a test needed the programs.
var used atomic.Bool

func programs(t *testing.T) suite {
	t.Helper()
	used.Store(true)
	s, err := built()
	if err != nil {
		t.Fatalf("building the programs: %v", err)
	}
	return s
}

// text is a generated file in which the plugins are where they were built.
func (s suite) text(t *testing.T, name string) string {
	t.Helper()
	return strings.ReplaceAll(read(t, filepath.Join(s.generated, name)), generate.PluginDir, s.programs)
}

// plugins are the names of all plugins.
func (s suite) plugins(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.programs, "check_*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for plugins: %v, %v", paths, err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
