// Package accesslog reads single records of squid's access log: when, what
// came of it, how many bytes, and whose request it was. It knows nothing of
// files and sums nothing.
package accesslog

import (
	"fmt"
)

// A Line is one record. Its slices point into the record that was parsed or
// into the Line itself, and are good until the next Parse into the same Line.
type Line struct {
	Time     int64  // milliseconds since the epoch, UTC: when squid logged it, which is when the request ended
	Tag      []byte // "TCP_MISS", with its suffixes
	Status   int    // what squid answered; 0 = nothing
	Sent     int64  // bytes to the client, headers included
	Received int64  // bytes from the client; meaningful if the format has them
	Sequence int64  // squid's own count of records; meaningful if the format has it
	User     []byte // decoded to what the client typed; nil = none

	scratch []byte // where a quoted user is decoded to
}

// Claimed says that the user is only what an unauthenticated client said it
// was: squid logs the name of a refused login too.
func (l *Line) Claimed() bool { return l.Status == statusLogin }

// statusLogin is 407 Proxy Authentication Required (RFC 9110, 15.5.8).
const statusLogin = 407

// Who pays for the line: its user, or nil for nobody in particular.
func (l *Line) Who() []byte {
	if l.Claimed() {
		return nil
	}
	return l.User
}

// A Flaw is why a record is not a line; None if it is.
type Flaw uint8

// The flaws.
const (
	None   Flaw = iota
	Empty       // no byte in it
	Binary      // NUL bytes: a cut record of squid 5, or a file with a hole
	Time        // does not start with a time
	Status      // no result code and status where they belong
	Bytes       // no byte count where it belongs
	Fields      // too few fields, or the last two are not what they should be
	Glued       // a second record starts inside
)

// String is the flaw as one word, fit for a label.
func (f Flaw) String() string {
	switch f {
	case None:
		return "none"
	case Empty:
		return "empty"
	case Binary:
		return "binary"
	case Time:
		return "time"
	case Status:
		return "status"
	case Bytes:
		return "bytes"
	case Fields:
		return "fields"
	case Glued:
		return "glued"
	default:
		return fmt.Sprintf("flaw %d", uint8(f))
	}
}

// A Format says what a record looks like. It is immutable and may be shared.
type Format struct {
	// HasReceived and HasSequence say which of a Line's fields are filled.
	HasReceived, HasSequence bool

	name  string
	parse func(record []byte, l *Line) Flaw
	rest  func(record []byte) []byte
}

// ParseFormat is the format that an inventory names: "native" (or "squid"), as
// squid writes it when nothing else was said, or "bill", which Bill describes.
func ParseFormat(s string) (*Format, error) {
	switch s {
	case "native", "squid":
		return Native(), nil
	case "bill":
		return Bill(), nil
	default:
		return nil, fmt.Errorf("log format %q is not known: write native or bill", s)
	}
}

// String is the format's name.
func (f *Format) String() string { return f.name }

// Parse fills l from one record without its newline. It allocates nothing
// (but for a quoted user longer than any before in this l). After a flaw, l
// holds nothing of use.
func (f *Format) Parse(record []byte, l *Line) Flaw { return f.parse(record, l) }

// Rest is what follows the damage in a record that Parse found flawed: the
// record that was glued to a torn one. nil if there is none that can be told
// for sure.
func (f *Format) Rest(record []byte) []byte { return f.rest(record) }
