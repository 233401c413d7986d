package accesslog

import "bytes"

// Native is squid's own format:
//
//	%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt
//
// with or without the two bracketed headers of log_mime_hdrs. The user may
// hold spaces, so seven fields are counted from the left and two from the
// right. Bytes from the client are not in it.
func Native() *Format {
	return &Format{name: "native", parse: parseNative, rest: restNative}
}

func parseNative(rec []byte, l *Line) Flaw {
	if len(rec) == 0 {
		return Empty
	}
	ms, i := timestamp(rec)
	if i == 0 {
		return flawOf(rec, Time)
	}
	if i = elapsed(rec, i); i == 0 {
		return flawOf(rec, Fields)
	}
	if i = word(rec, i); i == 0 { // the client
		return flawOf(rec, Fields)
	}
	tag, status, i := tagAndStatus(rec, i)
	if i == 0 {
		return flawOf(rec, Status)
	}
	sent, i := number(rec, i)
	if i == 0 {
		return flawOf(rec, Bytes)
	}
	if i = word(rec, i); i == 0 { // the method
		return flawOf(rec, Fields)
	}
	url := i
	end := bytes.IndexByte(rec[url:], ' ')
	if end <= 0 {
		return flawOf(rec, Fields)
	}
	user, ok := userBetween(rec, url+end+1)
	if !ok {
		return flawOf(rec, Fields)
	}
	l.Time, l.Tag, l.Status, l.Sent = ms, tag, status, sent
	return l.nativeUser(rec, url, user)
}

// nativeUser decodes the user field. One with a space in it may be a name, or
// the middle of two records without a newline between.
func (l *Line) nativeUser(rec []byte, url int, user []byte) Flaw {
	quoted := false
	for _, c := range user {
		switch c {
		case ' ':
			if heads(rec[url:]) {
				return Glued
			}
		case '%', '\\':
			quoted = true
		}
		if c < ' ' { // squid quotes every control character
			return Binary
		}
	}
	switch {
	case len(user) == 1 && user[0] == '-':
		l.User = nil
	case quoted:
		l.scratch = unquoteMime(l.scratch[:0], user)
		l.User = l.scratch
	default:
		l.User = user
	}
	return None
}

// secondsDigits is how many digits a time has from 2001 to 2286. What has more
// is a record glued to the first digits of a torn one.
const secondsDigits = 10

// timestamp reads "1286536308.779 " in milliseconds and returns where the
// next field starts; 0 if there is no such thing.
func timestamp(rec []byte) (ms int64, next int) {
	sec, i := digits(rec, 0)
	if i == 0 || i > secondsDigits || len(rec) < i+5 || rec[i] != '.' || rec[i+4] != ' ' {
		return 0, 0
	}
	frac, end := digits(rec[:i+4], i+1)
	if end != i+4 {
		return 0, 0
	}
	return sec*1000 + frac, i + 5
}

// elapsed passes over "   180 ", which may be negative.
func elapsed(rec []byte, i int) (next int) {
	for i < len(rec) && rec[i] == ' ' {
		i++
	}
	if i < len(rec) && rec[i] == '-' {
		i++
	}
	_, next = number(rec, i)
	return next
}

// word passes over "word ".
func word(rec []byte, i int) (next int) {
	for j := i; j < len(rec); j++ {
		if rec[j] == ' ' {
			if j == i {
				return 0
			}
			return j + 1
		}
	}
	return 0
}

// tagAndStatus reads "TCP_MISS/200 ".
func tagAndStatus(rec []byte, i int) (tag []byte, status, next int) {
	start := i
	for i < len(rec) && (rec[i] == '_' || rec[i]-'A' < 26) {
		i++
	}
	if i == start || i >= len(rec) || rec[i] != '/' {
		return nil, 0, 0
	}
	tag = rec[start:i]
	n, next := number(rec, i+1)
	if n > 999 {
		return nil, 0, 0
	}
	return tag, int(n), next
}

// number reads "1234 ".
func number(rec []byte, i int) (n int64, next int) {
	n, i = digits(rec, i)
	if i == 0 || i >= len(rec) || rec[i] != ' ' {
		return 0, 0
	}
	return n, i + 1
}

// maxDigits keeps seconds times a thousand, and bytes, inside an int64.
const maxDigits = 15

// digits reads a number and returns where it ends; 0 if there is none, or a
// longer one than squid could mean.
func digits(rec []byte, start int) (n int64, end int) {
	i := start
	for i < len(rec) {
		d := rec[i] - '0'
		if d > 9 {
			break
		}
		n = n*10 + int64(d)
		i++
	}
	if i == start || i-start > maxDigits {
		return 0, 0
	}
	return n, i
}

// userBetween is what lies between the URL and the last two fields, "%Sh/%<a"
// and "%mt". start is where the user starts.
func userBetween(rec []byte, start int) ([]byte, bool) {
	rec = withoutHeaders(rec, start)
	mime := lastSpace(rec, start)
	if mime < 0 || mime == len(rec)-1 {
		return nil, false
	}
	hier := lastSpace(rec[:mime], start)
	if hier <= start || !isHierarchy(rec[hier+1:mime]) {
		return nil, false
	}
	return rec[start:hier], true
}

// lastSpace is the last space of rec at or after start; -1 if there is none.
func lastSpace(rec []byte, start int) int {
	for i := len(rec) - 1; i >= start; i-- {
		if rec[i] == ' ' {
			return i
		}
	}
	return -1
}

// isHierarchy knows "HIER_DIRECT/192.0.2.1" and "TIMEOUT_FIRSTUP_PARENT/-".
func isHierarchy(field []byte) bool {
	for i, c := range field {
		switch {
		case c == '/':
			return i > 0 && i < len(field)-1
		case c != '_' && c-'A' >= 26 && c-'0' > 9:
			return false
		}
	}
	return false
}

// withoutHeaders is rec without the " [..] [..]" of log_mime_hdrs. squid
// quotes brackets inside them, so the last two that open are theirs.
func withoutHeaders(rec []byte, start int) []byte {
	if rec[len(rec)-1] != ']' {
		return rec
	}
	reply := opening(rec, start)
	if reply < 0 || rec[reply-1] != ']' {
		return rec
	}
	request := opening(rec[:reply], start)
	if request < 0 {
		return rec
	}
	return rec[:request]
}

// opening is where the last " [" of rec is; -1 if there is none after start,
// or something else stands before the last bracket.
func opening(rec []byte, start int) int {
	i := bytes.LastIndexByte(rec, '[')
	if i <= start || rec[i-1] != ' ' {
		return -1
	}
	return i - 1
}

// flawOf is flaw, unless the record's bytes say more.
func flawOf(rec []byte, flaw Flaw) Flaw {
	switch {
	case bytes.IndexByte(rec, 0) >= 0:
		return Binary
	case heads(rec[1:]):
		return Glued
	default:
		return flaw
	}
}
