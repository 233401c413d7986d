package statusbar

import (
	_ "embed"
	"strings"
)

//go:embed widget.js
var widgetText string

// widget is widget.js as it is served.
func widget() []byte { return []byte("// milepost: Apache-2.0\n" + squeeze(widgetText) + "\n") }

// squeeze is a script without what only its readers need, so that it stays as small
// as a picture. No string of ours has a line that begins as a comment does.
func squeeze(script string) string {
	var lines []string
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
