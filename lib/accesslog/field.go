package accesslog

import (
	"bytes"
	"strings"
)

// A field is a code in its place: what tells where its value starts and ends.
type field struct {
	*code
	set    byteset // the bytes that its value may be made of, as they are written
	dial   *dial   // of %tl and %tg
	before string  // the text between the field before and this one
	after  string  // the text between this and the next
	last   bool

	end   boundary // how its value's end is found from its start
	stop  int      // which byte of after cannot be in a value
	start boundary // how its value's start is found from its end
	rest  int      // how much of before follows the byte that cannot be in a value

	checked bool // its bytes are looked at, because a space would not have ended it
}

// A boundary is how one end of a value is found from the other.
type boundary uint8

const (
	unknown  boundary = iota
	atByte            // by a byte of the text beside it, which no value holds
	atQuote           // by a quote without a backslash before it
	atShell           // as a word of a shell
	atDial            // by what a clock shows
	atClass           // by the first byte that no value holds
	atTheEnd          // of the record
)

// bound finds out how the field is bounded. next is the field after it; nil if
// it is the last.
func (f *field) bound(next *field) {
	f.set = f.written()
	f.boundStart()
	if f.isClock() {
		if f.dial = newDial(f.code); f.dial.readable() {
			f.end = atDial
			return
		}
	}
	f.boundEnd(next)
}

// written is the bytes of which a value is made after it was quoted.
func (f *field) written() byteset {
	if f.isClock() {
		return setOf(func(c byte) bool {
			return c >= ' ' && (strings.IndexByte(`[]"`, c) < 0 || strings.IndexByte(f.arg, c) >= 0)
		})
	}
	set := f.class.set()
	if f.quoting != unquoted && f.class == escaped {
		set = text.set() // squid escapes for URLs only where nothing else is asked for
	}
	switch f.quoting {
	case mime:
		return set.and(setOf(func(c byte) bool { return c >= ' ' && c < 0x7f && c != '[' && c != ']' }))
	case percent:
		return set.and(escaped.set())
	case quotes, shell:
		return set.and(setOf(func(c byte) bool { return c != '\r' }))
	default:
		return set
	}
}

func (f *field) boundEnd(next *field) {
	for i := range len(f.after) {
		if !f.set.has(f.after[i]) {
			f.end, f.stop = atByte, i
			return
		}
	}
	switch {
	case f.last && f.after == "":
		f.end = atTheEnd
	case f.quoting == quotes && f.after != "" && f.after[0] == '"' && f.max < 0:
		f.end = atQuote
	case f.quoting == shell && f.after != "" && f.after[0] == ' ' && f.max < 0:
		f.end = atShell
	case f.after == "" && !f.set.meets(next.written()):
		f.end = atClass
	}
}

func (f *field) boundStart() {
	for i := len(f.before) - 1; i >= 0; i-- {
		if !f.set.has(f.before[i]) {
			f.start, f.rest = atByte, len(f.before)-1-i
			return
		}
	}
	if f.quoting == quotes && f.before != "" && f.before[len(f.before)-1] == '"' && f.max < 0 {
		f.start = atQuote
	}
}

// ours says that squid alone chooses what is in the field.
func (f *field) ours() bool {
	switch f.class {
	case natural, number, upper, address:
		return true
	default:
		return f.isClock()
	}
}

func (f *field) isClock() bool { return f.known.name == "tl" || f.known.name == "tg" }

// loose says that what a client chooses can make the field hold a space.
func (f *field) loose() bool { return !f.ours() && f.set.has(' ') }

// span is the value that starts at, without what pads it, and where the text
// after it starts; -1 if there is none.
func (f *field) span(rec []byte, at int) (value []byte, next int) {
	start := at
	if !f.left {
		for start < len(rec) && start < at+f.min && rec[start] == ' ' {
			start++
		}
	}
	next = f.endOf(rec, start)
	if next <= start {
		return nil, -1
	}
	value = rec[start:next]
	if f.left {
		for next < len(rec) && next < at+f.min && rec[next] == ' ' {
			next++
		}
		if next == at+f.min {
			value = bytes.TrimRight(value, " ")
		}
	}
	return value, next
}

func (f *field) endOf(rec []byte, start int) int {
	switch f.end {
	case atByte:
		return start + bytes.IndexByte(rec[start:], f.after[f.stop]) - f.stop
	case atQuote:
		return closingQuote(rec, start)
	case atShell:
		if start < len(rec) && rec[start] == '"' {
			return closingQuote(rec, start+1) + 1
		}
		return start + bytes.IndexByte(rec[start:], ' ')
	case atDial:
		_, n := f.dial.read(rec[start:])
		return start + n
	case atClass:
		end := start
		for end < len(rec) && f.set.has(rec[end]) {
			end++
		}
		return end
	case atTheEnd:
		return len(rec)
	default:
		return -1
	}
}

// closingQuote is where the next quote is that no backslash stands before; -1
// if there is none.
func closingQuote(rec []byte, i int) int {
	for ; i < len(rec); i++ {
		switch rec[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// spanBack is the value that ends at end, and where it starts with what pads
// it; -1 if there is none after low.
func (f *field) spanBack(rec []byte, low, end int) (value []byte, start int) {
	next := end
	if f.left {
		for end > low && next-end < f.min && rec[end-1] == ' ' {
			end--
		}
	}
	switch f.start {
	case atByte:
		start = bytes.LastIndexByte(rec[low:end], f.before[len(f.before)-1-f.rest])
		if start < 0 {
			return nil, -1
		}
		start += low + 1 + f.rest
	case atQuote:
		start = openingQuote(rec, low, end)
	default:
		return nil, -1
	}
	if start < low || start >= end {
		return nil, -1
	}
	value = rec[start:end]
	if !f.left {
		for start > low && next-start < f.min && rec[start-1] == ' ' {
			start--
		}
	}
	return value, start
}

// openingQuote is behind the last quote of rec[low:end] that no backslash
// stands before; -1 if there is none.
func openingQuote(rec []byte, low, end int) int {
	for i := end - 1; i >= low; i-- {
		if rec[i] != '"' {
			continue
		}
		slashes := 0
		for i-slashes > low && rec[i-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return -1
}

// flaw is what a record is called that lacks the field.
func (f *field) flaw() Flaw {
	switch f.means {
	case seconds, fraction, clock:
		return Time
	case tag, status:
		return Status
	case sent, received, total:
		return Bytes
	default:
		return Fields
	}
}

// fill puts the value into l; false if it is none that squid could write.
func (f *field) fill(l *Line, value []byte) bool {
	var n int64
	switch f.means {
	case nothing:
		return !f.checked || f.set.holds(value)
	case clock:
		l.Time, _ = f.dial.read(value)
		return true
	case tag:
		l.Tag = value
		return f.set.holds(value)
	case user:
		return f.fillUser(l, value)
	default:
		var end int
		if n, end = digits(value, 0); end != len(value) {
			return false
		}
	}
	switch f.means {
	case seconds:
		l.Time += n * 1000
		return len(value) <= secondsDigits
	case fraction:
		return f.fraction(l, n, len(value))
	case status:
		l.Status = int(n)
		return n <= 999
	case sent:
		l.Sent = n
	case received:
		l.Received = n
	case total:
		l.total = n
	case sequence:
		l.Sequence = n
	}
	return true
}

// fraction adds a part of the second, of milliseconds if no maximum width says else.
func (f *field) fraction(l *Line, n int64, length int) bool {
	places := f.max
	if places <= 0 {
		places = 3
	}
	if length > places || f.zero && length < min(f.min, places) {
		return false
	}
	for ; places < 3; places++ {
		n *= 10
	}
	for ; places > 3; places-- {
		n /= 10
	}
	l.Time += n
	return true
}

// fillUser decodes the user.
func (f *field) fillUser(l *Line, value []byte) bool {
	if len(value) == 1 && value[0] == '-' {
		l.User = nil
		return true
	}
	if f.quoting == mime || f.quoting == percent {
		for _, c := range value {
			if c < ' ' {
				return false
			}
		}
	}
	switch f.quoting {
	case mime:
		l.decode(value, `%\`, unquoteMime)
	case percent:
		l.decode(value, "%", unquotePercent)
	case quotes:
		l.decode(value, `\`, unquoteBackslash)
	case shell:
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		l.decode(value, `\`, unquoteBackslash)
	default:
		l.User = value
	}
	return true
}

// decode is the user that value stands for, if one of the marks is in it.
func (l *Line) decode(value []byte, marks string, unquote func(dst, text []byte) []byte) {
	l.User = value
	if l.decoded = bytes.ContainsAny(value, marks); l.decoded {
		l.scratch = unquote(l.scratch[:0], value)
		l.User = l.scratch
	}
}
