package squidauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
)

// proxyRequest is what asks a proxy for u: a GET, or a CONNECT if u is secure.
func proxyRequest(u URL) request {
	if u.secure() {
		return request{method: http.MethodConnect, target: u.authority(), host: u.authority()}
	}
	return request{method: http.MethodGet, target: u.absolute(), host: u.u.Host}
}

// authorized asks with credentials, in the way that the proxy wants them. What
// was refused for an old nonce is asked once more with the new one.
func (m *measurement) authorized(ctx context.Context, l login, q request) (response, error) {
	if l.user == "" {
		return m.ask(ctx, q)
	}
	said := ""
	for again := false; ; again = true {
		q.authorization = m.auth.authorize(l, q.method, q.target)
		r, err := m.ask(ctx, q)
		r.said = said + r.said
		if err != nil || r.status != http.StatusProxyAuthRequired || again {
			return r, err
		}
		otherwise, err := m.learn(r)
		if err != nil || !otherwise {
			return r, err
		}
		said = r.said
	}
}

// learn takes what a 407 offers.
func (m *measurement) learn(r response) (again bool, err error) {
	if r.status != http.StatusProxyAuthRequired {
		return false, nil
	}
	return m.auth.learn(challenges(r.header))
}

// ask sends one request to the proxy on the connection that is open, or a new
// one. A proxy may close an idle connection at any time: then it is asked again.
func (m *measurement) ask(ctx context.Context, q request) (response, error) {
	for {
		old := m.link != nil
		if !old {
			if err := m.reopen(ctx); err != nil {
				return response{}, err
			}
		}
		r, err := m.link.exchange(ctx, q)
		if err == nil && (r.keep || q.opens(r)) {
			return r, nil
		}
		m.hangUp()
		if b, ok := errors.AsType[*Breach](err); ok && b.Unsaid && old {
			continue
		}
		return r, err
	}
}

// reopen connects to the proxy once more.
func (m *measurement) reopen(ctx context.Context) error {
	conn, _, err := m.reachProxy(ctx)
	if err != nil {
		return err
	}
	if m.config.Proxy.TLS {
		if err := m.secureProxy(ctx, &conn); err != nil {
			return err
		}
	}
	m.link = newLink(conn, m.hide)
	return nil
}

// hangUp closes the connection to the proxy, if there is one.
func (m *measurement) hangUp() {
	if m.link != nil {
		_ = m.link.conn.Close() // nothing is left to be lost
		m.link = nil
	}
}

// decline closes the tunnel that an accepted CONNECT opened and nobody wants.
func (m *measurement) decline(q request, r response) {
	if q.opens(r) {
		m.hangUp()
	}
}

// reachProxy connects to the proxy, and remembers which of its addresses answered.
func (m *measurement) reachProxy(ctx context.Context) (conn net.Conn, said string, err error) {
	conn, addr, said, err := m.reach(ctx, m.addrs, uint16(m.config.Proxy.Port))
	if err == nil {
		m.addrs = []netip.Addr{addr}
	}
	return conn, said, err
}

// secureProxy starts TLS with the proxy on conn and puts it in conn's place.
func (m *measurement) secureProxy(ctx context.Context, conn *net.Conn) error {
	name := m.config.Proxy.ServerName
	if name == "" {
		name = m.target.Address
	}
	t, err := secure(ctx, *conn, name, m.proxyRoots, "--ca-file")
	m.result.CertificateEnds = expiry(t, err)
	if b, ok := errors.AsType[*Breach](err); ok && b.What == notTLS {
		b.Next = "leave out --tls, or name the https_port"
	}
	if err == nil {
		*conn = t
	}
	return err
}
