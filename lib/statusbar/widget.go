package statusbar

import (
	_ "embed"
	"strings"
)

//go:embed widget.js
var widgetText string

// widget is widget.js as it is served: without what only its readers need, so that
// it stays as small as a picture.
func widget() []byte {
	var lines []string
	for line := range strings.Lines(widgetText) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			lines = append(lines, line)
		}
	}
	return []byte("// milepost: Apache-2.0\n" + strings.Join(lines, "\n") + "\n")
}
