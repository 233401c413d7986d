package squidauth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// isWebServer says that whoever answered q without credentials is no proxy but a web
// server, which takes an absolute URL for one of its own (RFC 9112, section 3.2.2).
//
// A web server answers a path too, as no forward proxy does. Where it answered q with a
// page, it must be the same page for both, and the origin's another one: an open proxy
// is never taken for a web server.
//
// What cannot be found out in a quarter of the time that is left is left open.
func (m *measurement) isWebServer(ctx context.Context, q request, r response) bool {
	a := answerTo(q.method, r)
	if q.method != http.MethodGet || !a.served() || a.SquidError != "" || m.config.Login.NoCredentials != Refused {
		return false
	}
	half, cancel := halfOf(ctx)
	defer cancel()
	quarter, cancel := halfOf(half)
	defer cancel()
	var own response
	_, err := m.step(quarter, fmt.Sprintf("asking proxy %q for a page of its own", m.result.Proxy), func(ctx context.Context) (_ string, err error) {
		own, err = m.ask(ctx, request{method: http.MethodGet, target: "/", host: m.result.Proxy})
		return own.said, err
	})
	switch {
	case err != nil || !answerTo(q.method, own).ofItself():
		return false
	case r.status >= http.StatusMultipleChoices:
		return true
	case m.config.Fetch.NoDirect || !bytes.Equal(own.body, r.body):
		return false
	}
	w := m.wished(0)
	addrs := m.findOrigin(quarter, w.url)
	m.result.Evidence = Evidence{} // nothing has failed yet
	if len(addrs) == 0 {
		return false
	}
	direct := m.fetchDirectly(quarter, w, addrs)
	return direct != nil && direct.Answer.Breach == nil && !bytes.Equal(direct.body, r.body)
}

// ofItself says that a path was answered as by a web server.
func (a Answer) ofItself() bool {
	switch a.Status {
	case http.StatusNotFound, http.StatusUnauthorized, http.StatusMethodNotAllowed:
		return a.SquidError == ""
	default:
		return a.SquidError == "" && a.Status < http.StatusBadRequest
	}
}
