package squidauth

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// A Fetch is one URL that was asked for with the right credentials, or directly.
type Fetch struct {
	URL    string     // as shown
	Step   string     // what came last: "", or "CONNECT" or "TLS" on the way to it
	Answer Answer     // to that step
	Origin bool       // whoever answered last was the origin and not the proxy: inside a tunnel, or directly
	Wrong  string     // what is wrong with an answer that came: `does not contain "hello"`; "" = nothing
	Size   int        // bytes of the body, at most 1 MiB of it
	Exit   netip.Addr // the address that the canary saw

	body []byte
}

// ok says that what should come came.
func (f Fetch) ok() bool { return f.Step == "" && f.Answer.Breach == nil && f.Wrong == "" }

// answered says that the proxy took the credentials or refused them.
func (f Fetch) answered() bool { return f.Answer.Status != 0 || f.Answer.Begun != 0 || f.Origin }

// refused says that the proxy did not take the credentials.
func (f Fetch) refused() bool {
	return f.Answer.Status == http.StatusProxyAuthRequired && !f.Origin
}

// What stands between a request and an answer of the origin, in Fetch.Step.
const (
	stepConnect = "CONNECT"
	stepTLS     = "TLS"
)

// String is what came: "200", "CONNECT 503 ERR_CONNECT_FAIL", `200 does not contain "hello"`.
func (f Fetch) String() string {
	s := f.Answer.String()
	if f.Step != "" {
		s = f.Step + " " + s
	}
	if f.Wrong != "" && f.kind() == delivery {
		s += " " + f.Wrong
	}
	return s
}

// fetchAll fetches every URL, and finds out whose fault it is if one does not come.
func (m *measurement) fetchAll(ctx context.Context) (more bool, err error) {
	began := time.Now()
	err = m.fetchEach(ctx)
	m.result.Took.Fetch = time.Since(began)
	if err != nil {
		return false, err
	}
	m.investigate(ctx)
	return false, nil
}

// fetchEach stops at the first URL that nothing would be learnt after: right
// credentials were refused, or a stage's whole time has gone.
func (m *measurement) fetchEach(ctx context.Context) error {
	urls := m.config.Fetch.URLs
	for i := range urls {
		f, err := m.fetch(ctx, m.wished(i))
		if err != nil {
			return err
		}
		m.result.Fetches = append(m.result.Fetches, f)
		if f.refused() {
			return nil
		}
		if b := f.Answer.Breach; b != nil && b.Silent {
			break
		}
	}
	m.result.Fetched = len(m.result.Fetches) == len(urls)
	if m.config.Fetch.URLByAddress.IsZero() {
		return nil
	}
	name := ""
	if urls[0].secure() {
		name = urls[0].host() // the same origin: its certificate is of its name
	}
	f, err := m.fetch(ctx, wish{url: m.config.Fetch.URLByAddress, name: name})
	if err != nil {
		return err
	}
	m.result.ByAddress = &f
	return nil
}

// A wish is what to fetch.
type wish struct {
	url    URL
	name   string // whose certificate TLS must show; "" = the URL's host's
	canary bool   // the answer must be a canary's
	nonce  string // set by asked
}

// wished is the wish for the URL at i.
func (m *measurement) wished(i int) wish {
	return wish{url: m.config.Fetch.URLs[i], canary: i == 0 && len(m.config.Fetch.ExpectExit) > 0}
}

// at is w asked of its origin by an address.
func (w wish) at(a netip.Addr) wish {
	w.url, w.name = w.url.at(a), w.url.host()
	return w
}

// asked is w as it is put into one request.
func (w wish) asked() wish {
	if w.canary {
		w.nonce = strings.ToLower(rand.Text())
		w.url = w.url.with(nonceParameter, w.nonce)
	}
	if w.name == "" {
		w.name = w.url.host()
	}
	return w
}

// fetch fetches through the proxy with the right credentials.
func (m *measurement) fetch(ctx context.Context, w wish) (Fetch, error) {
	f := Fetch{URL: w.url.shown()}
	w = w.asked()
	if w.url.secure() {
		conn, err := m.tunnel(ctx, w.url, &f)
		if conn == nil {
			return f, err
		}
		defer conn.Close()
		return f, m.fetchOn(ctx, conn, w, &f, "through proxy "+quote(m.result.Proxy))
	}
	q := proxyRequest(w.url)
	doing := fmt.Sprintf("fetching %q through proxy %q", f.URL, m.result.Proxy)
	_, err := m.step(ctx, doing, func(ctx context.Context) (string, error) {
		r, err := m.authorized(ctx, m.right, q)
		m.judge(&f, w, q, r)
		return r.said, err
	})
	return f, f.broke(err)
}

// tunnel opens a tunnel to u's origin; nil if the proxy does not, and f says why.
func (m *measurement) tunnel(ctx context.Context, u URL, f *Fetch) (net.Conn, error) {
	q := proxyRequest(u)
	var r response
	f.Step = stepConnect
	doing := fmt.Sprintf("opening a tunnel to %q through proxy %q", u.authority(), m.result.Proxy)
	_, err := m.step(ctx, doing, func(ctx context.Context) (said string, err error) {
		r, err = m.authorized(ctx, m.right, q)
		return r.said, err
	})
	f.Answer = answerTo(q.method, r)
	if err != nil || !q.opens(r) {
		return nil, f.broke(err)
	}
	conn := m.link.tunnel()
	m.link = nil // it is the tunnel's now
	return conn, nil
}

// fetchOn fetches from the origin at the end of conn. way is how it was reached.
func (m *measurement) fetchOn(ctx context.Context, conn net.Conn, w wish, f *Fetch, way string) error {
	f.Origin, f.Step, f.Answer = true, "", Answer{Method: f.Answer.Method}
	if w.url.secure() {
		f.Step = stepTLS
		_, err := m.step(ctx, fmt.Sprintf("starting TLS with %q %s", w.url.authority(), way), func(ctx context.Context) (string, error) {
			t, err := secure(ctx, conn, w.name, m.originRoots, "--origin-ca-file")
			if err == nil {
				conn = t
			}
			return "", err
		})
		if err != nil {
			return f.broke(err)
		}
		f.Step = ""
	}
	q := request{method: http.MethodGet, target: w.url.relative(), host: w.url.u.Host}
	_, err := m.step(ctx, fmt.Sprintf("fetching %q %s", f.URL, way), func(ctx context.Context) (string, error) {
		r, err := newLink(conn, m.hide).exchange(ctx, q)
		m.judge(f, w, q, r)
		return r.said, err
	})
	return f.broke(err)
}

// broke puts the peer's breach into f; any other error is the caller's.
func (f *Fetch) broke(err error) error {
	b, ok := errors.AsType[*Breach](err)
	if !ok {
		return err
	}
	f.Answer = Answer{Method: f.Answer.Method, Breach: b, Begun: f.Answer.Status, SquidError: f.Answer.SquidError}
	f.Wrong = ""
	return nil
}

// judge holds what came against what was wished for.
func (m *measurement) judge(f *Fetch, w wish, q request, r response) {
	f.Answer, f.Size, f.body = answerTo(q.method, r), len(r.body), r.body
	o := m.config.Fetch
	switch {
	case r.status == 0:
	case !o.ExpectStatus.has(r.status):
		f.Wrong = "instead of " + o.ExpectStatus.String()
		if to := r.header.Get("Location"); to != "" {
			f.Wrong += fmt.Sprintf(" (redirects to %q, which is not followed)", printable(m.hide(to), shownURL))
		}
	case o.Expect != "" && !bytes.Contains(r.body, []byte(o.Expect)):
		f.Wrong = fmt.Sprintf("does not contain %q", printable(o.Expect, 40))
	case w.canary:
		var err error
		if f.Exit, err = readCanary(r.body, w.nonce); err != nil {
			f.Wrong = err.Error()
		}
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }
