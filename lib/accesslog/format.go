// Package accesslog reads single records of squid's access log: when, what
// came of it, how many bytes, and whose request it was. It knows nothing of
// files and sums nothing.
package accesslog

import (
	"bytes"
	"fmt"
	"strings"
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

	decoded bool
	total   int64               // %st
	scratch []byte              // where a quoted user is decoded to
	second  [secondsDigits]byte // of the ordinary record before, and what it is in milliseconds
	seconds int64
}

// Decoded says that User was quoted in the record, so that it lies in the Line
// and not in the record.
func (l *Line) Decoded() bool { return l.decoded }

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

	name   string
	layout *layout
	// ordinary is quick with the records of every day: it says where the first record
	// of text ends if it filled l just as the layout would have, and else 0. nil = the
	// layout reads them all.
	ordinary func(text []byte, l *Line) (end int)
}

// The formats that squid has built in, as it writes them (src/log/Format*.cc,
// which quote no header).
const (
	nativeSpec   = `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`
	commonSpec   = `%>a %[ui %[un [%tl] "%'rm %'ru HTTP/%rv" %>Hs %<st %Ss:%Sh`
	combinedSpec = `%>a %[ui %[un [%tl] "%'rm %'ru HTTP/%rv" %>Hs %<st "%'{Referer}>h" "%'{User-Agent}>h" %Ss:%Sh`
	billSpec     = `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %>st %rm %#un %sn %tS %ru`
)

// Native is squid's own format, with or without the two bracketed headers of
// log_mime_hdrs. Bytes from the client are not in it.
func Native() *Format { return must(builtIn("native")) }

// Bill is the format that the manual recommends for billing:
//
//	logformat bill %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %>st %rm %#un %sn %tS %ru
//
// It has the bytes from the client, and squid's own count of records; its user
// holds no space, so that nothing a client says can look like another field;
// and its URL comes last, so that where squid 5 cuts a record nothing is lost.
func Bill() *Format { return must(builtIn("bill")) }

func must(f *Format, err error) *Format {
	if err != nil {
		panic(err) // the constants above are wrong
	}
	return f
}

// builtIn is a format that has a name already.
func builtIn(name string) (*Format, error) {
	switch name {
	case "native", "squid":
		f, err := custom("native", nativeSpec)
		if err == nil {
			f.layout.headers, f.ordinary = true, ordinaryNative
		}
		return f, err
	case "bill":
		f, err := custom(name, billSpec)
		if err == nil {
			f.ordinary = ordinaryBill
		}
		return f, err
	case "common", "combined":
		f, err := custom(name, map[string]string{"common": commonSpec, "combined": combinedSpec}[name])
		if err == nil {
			f.layout.headers = true
		}
		return f, err
	case "referrer":
		return custom(name, `%ts.%03tu %>a %{Referer}>h %ru`)
	case "useragent":
		return custom(name, `%>a [%tl] "%{User-Agent}>h"`)
	default:
		return nil, fmt.Errorf("log format %q is not known: write native, bill, or what squid.conf has after logformat", name)
	}
}

// A Spec names a format, as ParseFormat takes it.
type Spec string

// UnmarshalText refuses what is no format that can be billed from.
func (s *Spec) UnmarshalText(text []byte) error {
	if _, err := ParseFormat(string(text)); err != nil {
		return err
	}
	*s = Spec(text)
	return nil
}

// ParseFormat is the format that an inventory names: "native" (or "squid"), as
// squid writes it when nothing else was said; "bill", which Bill describes;
// "common" or "combined"; or any other as squid.conf spells it, with the words
// "logformat NAME" before it or without. One that lacks what a bill needs is
// refused with the code to add.
func ParseFormat(s string) (*Format, error) {
	if !strings.Contains(s, "%") {
		return builtIn(strings.TrimSpace(s))
	}
	name, spec, err := unwrapped(s)
	if err != nil {
		return nil, fmt.Errorf("log format: %w", err)
	}
	switch spec {
	case nativeSpec:
		return builtIn("native")
	case billSpec:
		return builtIn("bill")
	}
	if name == "" {
		name = spec
	}
	return custom(name, spec)
}

func custom(name, spec string) (*Format, error) {
	y, err := compile(spec)
	if err != nil {
		return nil, fmt.Errorf("log format %q: %w", name, err)
	}
	f := &Format{name: name, layout: y, HasReceived: y.rest}
	for i := range y.fields {
		f.HasReceived = f.HasReceived || y.fields[i].means == received
		f.HasSequence = f.HasSequence || y.fields[i].means == sequence
	}
	return f, nil
}

// String is the format's name, or what it was made of.
func (f *Format) String() string { return f.name }

// Parse fills l from one record without its newline. It allocates nothing
// (but for a quoted user longer than any before in this l). After a flaw, l
// holds nothing of use.
func (f *Format) Parse(record []byte, l *Line) Flaw {
	if f.ordinary != nil && len(record) > 0 && f.ordinary(record, l) == len(record) {
		return None
	}
	return f.layout.parse(record, l)
}

// Whole says that a record which no newline ends is all there: it can be read, into l,
// and what it bills is not its very end, which might go on.
func (f *Format) Whole(record []byte, l *Line) bool {
	last := f.layout.fields[len(f.layout.fields)-1]
	return f.Parse(record, l) == None && (last.means == nothing || last.after != "")
}

// Next is Parse of the first record of text, which a newline ends or nothing;
// rest is what follows it. Where a record ends need not be known to read most.
func (f *Format) Next(text []byte, l *Line) (record, rest []byte, flaw Flaw) {
	if f.ordinary != nil {
		if end := f.ordinary(text, l); end > 0 {
			return text[:end], text[min(end+1, len(text)):], None
		}
	}
	record, rest, _ = bytes.Cut(text, []byte{'\n'})
	return record, rest, f.layout.parse(record, l)
}

// Rest is what follows the damage in a record that Parse found flawed: the
// record that was glued to a torn one. nil if there is none that can be told
// for sure.
func (f *Format) Rest(record []byte) []byte { return f.layout.glued(record) }
