package plugintest

import (
	"slices"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"a...", "ab", true},
		{"a...", "ba", false},
		{"...b", "ab", true},
		{"...b", "ba", false},
		{"a...b", "a-b", true},
		{"a...a", "a", false},
		{"a...b...c", "a1b2c", true},
		{"a...c...b", "a1b2c", false},
		{"...", "", true},
	} {
		if got := Matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q %q: %v", tt.pattern, tt.text, got)
		}
	}
}

func TestExamplesOfAManual(t *testing.T) {
	got := examples("$ no\n```text\n$ no\n```\n```console\n$ a \\\n    b\nOK...\nmore\n$ c\n```\nno\n")
	want := []Example{{"a b", []string{"OK...", "more"}}, {"c", nil}}
	if !slices.EqualFunc(got, want, func(a, b Example) bool { return a.Command == b.Command && slices.Equal(a.Lines, b.Lines) }) {
		t.Errorf("%q", got)
	}
}

func TestOptionsOfHelpAndOfAManual(t *testing.T) {
	help := headings("  -H, --hostname=HOST\n        Host, or --other.\n      --reference=auto|none\n        More.\n")
	table := rows("| `-H, --hostname=HOST` | Host. |\n| `--reference=auto\\|none` | More. |\n| `offset` | s |\n")
	if want := []string{"-H, --hostname=HOST", "--reference=auto|none"}; !slices.Equal(help, want) || !slices.Equal(table, want) {
		t.Errorf("%q, %q", help, table)
	}
}
