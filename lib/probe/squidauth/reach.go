package squidauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"milepost/lib/metric"
)

// A Reached is whether a proxy could connect to somebody when it was asked to.
type Reached struct {
	Yes   bool
	Voted bool   // the proxy tried; false: it would not, or could not be asked, and has no opinion
	Said  string // what it answered, for a person
}

// A Suspect is a proxy that does not answer us, by the options that we ask it with.
type Suspect struct {
	At     netip.AddrPort
	Name   string // whose certificate it must show, if it speaks TLS
	Config Config
}

// Reach asks the proxy t, with the right credentials, to open a tunnel to a suspect,
// and the suspect a question through that: any answer in HTTP is one, its 407 too,
// while a port that is open and no more is none. A proxy whose rules forbid it has no
// opinion, nor has one that does not answer at all.
//
// A squid allows CONNECT to its SSL_ports only: contrib/squid has the line that lets
// the monitor's user reach the other proxies.
func (c Config) Reach(ctx context.Context, t metric.Target, suspect Suspect) Reached {
	m, err := newMeasurement(t, c)
	if err != nil {
		return Reached{Said: err.Error()}
	}
	defer m.hangUp()
	began := time.Now()
	if err := m.reopen(ctx); err != nil {
		return Reached{Said: fmt.Sprintf("connecting to proxy %q: %v", m.result.Proxy, breach(err, granted(ctx, began)))}
	}
	authority := suspect.At.String()
	q := request{method: http.MethodConnect, target: authority, host: authority}
	r, err := m.authorized(ctx, m.right, q)
	if err != nil {
		// It took the connection and the question: what it waits for is the suspect.
		waited := breach(err, granted(ctx, began))
		b, ok := errors.AsType[*Breach](waited)
		return Reached{Voted: ok && b.Silent, Said: waited.Error()}
	}
	a := answerTo(q.method, r)
	if !q.opens(r) {
		return Reached{Voted: a.tried(), Said: a.String()}
	}
	conn := m.link.tunnel()
	m.link = nil // it is the tunnel's now
	defer conn.Close()
	said, err := suspect.ask(ctx, conn, m.hide)
	if err != nil {
		return Reached{Voted: true, Said: fmt.Sprintf("connected to the suspect: %v", breach(err, granted(ctx, began)))}
	}
	return Reached{Yes: true, Voted: true, Said: said}
}

// ask asks the suspect for a page, without credentials, on a connection to it.
func (s Suspect) ask(ctx context.Context, conn net.Conn, hide func(string) string) (said string, err error) {
	if s.Config.Proxy.TLS {
		roots, err := trusted(s.Config.Proxy.CAFile)
		if err != nil {
			return "", err
		}
		if conn, err = secure(ctx, conn, cmp.Or(s.Config.Proxy.ServerName, s.Name), roots, "--ca-file"); err != nil {
			return "", err
		}
	}
	q := request{method: http.MethodGet, target: "http://" + s.At.String() + "/", host: s.At.String()}
	r, err := newLink(conn, hide).exchange(ctx, q)
	if err != nil {
		return "", err
	}
	return "the suspect answers " + answerTo(q.method, r).String(), nil
}

// tried says that squid tried to connect and could not, which a name that it could
// not resolve, or a rule, does not say.
func (a Answer) tried() bool {
	switch a.SquidError {
	case "ERR_CONNECT_FAIL", "ERR_CANNOT_FORWARD", "ERR_READ_ERROR", "ERR_READ_TIMEOUT", "ERR_ZERO_SIZE_OBJECT":
		return a.Status >= http.StatusInternalServerError
	default:
		return strings.HasPrefix(a.String(), "504")
	}
}
