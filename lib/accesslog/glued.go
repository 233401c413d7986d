package accesslog

import "bytes"

// A record can lose its newline: squid up to 5 cuts one at 8191 bytes and ends
// it with a NUL (stdio) or with nothing (daemon); a full disk or a crash cuts
// one anywhere. The next record is then glued to it.
//
// The second one is counted only if nobody could have forged it. Its head squid
// writes itself, and a URL holds no space, which a head needs. But the name in
// a 407 is whatever the client claimed, spaces and all, and so is a logged
// header: what looks like a record in there stays uncounted.

// glued is the record that follows the damage in rec; nil if there is none to
// be trusted.
func (y *layout) glued(rec []byte) []byte {
	if i := bytes.IndexByte(rec, 0); i >= 0 { // squid quotes a NUL that a client sends
		rest := bytes.TrimLeft(rec[i:], "\x00")
		if y.nextHead(rest) != 0 {
			return nil
		}
		return rest
	}
	if len(rec) == 0 {
		return nil
	}
	n := y.nextHead(rec[1:])
	if n < 0 || y.forgeable(rec[:1+n]) {
		return nil
	}
	return rec[1+n:]
}

// maxHead is more bytes than a record's head has.
const maxHead = 512

// nextHead is where the first head of a record starts in b; -1 if there is none.
func (y *layout) nextHead(b []byte) int {
	if y.head == 0 {
		return -1
	}
	first := &y.fields[0]
	var l Line
	for i := range b {
		if !hasAt(b, i, first.before) || first.means == seconds && !tenDigits(b[i+len(first.before):]) {
			continue
		}
		if y.headAt(b[i:min(len(b), i+maxHead)], &l) {
			return i
		}
	}
	return -1
}

// tenDigits says that b starts with the digits of a time, and no others. With
// fewer it would be a time's end, and with more there is one inside.
func tenDigits(b []byte) bool {
	if len(b) <= secondsDigits || b[secondsDigits]-'0' < 10 {
		return false
	}
	for _, c := range b[:secondsDigits] {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// headAt says that b starts with a record's head.
func (y *layout) headAt(b []byte, l *Line) bool {
	at := 0
	for i := range y.head {
		f := &y.fields[i]
		if !hasAt(b, at, f.before) {
			return false
		}
		value, next := f.span(b, at+len(f.before))
		if next < 0 || !f.fill(l, value) || !f.set.holds(value) {
			return false
		}
		at = next
	}
	return hasAt(b, at, y.fields[y.head-1].after)
}

// forgeable says that the client could choose what follows torn: it ends
// within the name of a 407, or within logged headers.
func (y *layout) forgeable(torn []byte) bool {
	if y.headers && bytes.Contains(torn, []byte(" [")) {
		return true
	}
	var l Line
	at, ends, login := 0, 0, true // which field torn ends in; whether it may be of a 407
	for ; ends < y.first; ends++ {
		f := &y.fields[ends]
		if !hasAt(torn, at, f.before) {
			break
		}
		value, next := f.span(torn, at+len(f.before))
		if next < 0 || f.end == atTheEnd || !f.fill(&l, value) {
			break
		}
		if f.means == status {
			login = l.Status == statusLogin
		}
		at = next
	}
	for i := range y.fields {
		f := &y.fields[i]
		if f.loose() && (i <= ends || ends == y.first) && (login || f.means != user) {
			return true
		}
	}
	return false
}
