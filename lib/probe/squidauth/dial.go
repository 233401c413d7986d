package squidauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// dialTCP is the real Config.Dial.
func dialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// errNoAddress is for a name that has none.
var errNoAddress = errors.New("no address to connect to")

// reach connects to the first of addrs that answers; each gets an equal share of
// what is left of ctx's time, so that one that is silent cannot hide the next.
// said is what each did. The error is a *Breach if one of them was really asked.
func (m *measurement) reach(ctx context.Context, addrs []netip.Addr, port uint16) (conn net.Conn, at netip.Addr, said string, err error) {
	var tried []string
	err = errNoAddress
	for i, a := range addrs {
		began := time.Now()
		share, cancel := shareOf(ctx, len(addrs)-i)
		conn, failed := m.dial(share, netip.AddrPortFrom(a, port))
		cancel()
		if failed == nil {
			tried = append(tried, a.String()+": connected")
			return conn, a, strings.Join(tried, "\n"), nil
		}
		failed = breach(failed, granted(share, began))
		tried = append(tried, a.String()+": "+short(failed))
		if _, asked := errors.AsType[*Breach](failed); asked || i == 0 {
			err = failed
		}
		if ctx.Err() != nil {
			break
		}
	}
	if b, ok := errors.AsType[*Breach](err); ok && len(tried) > 1 {
		all := *b
		all.What = strings.Join(tried, ", ")
		err = &all
	}
	return nil, netip.Addr{}, strings.Join(tried, "\n"), err
}

// shareOf is ctx with one of n equal shares of the time that is left.
func shareOf(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok || n == 1 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(n))
}

// secure starts TLS on conn with a peer whose certificate must be of name.
// option names other certificates to trust than roots; nil roots are the system's.
func secure(ctx context.Context, conn net.Conn, name string, roots *x509.CertPool, option string) (*tls.Conn, error) {
	began := time.Now()
	t := tls.Client(conn, &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it is of no use to anybody now
		return nil, tlsBreach(err, granted(ctx, began), option)
	}
	return t, nil
}

// trusted is the pool of the certificates in the file at path; "" is nil, the system's.
func trusted(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := certificates(path)
	if err != nil {
		return nil, fmt.Errorf("reading certificates %q: %w", path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading certificates %q: no certificate in PEM in it", path)
	}
	return pool, nil
}

// expiry is when the peer's certificate ends, after a handshake that may have
// failed; zero if none was seen.
func expiry(t *tls.Conn, err error) time.Time {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		return v.UnverifiedCertificates[0].NotAfter
	}
	if t == nil || len(t.ConnectionState().PeerCertificates) == 0 {
		return time.Time{}
	}
	return t.ConnectionState().PeerCertificates[0].NotAfter
}
