package accesslog

import "bytes"

// A record can lose its newline: squid up to 5 cuts one at 8191 bytes and ends
// it with a NUL (stdio) or with nothing (daemon); a full disk or a crash cuts
// one anywhere. The next record is then glued to it.
//
// The second one is counted only if nobody could have forged it. Up to the
// method squid wrote every byte itself, and a URL holds no space, which a
// record's head needs. But the name in a 407 is whatever the client claimed,
// spaces and all, and so is a logged header: what looks like a record in
// there stays uncounted.

// restNative is the record glued to the end of a torn one; nil if there is
// none to be trusted.
func restNative(rec []byte) []byte { return glued(rec, forgeable) }

func glued(rec []byte, forgeable func(torn []byte) bool) []byte {
	if i := bytes.IndexByte(rec, 0); i >= 0 { // squid quotes a NUL that a client sends
		rest := bytes.TrimLeft(rec[i:], "\x00")
		if nextHead(rest) != 0 {
			return nil
		}
		return rest
	}
	if len(rec) == 0 {
		return nil
	}
	n := nextHead(rec[1:])
	if n < 0 || forgeable(rec[:1+n]) {
		return nil
	}
	return rec[1+n:]
}

// heads says whether a record's head is in b.
func heads(b []byte) bool { return nextHead(b) >= 0 }

// nextHead is where the first "1286536308.779 180 client TAG/200 " of b starts;
// -1 if there is none.
func nextHead(b []byte) int {
	for from := 0; ; {
		slash := bytes.IndexByte(b[from:], '/')
		if slash < 0 {
			return -1
		}
		slash += from
		if start := headBefore(b, slash); start >= 0 {
			return start
		}
		from = slash + 1
	}
}

// headBefore reads backwards from the slash of "TAG/200": -1 if what stands
// before is no head.
func headBefore(b []byte, slash int) int {
	i := slash
	for i > 0 && (b[i-1] == '_' || b[i-1]-'A' < 26) {
		i--
	}
	if i == slash || i == 0 || b[i-1] != ' ' {
		return -1
	}
	i-- // at the space before the tag
	client := i
	for i > 0 && b[i-1] > ' ' {
		i--
	}
	if i == client || i == 0 || b[i-1] != ' ' {
		return -1
	}
	i--
	took := i
	for i > 0 && b[i-1]-'0' < 10 {
		i--
	}
	if i == took {
		return -1
	}
	if i > 0 && b[i-1] == '-' {
		i--
	}
	for i > 0 && b[i-1] == ' ' {
		i--
	}
	return timeBefore(b, i)
}

// timeBefore reads "1286536308.779" backwards from its end.
func timeBefore(b []byte, end int) int {
	start := end - secondsDigits - len(".000")
	if start < 0 {
		return -1
	}
	for i, c := range b[start:end] {
		if i == secondsDigits {
			if c != '.' {
				return -1
			}
		} else if c-'0' > 9 {
			return -1
		}
	}
	return start
}

// forgeable says that the client could choose what follows torn: it ends
// within the name of a 407, or within logged headers.
func forgeable(torn []byte) bool {
	if bytes.Contains(torn, []byte(" [")) {
		return true
	}
	_, i := timestamp(torn)
	if i == 0 {
		return false
	}
	if i = elapsed(torn, i); i == 0 {
		return false
	}
	if i = word(torn, i); i == 0 {
		return false
	}
	_, status, i := tagAndStatus(torn, i)
	return i != 0 && status == statusLogin
}
