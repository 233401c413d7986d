package promquery

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"milepost/lib/secret"
)

// A Header is what is sent with a query: a token, a tenant.
type Header struct {
	fields http.Header
	hide   []secret.Value // the longest first: one may begin like another
}

// Headers are those of a file with a "Name: value" in each line; empty lines, and those
// that begin with #, say nothing. The file is a secret's: one that others may read is
// refused. "" = none.
func Headers(file string) (Header, error) {
	h := Header{fields: http.Header{}}
	if file == "" {
		return h, nil
	}
	lines, err := secret.Lines(file)
	if err != nil {
		return Header{}, err
	}
	for i, line := range lines {
		text := strings.TrimSpace(line.Reveal())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, value, ok := strings.Cut(text, ":")
		if value = strings.TrimSpace(value); !ok || name == "" || value == "" || strings.ContainsAny(name, " \t") {
			return Header{}, fmt.Errorf(`reading headers %q: line %d is no header: write it as "Name: value"`, file, i+1)
		}
		h.fields.Add(name, value)
		h.conceal(value)
	}
	return h, nil
}

// conceal hides a value, and the token in "Bearer TOKEN".
func (h *Header) conceal(value string) {
	words := strings.Fields(value)
	h.hide = append(h.hide, secret.New(value), secret.New(words[len(words)-1]))
	slices.SortStableFunc(h.hide, func(a, b secret.Value) int { return cmp.Compare(len(b.Reveal()), len(a.Reveal())) })
}

// AddTo adds the header to that of a request.
func (h Header) AddTo(request *http.Request) {
	for name, values := range h.fields {
		for _, v := range values {
			request.Header.Add(name, v)
		}
	}
}

// Redact is what a server said, without what it was sent: a server may repeat that. It
// comes before any cutting, which would leave a part that is not known again.
func (h Header) Redact(text string) string {
	for _, s := range h.hide {
		text = s.Redact(text)
	}
	return text
}
