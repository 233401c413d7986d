package option

import (
	"fmt"
	"io"
	"strings"
)

// helpWidth is where help texts are broken: a terminal of 80 columns.
const helpWidth = 79

// Help writes a paragraph for each option: its names, what it does, its default.
func (o *Options) Help(w io.Writer) {
	for opt := range o.All() {
		head := "    --" + opt.Name
		if opt.Short != "" {
			head = "-" + opt.Short + ", --" + opt.Name
		}
		if opt.Placeholder != "" {
			head += "=" + opt.Placeholder
		}
		about := opt.Help
		if opt.Value != "" && opt.Value != "0" && opt.Value != "0s" && !opt.Switch {
			about += " Default: " + opt.Value + "."
		}
		if len(opt.Env) > 0 {
			about += " Environment: " + strings.Join(opt.Env, ", ") + "."
		}
		fmt.Fprintf(w, "  %s\n%s", head, Wrap(about, "        ", helpWidth))
	}
}

// Wrap breaks text at spaces into lines of at most width bytes that begin with indent.
func Wrap(text, indent string, width int) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if line != indent {
		b.WriteString(line + "\n")
	}
	return b.String()
}
