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
		padding := f.left && f.min > 0 && i > 0 && f.after[i] == ' ' // what pads it looks the same
		if !f.set.has(f.after[i]) && !padding {
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
		rest := len(f.before) - 1 - i
		padding := !f.left && f.min > 0 && rest > 0 && f.before[i] == ' '
		if !f.set.has(f.before[i]) && !padding {
			f.start, f.rest = atByte, rest
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
	case natural, number, upper, address, peer, reason:
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
		value = f.unpadded(value) // where no space bounds it, what pads it is in it
	}
	return value, start
}

// unpadded is the value without the spaces that bring it to the minimum width. What is
// wider has none.
func (f *field) unpadded(value []byte) []byte {
	switch {
	case len(value) > f.min:
		return value
	case f.left:
		return bytes.TrimRight(value, " ")
	default:
		return bytes.TrimLeft(value, " ")
	}
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
