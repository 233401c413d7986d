package nagios

import (
	"io"
	"strings"

	"milepost/lib/check"
	"milepost/lib/verdict"
)

// WriteEach spells outcomes of different checks and returns the worst state: the
// lines of each check, or one page of metrics, or a JSON list with what Write would
// have written of each.
func WriteEach(w io.Writer, f Format, verbose int, outs []check.Outcome) (verdict.Status, error) {
	var b strings.Builder
	if f == FormatPrometheus {
		writePrometheus(&b, outs)
	} else {
		pages := make([]string, len(outs))
		for i, o := range outs {
			var page strings.Builder
			write(&page, o.Check, f, verbose, nil, []check.Outcome{o})
			pages[i] = page.String()
		}
		switch f {
		case FormatJSON:
			b.WriteString("[" + strings.Join(pages, ",") + "]\n")
		default:
			b.WriteString(strings.Join(pages, ""))
		}
	}
	_, err := io.WriteString(w, b.String())
	return worst(outs), err
}
