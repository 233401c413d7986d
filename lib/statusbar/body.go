package statusbar

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
)

// The media types.
const (
	kindJSON = "application/json; charset=utf-8"
	kindHTML = "text/html; charset=utf-8"
	kindSVG  = "image/svg+xml; charset=utf-8"
	kindAtom = "application/atom+xml; charset=utf-8"

	kindScript = "text/javascript; charset=utf-8"
	kindSchema = "application/schema+json; charset=utf-8"
)

// A body is an answer, ready to be sent: nothing of it is made for a request.
type body struct {
	policy string // Content-Security-Policy, of a page
	plain  encoding
	packed *encoding // nil where it would not pay
}

// An encoding is a body as bytes, with the headers that tell of them. The headers'
// values are shared by all answers: net/http reads them and changes none.
type encoding struct {
	text  []byte
	tag   string
	about []header // of the answer, also of one that says "not modified"
	whole []header // of one with a body
}

type header struct {
	name  string // as net/http spells it
	value []string
}

// set puts headers into h as they are: Set would copy each for every request.
func set(h http.Header, all []header) {
	for _, one := range all {
		h[one.name] = one.value
	}
}

// worthGzip is from how many bytes on an answer is compressed: less fits into one
// packet anyhow.
const worthGzip = 1000

func newBody(kind string, text []byte) *body {
	sum := sha256.Sum256(text)
	tag := hex.EncodeToString(sum[:8])
	b := &body{plain: newEncoding(kind, text, `"`+tag+`"`)}
	if len(text) < worthGzip {
		return b
	}
	vary := header{"Vary", []string{"Accept-Encoding"}}
	packed := newEncoding(kind, compress(text), `"`+tag+`-gzip"`)
	packed.whole = append(packed.whole, header{"Content-Encoding", []string{"gzip"}})
	packed.about, b.plain.about = append(packed.about, vary), append(b.plain.about, vary)
	b.packed = &packed
	return b
}

func newEncoding(kind string, text []byte, tag string) encoding {
	return encoding{
		text: text, tag: tag,
		about: []header{{"Etag", []string{tag}}},
		whole: []header{{"Content-Type", []string{kind}}, {"Content-Length", []string{strconv.Itoa(len(text))}}},
	}
}

func compress(text []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer refuses nothing
	}
	return packed.Bytes()
}
