package squidauth

import (
	"context"
	"fmt"
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

// Reach asks the proxy t, with the right credentials, to open a tunnel to an
// address, and closes it. A proxy whose rules forbid it has no opinion, nor has one
// that does not answer at all.
//
// A squid allows CONNECT to its SSL_ports only: contrib/squid has the line that lets
// the monitor's user reach the other proxies.
func (c Config) Reach(ctx context.Context, t metric.Target, to netip.AddrPort) Reached {
	m, err := newMeasurement(t, c)
	if err != nil {
		return Reached{Said: err.Error()}
	}
	defer m.hangUp()
	began := time.Now()
	if err := m.reopen(ctx); err != nil {
		return Reached{Said: fmt.Sprintf("connecting to proxy %q: %v", m.result.Proxy, breach(err, time.Since(began)))}
	}
	authority := to.String()
	q := request{method: http.MethodConnect, target: authority, host: authority}
	r, err := m.authorized(ctx, m.right, q)
	if err != nil {
		// It took the connection and the question: what it waits for is the suspect.
		waited := breach(err, time.Since(began))
		b, ok := waited.(*Breach)
		return Reached{Voted: ok && b.Silent, Said: waited.Error()}
	}
	a := answerTo(q.method, r)
	return Reached{Yes: q.opens(r), Voted: q.opens(r) || a.tried(), Said: a.String()}
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
