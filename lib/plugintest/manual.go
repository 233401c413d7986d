package plugintest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"milepost/lib/nagios"
)

// sections are a manual's, in their order.
var sections = [...]string{"Name", "Synopsis", "Description", "Options", "States", "Performance data", "Examples", "Exit codes"}

// manual is the file that a plugin's manual is in.
const manual = "README.md"

// Manual holds the manual in the folder of the test against the plugin: it has the
// fixed sections, and its table has exactly the options of --help, each with its
// short name and its placeholder.
func Manual(t *testing.T, p nagios.Plugin) {
	t.Helper()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	if !slices.Equal(found, sections[:]) {
		t.Errorf("%s has the sections %q, not %q", manual, found, sections)
	}
	var help bytes.Buffer
	nagios.Main([]string{"--help"}, &help, p)
	there := headings(help.String())
	told := rows(string(text))
	for _, h := range there {
		if !slices.Contains(told, h) {
			t.Errorf("%s has no row for %s", manual, h)
		}
	}
	for _, row := range told {
		if !slices.Contains(there, row) {
			t.Errorf("%s has a row for %s, which --help does not know", manual, row)
		}
	}
}

// headings are the options as help spells them: "-H, --hostname=HOST".
func headings(help string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^ {2}(?: {4})?((?:-\S, )?--\S+)$`).FindAllStringSubmatch(help, -1) {
		all = append(all, m[1])
	}
	return all
}

// rows are the first cells of a manual's tables that are options.
func rows(text string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(-[^`]*)` \\|").FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(m[1], `\|`, "|"))
	}
	return all
}

// An Example is a command of a manual and the first lines of what it prints.
type Example struct {
	Command string
	Lines   []string // patterns
}

// examples are the "$ command" lines of the fenced blocks, with what follows them.
func examples(text string) []Example {
	var all []Example
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside && begins:
			all = append(all, Example{Command: command})
		case inside && len(all) > 0:
			last := &all[len(all)-1]
			if before, more := strings.CutSuffix(last.Command, `\`); more && last.Lines == nil {
				last.Command = before + strings.TrimSpace(line)
				continue
			}
			last.Lines = append(last.Lines, line)
		}
	}
	return all
}

// Examples runs every example of the manual in the folder of the test. What the
// manual calls by names of the real world is here by replacing them: old, new, old,
// new. The exit code must be the one of the status in the first line.
func Examples(t *testing.T, p Program, replace ...string) {
	t.Helper()
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(replace...)
	all := examples(string(text))
	if len(all) == 0 {
		t.Errorf("%s has no examples", manual)
	}
	for _, e := range all {
		t.Run(e.Command, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), longest)
			defer cancel()
			cmd := p.Command(ctx)
			cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", here.Replace(e.Command)}
			cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(p.Path)+":/usr/sbin:/usr/bin:/sbin:/bin")
			e.hold(t, here, Run(t, cmd))
		})
	}
}

// hold compares the answer with the example.
func (e Example) hold(t *testing.T, here *strings.Replacer, a Answer) {
	t.Helper()
	if len(e.Lines) == 0 {
		t.Fatal("the manual does not say what this prints")
	}
	exit := 3
	for code, status := range []string{" OK: ", " WARNING: ", " CRITICAL: "} {
		if strings.Contains(e.Lines[0], status) {
			exit = code
		}
	}
	a.Expect(t, exit, here.Replace(e.Lines[0]))
	printed := strings.Split(a.Output, "\n")
	for i, want := range e.Lines {
		if i >= len(printed) || !Matches(here.Replace(want), printed[i]) {
			t.Errorf("line %d is not %q:\n%s", i+1, here.Replace(want), a.Output)
			return
		}
	}
}
