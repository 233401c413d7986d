package accesslog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A layout reads the records of any logformat. Fields are cut off from the left
// as long as it is sure where each ends; the others from the right. What is
// left in the middle may hold any byte: squid's own format has a user there,
// with all its spaces.
type layout struct {
	fields []field
	// fields[first:behind] is the middle; both are len(fields) if there is none.
	first, behind int
	head          int  // fields by which a record is known inside another; 0 = it is not
	headers       bool // log_mime_hdrs may add its two brackets
	sent, rest    bool // sent, or received, is what the total has beside the other
}

// compile is the layout of a logformat.
func compile(spec string) (*layout, error) {
	pieces, err := lex(spec)
	if err != nil {
		return nil, err
	}
	y := &layout{fields: joined(pieces)}
	if err := y.choose(); err != nil {
		return nil, err
	}
	for i := range y.fields {
		if i+1 < len(y.fields) {
			y.fields[i].bound(&y.fields[i+1])
		} else {
			y.fields[i].bound(nil)
		}
	}
	if err := y.divide(); err != nil {
		return nil, err
	}
	y.findHead()
	return y, nil
}

// joined is the fields of a format with the texts between them.
func joined(pieces []piece) []field {
	var fields []field
	var between strings.Builder
	for _, p := range pieces {
		if p.code == nil {
			between.WriteString(p.text)
			continue
		}
		c := *p.code
		fields = append(fields, field{code: &c, before: between.String()})
		between.Reset()
	}
	for i := range fields {
		if i+1 < len(fields) {
			fields[i].after = fields[i+1].before
		} else {
			fields[i].after, fields[i].last = between.String(), true
		}
	}
	return fields
}

// divide finds the middle.
func (y *layout) divide() error {
	n := len(y.fields)
	y.first, y.behind = n, n
	y.first = slices.IndexFunc(y.fields, func(f field) bool { return f.end == unknown })
	defer y.check()
	if y.first < 0 {
		y.first = n
		return nil
	}
	y.behind = n
	for y.behind > y.first+1 && y.fields[y.behind-1].start != unknown {
		y.behind--
	}
	middle := y.fields[y.first:y.behind]
	if len(middle) == 1 {
		return nil
	}
	for _, f := range middle {
		if f.means != nothing {
			return ambiguous(middle)
		}
	}
	return nil
}

// ambiguous names the neighbours that cannot be told apart: the first two, read from
// the left, and the last two, read from the right. To mend one of the pairs is enough.
func ambiguous(middle []field) error {
	pair := func(i int) string {
		return fmt.Sprintf("%s ends and %s begins", middle[i].spelling, middle[i+1].spelling)
	}
	where := "where " + pair(0)
	if last := len(middle) - 2; last > 0 {
		where += ", or where " + pair(last) + ","
	}
	return fmt.Errorf("%s cannot be told, because of the bytes that they may hold: put a space between, and write the one that clients fill as %s", where, safe(middle))
}

// check marks the fields that are skipped but looked at, because the byte that
// bounds them lets a space through, by which torn records are known.
func (y *layout) check() {
	for i := range y.fields {
		f := &y.fields[i]
		f.checked = f.class == number || f.class == upper ||
			i < y.first && f.end == atByte && f.after[f.stop] != ' ' ||
			i >= y.behind && f.start == atByte && f.before[len(f.before)-1-f.rest] != ' '
	}
}

// safe is how the first of the fields that may hold any byte is better spelled.
func safe(fields []field) string {
	for _, f := range fields {
		if f.loose() {
			return "%#" + strings.TrimLeft(f.spelling, `%"'[#/`)
		}
	}
	return "%#un"
}

// findHead counts the fields that squid fills by itself before the first that
// a client does. A record is known by them if a time is the first.
func (y *layout) findHead() {
	if y.fields[0].means != seconds && y.fields[0].means != clock {
		return
	}
	n := 0
	space := false
	for n < y.first && y.fields[n].ours() && !y.fields[n].last {
		space = space || strings.Contains(y.fields[n].after, " ")
		n++
	}
	if n >= 3 && space {
		y.head = n
	}
}

// parse fills l from a record.
func (y *layout) parse(rec []byte, l *Line) Flaw {
	if len(rec) == 0 {
		return Empty
	}
	whole := rec
	if y.headers {
		rec = withoutHeaders(rec)
	}
	l.clear()
	at, flaw := y.parseLeft(rec, l)
	if flaw == None && y.first < len(y.fields) {
		flaw = y.parseRight(rec, at, l)
	}
	if flaw != None {
		return y.flawOf(whole, flaw)
	}
	switch {
	case y.sent:
		l.Sent = l.total - l.Received
	case y.rest:
		l.Received = l.total - l.Sent
	}
	if l.Sent < 0 || l.Received < 0 {
		return Bytes
	}
	return None
}

func (l *Line) clear() {
	*l = Line{scratch: l.scratch, second: l.second, seconds: l.seconds}
}

// parseLeft reads the fields before the middle, and returns where it starts.
func (y *layout) parseLeft(rec []byte, l *Line) (at int, flaw Flaw) {
	for i := range y.first {
		f := &y.fields[i]
		if !hasAt(rec, at, f.before) {
			return 0, f.flaw()
		}
		value, next := f.span(rec, at+len(f.before))
		if next < 0 || !f.fill(l, value) {
			return 0, f.flaw()
		}
		if f.end == atTheEnd {
			switch {
			case bytes.IndexByte(value, 0) >= 0:
				return 0, Binary
			case y.twoInOne(rec, value):
				return 0, Glued
			}
		}
		at = next
	}
	if y.first == len(y.fields) && string(rec[at:]) != y.fields[y.first-1].after {
		return 0, Fields
	}
	return at, None
}

// parseRight reads the middle, which starts at, and the fields after it.
func (y *layout) parseRight(rec []byte, at int, l *Line) Flaw {
	middle := &y.fields[y.first]
	if !hasAt(rec, at, middle.before) {
		return middle.flaw()
	}
	at += len(middle.before)
	last := y.fields[len(y.fields)-1].after
	end := len(rec) - len(last)
	if end < at || string(rec[end:]) != last {
		return Fields
	}
	for i := len(y.fields) - 1; i >= y.behind; i-- {
		f := &y.fields[i]
		value, start := f.spanBack(rec, at, end)
		if start < 0 || !f.fill(l, value) {
			return f.flaw()
		}
		end = start - len(f.before)
		if end < at || !hasAt(rec, end, f.before) {
			return f.flaw()
		}
	}
	value := middle.unpadded(rec[at:end])
	if len(value) == 0 {
		return Fields
	}
	if middle.means == user && y.twoInOne(rec, value) {
		return Glued
	}
	if y.behind == y.first+1 && !middle.fill(l, value) {
		return middle.flaw()
	}
	return None
}

func hasAt(rec []byte, at int, text string) bool {
	return at >= 0 && len(rec) >= at+len(text) && string(rec[at:at+len(text)]) == text
}

// twoInOne says that a value with a space in it is the end of one record and
// the beginning of another that was glued to it.
func (y *layout) twoInOne(rec, value []byte) bool {
	return bytes.IndexByte(value, ' ') >= 0 && y.nextHead(rec[1:]) >= 0
}

// flawOf is flaw, unless the record's bytes say more.
func (y *layout) flawOf(rec []byte, flaw Flaw) Flaw {
	switch {
	case flaw == Glued:
		return Glued
	case bytes.ContainsFunc(rec, func(r rune) bool { return r < ' ' }):
		return Binary
	case y.nextHead(rec[1:]) >= 0:
		return Glued
	default:
		return flaw
	}
}

// withoutHeaders is rec without the " [..] [..]" of log_mime_hdrs. squid
// quotes brackets inside them, so the last two that open are theirs.
func withoutHeaders(rec []byte) []byte {
	if rec[len(rec)-1] != ']' {
		return rec
	}
	reply := opening(rec)
	if reply <= 0 || rec[reply-1] != ']' {
		return rec
	}
	request := opening(rec[:reply])
	if request <= 0 {
		return rec
	}
	return rec[:request]
}

// opening is where the last " [" of rec is; -1 if something else stands before
// the last bracket.
func opening(rec []byte) int {
	i := bytes.LastIndexByte(rec, '[')
	if i <= 0 || rec[i-1] != ' ' {
		return -1
	}
	return i - 1
}
