package squidauth

import (
	"net/http"
	"strings"
)

// A request is a question in HTTP/1.1. Nothing of it is compressed or followed:
// no Accept-Encoding, no redirects.
type request struct {
	method        string
	target        string // absolute URL, authority or path: RFC 9112 section 3.2
	host          string
	authorization string // Proxy-Authorization; "" = none. Never shown
}

// opens says that r turns the connection into a tunnel (RFC 9110 section 9.3.6).
func (q request) opens(r response) bool {
	return q.method == http.MethodConnect && r.status >= http.StatusOK && r.status < http.StatusMultipleChoices
}

// fields are the header's lines that may be shown. The caches on the way must
// ask the origin: a copy would hide that it is not reached.
func (q request) fields() [][2]string {
	return [][2]string{
		{"Host", q.host},
		{"User-Agent", "milepost"},
		{"Accept", "*/*"},
		{"Cache-Control", "no-cache"},
	}
}

// bytes is the request on the wire.
func (q request) bytes() []byte {
	var b []byte
	b = append(b, q.method+" "+q.target+" HTTP/1.1\r\n"...)
	for _, f := range q.fields() {
		b = append(b, f[0]+": "+f[1]+"\r\n"...)
	}
	if q.authorization != "" {
		b = append(b, "Proxy-Authorization: "+q.authorization+"\r\n"...)
	}
	return append(b, "\r\n"...)
}

// said is the request for people: without the query, where some keep tokens.
func (q request) said() string {
	var b strings.Builder
	target, _, _ := strings.Cut(q.target, "?")
	b.WriteString("> " + printable(q.method+" "+target, maxSaid) + "\n")
	for _, f := range q.fields() {
		b.WriteString("> " + f[0] + ": " + printable(f[1], maxSaid) + "\n")
	}
	return b.String()
}

// maxSaid is how much of a header's line is worth showing.
const maxSaid = 400

// telling are the fields of an answer that tell who made it and why. Bodies are
// never shown: squid's error pages may carry the request's credentials.
var telling = [...]string{
	"Server", "Via", "X-Squid-Error", "X-Cache", "Proxy-Authenticate", "Date", "Age", "Location",
	"Content-Type", "Content-Length", "Connection", "Proxy-Connection",
}

// heard is an answer for people.
func heard(res *http.Response) string {
	var b strings.Builder
	b.WriteString("< " + printable(res.Proto+" "+res.Status, maxSaid) + "\n")
	for _, name := range telling {
		for _, value := range res.Header.Values(name) {
			b.WriteString("< " + name + ": " + printable(value, maxSaid) + "\n")
		}
	}
	return b.String()
}
