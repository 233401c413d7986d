package accesslog

import "bytes"

// Bill is the format that the manual recommends for billing:
//
//	logformat bill %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %>st %rm %#un %sn %tS %ru
//
// It has the bytes from the client, and squid's own count of records; its user
// holds no space, so that nothing a client says can look like another field;
// and its URL comes last, so that where squid 5 cuts a record nothing is lost.
func Bill() *Format {
	return &Format{name: "bill", HasReceived: true, HasSequence: true, parse: parseBill, rest: restBill}
}

func parseBill(rec []byte, l *Line) Flaw {
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
	received, i := number(rec, i)
	if i == 0 {
		return flawOf(rec, Bytes)
	}
	if i = word(rec, i); i == 0 { // the method
		return flawOf(rec, Fields)
	}
	user := i
	if i = word(rec, i); i == 0 {
		return flawOf(rec, Fields)
	}
	name := rec[user : i-1]
	sequence, i := number(rec, i)
	if i == 0 {
		return flawOf(rec, Fields)
	}
	_, url := timestamp(rec[i:]) // when the request began
	if url == 0 || i+url == len(rec) {
		return flawOf(rec, Fields)
	}
	switch url := rec[i+url:]; {
	case bytes.IndexByte(url, 0) >= 0:
		return Binary
	case bytes.IndexByte(url, ' ') >= 0 && heads(url):
		return Glued
	}
	l.Time, l.Tag, l.Status, l.Sent, l.Received, l.Sequence = ms, tag, status, sent, received, sequence
	l.billUser(name)
	return None
}

// billUser decodes what %#un wrote.
func (l *Line) billUser(name []byte) {
	switch {
	case len(name) == 1 && name[0] == '-':
		l.User = nil
	case bytes.IndexByte(name, '%') >= 0:
		l.scratch = unquotePercent(l.scratch[:0], name)
		l.User = l.scratch
	default:
		l.User = name
	}
}

// restBill is the record glued to the end of a torn one. No field that a client
// fills can hold the spaces of a record's head.
func restBill(rec []byte) []byte {
	return glued(rec, func([]byte) bool { return false })
}
