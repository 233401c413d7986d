package peers_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// A checkout whose parts pass and fail as their names say, and whose installer misses what
// $LACKS names.
const (
	someParts = `
build lint peers: ; @echo 'made $@'
broken: ; @echo 'made $@'; exit 3
`
	someInstaller = `#!/bin/bash
[[ $1 = --missing ]] || exit 2
[[ -z $LACKS ]] || { echo "$LACKS"; exit 1; }
`
)

// make test makes every part, says how long each took, and passes if all did and all
// servers are here.
func TestTheSuite(t *testing.T) {
	tree := t.TempDir()
	for name, text := range map[string]string{".ci/test": read(t, "../../.ci/test"), "Makefile": someParts, "lib/peers/install": someInstaller} {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const (
		lint  = "\n=== lint\nmade lint\n"
		took  = ` +\d+ s\n`
		total = ` in \d+ s\n$`
	)
	for _, tt := range []struct {
		situation string
		env       []string
		parts     []string
		exit      int
		want      string // a pattern of all that it prints
	}{
		{
			"all is well", nil,
			[]string{"build", "lint"},
			0,
			"^\n=== build\nmade build\n" + lint + "\n=== summary\nbuild        passed" + took + "lint         passed" + took + "\n2 passed, 0 failed" + total,
		},
		{
			"a part fails, and the others are made", nil,
			[]string{"broken", "lint"},
			1,
			"(?s)^\n=== broken\nmade broken\n.*" + lint + "\n=== summary\nbroken       FAILED" + took + "lint         passed" + took + "\n1 passed, 1 failed" + total,
		},
		{
			"a part that does not exist", nil,
			[]string{"nonesuch", "lint"},
			1,
			"(?s)nonesuch     FAILED" + took + "lint         passed" + took + "\n1 passed, 1 failed" + total,
		},
		{
			"a server is not here",
			[]string{"LACKS=squid squid install"},
			[]string{"lint"},
			1,
			"\nnot tested, because these are not on this machine:\nsquid squid install\nto install them .*: make test PEERS=install\n\n1 passed, 0 failed" + total,
		},
		{"where CI runs the servers come first", []string{"CI=true"}, []string{"lint"}, 0, "^\n=== peers\nmade peers\n" + lint + "(?s).*\n2 passed, 0 failed" + total},
		{"and where they are asked for", []string{"PEERS=install"}, []string{"lint"}, 0, "^\n=== peers\nmade peers\n" + lint + "(?s).*\n2 passed, 0 failed" + total},
	} {
		t.Run(tt.situation, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, filepath.Join(tree, ".ci/test"), tt.parts...)
			cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, tt.env...)
			out, err := cmd.Output()
			exit := 0
			if ended, ok := errors.AsType[*exec.ExitError](err); ok {
				exit = ended.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if exit != tt.exit || !regexp.MustCompile(tt.want).Match(out) {
				t.Errorf("exit %d, want %d:\n%s\nwant %s", exit, tt.exit, out, tt.want)
			}
		})
	}
}
