package generate

import (
	"strings"
)

// insertion is a line of a manual that something generated takes the place of:
// "<!-- options -->".
const (
	insertBegin = "<!-- "
	insertEnd   = " -->"
)

// A markdown turns the Markdown that manuals are written in into roff: headings,
// paragraphs, lists, tables, fenced blocks.
type markdown struct {
	b       strings.Builder
	inserts map[string]string // by name: roff
	lines   []string
	fresh   bool // a paragraph has been begun by a heading
}

// roff is text as roff; inserts stand for the lines that name them, and the one
// called "options" for the rows of tables that are options as well.
func roff(text string, inserts map[string]string) string {
	m := &markdown{inserts: inserts, lines: strings.Split(strings.TrimSpace(text), "\n")}
	for len(m.lines) > 0 {
		m.block()
	}
	return m.b.String()
}

func (m *markdown) block() {
	line := m.lines[0]
	name, inserted := strings.CutPrefix(line, insertBegin)
	switch {
	case strings.TrimSpace(line) == "":
		m.lines = m.lines[1:]
	case strings.HasPrefix(line, "# "): // the title is that of the page
		m.lines = m.lines[1:]
	case strings.HasPrefix(line, "## "):
		m.heading("SH", strings.ToUpper(line[3:]))
	case strings.HasPrefix(line, "### "):
		m.heading("SS", line[4:])
	case inserted && strings.HasSuffix(name, insertEnd):
		m.b.WriteString(m.inserts[strings.TrimSuffix(name, insertEnd)])
		m.lines = m.lines[1:]
	case strings.HasPrefix(line, "```"):
		m.fence()
	case strings.HasPrefix(line, "|"):
		m.table()
	case strings.HasPrefix(line, "- "):
		m.list()
	default:
		m.paragraph()
	}
}

func (m *markdown) heading(request, text string) {
	m.b.WriteString("." + request + " " + literal(text) + "\n")
	m.lines, m.fresh = m.lines[1:], true
}

// begin starts a paragraph, which a heading has done already.
func (m *markdown) begin() {
	if !m.fresh {
		m.b.WriteString(".PP\n")
	}
	m.fresh = false
}

func (m *markdown) paragraph() {
	m.begin()
	for len(m.lines) > 0 && !m.ends(m.lines[0]) {
		m.b.WriteString(inline(m.lines[0]) + "\n")
		m.lines = m.lines[1:]
	}
}

// ends says that line is no more of a paragraph.
func (m *markdown) ends(line string) bool {
	for _, prefix := range []string{"#", "```", "|", "- ", insertBegin} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return strings.TrimSpace(line) == ""
}

func (m *markdown) fence() {
	m.begin()
	m.lines = m.lines[1:]
	m.b.WriteString(".RS 4\n.nf\n")
	for len(m.lines) > 0 && !strings.HasPrefix(m.lines[0], "```") {
		m.b.WriteString(guard(literal(m.lines[0])) + "\n")
		m.lines = m.lines[1:]
	}
	m.b.WriteString(".fi\n.RE\n")
	if len(m.lines) > 0 {
		m.lines = m.lines[1:]
	}
}

func (m *markdown) list() {
	m.fresh = false
	for len(m.lines) > 0 && strings.HasPrefix(m.lines[0], "- ") {
		m.b.WriteString(".IP \\(bu 3\n" + inline(m.lines[0][2:]) + "\n")
		m.lines = m.lines[1:]
		for len(m.lines) > 0 && strings.HasPrefix(m.lines[0], "  ") {
			m.b.WriteString(inline(strings.TrimSpace(m.lines[0])) + "\n")
			m.lines = m.lines[1:]
		}
	}
}

// table makes a row a tagged paragraph: the first cell, in brackets what is between,
// and the last one below. Its head is left out.
func (m *markdown) table() {
	m.fresh = false
	var rows [][]string
	for len(m.lines) > 0 && strings.HasPrefix(m.lines[0], "|") {
		rows = append(rows, cells(m.lines[0]))
		m.lines = m.lines[1:]
	}
	if len(rows) > 2 && strings.HasPrefix(rows[2][0], "`-") {
		m.b.WriteString(m.inserts["options"])
		return
	}
	for _, row := range rows[min(2, len(rows)):] {
		tag := inline(row[0])
		for _, between := range row[1 : len(row)-1] {
			if between != "" {
				tag += " (" + inline(between) + ")"
			}
		}
		m.b.WriteString(".TP\n" + tag + "\n" + inline(row[len(row)-1]) + "\n")
	}
}

// cells are the cells of a row; \| is a bar inside one.
func cells(row string) []string {
	const bar = "\x00"
	row = strings.ReplaceAll(strings.Trim(strings.TrimSpace(row), "|"), `\|`, bar)
	var all []string
	for cell := range strings.SplitSeq(row, "|") {
		all = append(all, strings.TrimSpace(strings.ReplaceAll(cell, bar, "|")))
	}
	return all
}
