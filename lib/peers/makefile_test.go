package peers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// CI runs what users run, and that is all there is.
func TestTheMakefile(t *testing.T) {
	makefile := read(t, "../../Makefile")
	if want := "\n\t@.ci/test build lint archtest unit integration packages fuzz shellcheck\n"; !strings.Contains(makefile, want) {
		t.Errorf("make test is not%s", want)
	}
	if got := read(t, "../../.ci/run"); !strings.Contains(got, "CI=true exec make test") {
		t.Errorf(".ci/run does not run make test: %s", got)
	}
	_, phony, _ := strings.Cut(makefile, "\n.PHONY:")
	phony, _, _ = strings.Cut(phony, "\n")
	for _, target := range strings.Fields(phony) {
		if !regexp.MustCompile(`(?m)^` + target + `:.*## .+`).MatchString(makefile) {
			t.Errorf("make help says nothing of %s", target)
		}
	}
	if help := regexp.MustCompile(`(?m)^fuzz:.*FUZZTIME \(10s\)`); !help.MatchString(makefile) || !strings.Contains(makefile, "\nFUZZTIME ?= 10s\n") {
		t.Error("each fuzz target runs for another time than 10 s")
	}
}

// A fuzz target that begins with nothing finds little in ten seconds.
func TestEveryFuzzTargetHasACorpus(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	found := 0
	err := filepath.WalkDir("../..", func(path string, e os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && e.Name() != ".." && e.Name() != ".":
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		for _, m := range targets.FindAllStringSubmatch(read(t, path), -1) {
			found++
			corpus, err := os.ReadDir(filepath.Join(filepath.Dir(path), "testdata", "fuzz", m[1]))
			if err != nil || len(corpus) == 0 {
				t.Errorf("%s in %s has no corpus", m[1], path)
			}
		}
		return nil
	})
	if err != nil || found < 30 {
		t.Errorf("%d targets: %v", found, err)
	}
}
