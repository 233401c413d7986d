package generate

import (
	"regexp"
	"strings"
)

// literal is text as roff prints it, letter by letter (groff_char(7)): a hyphen that
// can be copied into a shell, an apostrophe that is one.
func literal(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// spans are what Markdown sets apart inside a line: code, strong, emphasis, a link.
var spans = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*([^*]+)\\*|\\[([^\\]]+)\\]\\(([^)]+)\\)")

// inline is one line of Markdown as roff.
func inline(text string) string {
	var b strings.Builder
	end := 0
	for _, m := range spans.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(literal(text[end:m[0]]))
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		switch {
		case group(1) != "":
			b.WriteString(`\fB` + literal(group(1)) + `\fR`)
		case group(2) != "":
			b.WriteString(`\fB` + literal(group(2)) + `\fR`)
		case group(3) != "":
			b.WriteString(`\fI` + literal(group(3)) + `\fR`)
		default:
			b.WriteString(literal(group(4)))
			if strings.Contains(group(5), "://") {
				b.WriteString(" <" + literal(group(5)) + ">")
			}
		}
		end = m[1]
	}
	b.WriteString(literal(text[end:]))
	return guard(b.String())
}

// guard keeps roff from taking the first letter of a line for a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
