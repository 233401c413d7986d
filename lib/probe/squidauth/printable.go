package squidauth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is s fit for a line that people and Nagios read: what a peer sent
// must not forge lines, colours or text directions, nor fill the line. It is cut
// at limit bytes.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			return b.String() + "..."
		}
		b.WriteRune(r)
	}
	return b.String()
}
