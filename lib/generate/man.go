package generate

import (
	"fmt"
	"strings"
	"time"

	"milepost/lib/option"
)

// A Manual is what manual pages are made of.
type Manual struct {
	Version string
	Date    time.Time // of the release: the pages are the same whenever they are made
	Plugins []option.Program
}

// Plugin is the page, section 1, of a plugin whose manual is text. The options are
// those of its model, where the manual has its table of them.
func (m Manual) Plugin(p option.Program, text string) string {
	page := m.header(p.Name, "1") + roff(text, map[string]string{"options": optionParagraphs(p.Options)})
	return page + m.seeAlso(p.Name)
}

// Exporter is the page, section 1, of a program with commands; its manual has a line
// <!-- commands --> where they belong.
func (m Manual) Exporter(p option.Program, text string) string {
	var b strings.Builder
	for _, c := range p.Commands {
		fmt.Fprintf(&b, ".SS %s\n%s\n%s", literal(strings.TrimSpace(c.Name+" "+c.Operands)), guard(literal(c.About)), optionParagraphs(c.Options))
	}
	return m.header(p.Name, "1") + roff(text, map[string]string{"commands": b.String()}) + m.seeAlso(p.Name)
}

// Inventory is the page, section 5, of the inventory; its manual has a line
// <!-- checks --> where the keys of each check belong.
func (m Manual) Inventory(name, text string) string {
	var b strings.Builder
	for _, p := range m.Plugins {
		fmt.Fprintf(&b, ".SS %s\n%s\nAlso\n.BR %s (1).\n", kind(p), guard(literal(p.About)), p.Name)
		for _, o := range p.Own() {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR%s\n%s\n", literal(strings.ReplaceAll(o.Name, "-", "_")), valueOf(o), explained(o))
		}
	}
	return m.header(name, "5") + roff(text, map[string]string{"checks": b.String()}) + m.seeAlso(name)
}

func (m Manual) header(name, section string) string {
	return fmt.Sprintf(".TH %s %s %s \"milepost %s\" \"milepost\"\n", literal(strings.ToUpper(name)), section, m.Date.UTC().Format(time.DateOnly), m.Version)
}

// seeAlso names the other pages.
func (m Manual) seeAlso(self string) string {
	pages := []string{}
	for _, p := range m.Plugins {
		pages = append(pages, p.Name+" 1")
	}
	pages = append(pages, "milepost\\-exporter 1", "milepost.yml 5")
	var others []string
	for _, page := range pages {
		name, section, _ := strings.Cut(page, " ")
		if strings.ReplaceAll(name, `\`, "") != self {
			others = append(others, fmt.Sprintf(".BR %s (%s)", name, section))
		}
	}
	return ".SH SEE ALSO\n" + strings.Join(others, ",\n") + "\n"
}

// optionParagraphs is a tagged paragraph for each option.
func optionParagraphs(options []option.Described) string {
	var b strings.Builder
	for _, o := range options {
		var tags []string
		for _, n := range names(o) {
			tags = append(tags, `\fB`+literal(n)+`\fR`)
		}
		tag := strings.Join(tags, ", ")
		if o.Placeholder != "" {
			tag += `=\fI` + literal(o.Placeholder) + `\fR`
		}
		b.WriteString(".TP\n" + tag + "\n" + explained(o) + "\n")
	}
	return b.String()
}

func valueOf(o option.Described) string {
	if o.Switch {
		return `: \fItrue\fR or \fIfalse\fR`
	}
	return `: \fI` + literal(o.Placeholder) + `\fR`
}

// explained is an option's help with its default and its environment.
func explained(o option.Described) string {
	text := literal(o.Help)
	if o.Default != "" {
		text += ` Default: \fI` + literal(o.Default) + `\fR.`
	}
	if len(o.Env) > 0 {
		text += ` Environment: \fB` + literal(strings.Join(o.Env, ", ")) + `\fR.`
	}
	return guard(text)
}
