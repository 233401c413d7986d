package accesslog

import "bytes"

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
