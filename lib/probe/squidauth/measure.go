package squidauth

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

// Measure asks the proxy and yields one Result.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		m, err := newMeasurement(t, c)
		if err != nil {
			yield(Result{}, err)
			return
		}
		defer m.hangUp()
		began := time.Now()
		err = m.run(ctx)
		m.result.Took.All = time.Since(began)
		yield(m.result, err)
	}
}

// A measurement is one run.
type measurement struct {
	target metric.Target
	config Config
	dial   func(context.Context, netip.AddrPort) (net.Conn, error)
	lookUp func(context.Context, string, string) ([]netip.Addr, error)

	proxyRoots, originRoots *x509.CertPool // nil = the system's

	right  login
	hidden []secret.Value // what no text may show
	auth   authenticator
	addrs  []netip.Addr // of the proxy; once connected, the one that answered
	link   *link        // to the proxy, kept alive between requests; nil = none

	result Result
}

func newMeasurement(t metric.Target, c Config) (*measurement, error) {
	m := &measurement{target: t, config: c, dial: c.Dial, lookUp: c.LookUp, addrs: t.Addrs}
	if m.dial == nil {
		m.dial = dialTCP
	}
	if m.lookUp == nil {
		m.lookUp = net.DefaultResolver.LookupNetIP
	}
	if t.Address == "" {
		m.target.Address = "127.0.0.1"
		m.addrs = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	m.right = login{c.Login.User, password}
	m.hidden = []secret.Value{password, secret.New(base64.StdEncoding.EncodeToString([]byte(c.Login.User + ":" + password.Reveal())))}
	if m.proxyRoots, err = trusted(c.Proxy.CAFile); err != nil {
		return nil, err
	}
	if m.originRoots, err = trusted(c.Fetch.OriginCAFile); err != nil {
		return nil, err
	}
	m.result.Proxy = net.JoinHostPort(m.target.Address, strconv.Itoa(c.Proxy.Port))
	m.result.config = c
	return m, nil
}

// hide is text that a peer sent, without the credentials that it was sent. What
// is said here is not put through it: stars in a sentence would tell a password
// that is a word.
func (m *measurement) hide(text string) string {
	for _, s := range m.hidden {
		text = s.Redact(text)
	}
	return text
}

// run makes the stages until one makes the next ones pointless.
func (m *measurement) run(ctx context.Context) error {
	for _, stage := range []func(context.Context) (bool, error){m.connect, m.askNobody, m.askWrong, m.fetchAll} {
		if more, err := stage(ctx); !more || err != nil {
			return err
		}
	}
	return nil
}

// step makes one step in at most the target's patience and writes it down. The
// error is a *Breach if it is the peer's doing, a *metric.Interrupted if ctx
// ended, and this machine's fault otherwise.
func (m *measurement) step(ctx context.Context, doing string, do func(context.Context) (said string, err error)) (time.Duration, error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if m.target.Patience > 0 {
		limited, cancel = context.WithTimeout(ctx, m.target.Patience)
	}
	defer cancel()
	began := time.Now()
	said, err := do(limited)
	took := time.Since(began)
	m.result.Stages = append(m.result.Stages, metric.Stage{Doing: doing, Took: took, Said: strings.TrimSuffix(said, "\n")})
	if err == nil {
		return took, nil
	}
	if ctx.Err() != nil {
		return took, &metric.Interrupted{Stage: doing, Err: ctx.Err()}
	}
	if b, ok := errors.AsType[*Breach](err); ok {
		return took, b
	}
	return took, &metric.Blamed{Fault: metric.FaultMonitor, Reason: reasonOurs(err), Err: fmt.Errorf("%s: %w", doing, cause(err))}
}

// connect opens the connection that the stages after it share.
func (m *measurement) connect(ctx context.Context) (more bool, err error) {
	var conn net.Conn
	doing := fmt.Sprintf("connecting to proxy %q", m.result.Proxy)
	m.result.Took.Connect, err = m.step(ctx, doing, func(ctx context.Context) (said string, err error) {
		conn, said, err = m.reachProxy(ctx)
		return said, err
	})
	if err != nil {
		return m.unreachable(doing, err)
	}
	if m.config.Proxy.TLS {
		doing = fmt.Sprintf("starting TLS with proxy %q", m.result.Proxy)
		m.result.Took.TLS, err = m.step(ctx, doing, func(ctx context.Context) (string, error) {
			return "", m.secureProxy(ctx, &conn)
		})
		if err != nil {
			return m.unreachable(doing, err)
		}
	}
	m.link = newLink(conn, m.hide)
	return true, nil
}

// unreachable ends the run because the proxy did not answer in HTTP at all.
func (m *measurement) unreachable(doing string, err error) (more bool, _ error) {
	if b, ok := errors.AsType[*Breach](err); ok {
		m.result.Unreachable = &Failure{doing, b}
		return false, nil
	}
	return false, err
}

// askNobody asks without credentials, which teaches what credentials to send.
func (m *measurement) askNobody(ctx context.Context) (more bool, err error) {
	if m.config.Login.NoCredentials == Skip {
		return true, nil
	}
	u := m.config.Fetch.URLs[0]
	doing := fmt.Sprintf("asking proxy %q for %q without credentials", m.result.Proxy, u.shown())
	var r response
	q := proxyRequest(u)
	m.result.Took.Challenge, err = m.step(ctx, doing, func(ctx context.Context) (string, error) {
		r, err = m.ask(ctx, q)
		return r.said, err
	})
	if err != nil {
		return m.unreachable(doing, err)
	}
	m.decline(q, r)
	a := answerTo(q.method, r)
	m.result.Nobody = &a
	if m.result.NoProxy = m.isWebServer(ctx, q, r); m.result.NoProxy {
		return false, nil // and it is not sent a password
	}
	if _, err := m.learn(r); err != nil && m.config.Login.User != "" {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	return true, nil
}

// askWrong asks with wrong credentials, or remembers that it did.
func (m *measurement) askWrong(ctx context.Context) (more bool, err error) {
	if !m.config.triesWrong() || m.config.Login.User == "" {
		return true, nil
	}
	key := m.target.Name + " " + m.result.Proxy + " " + m.right.user
	if a, age, ok := m.config.Memory.recall(key, m.config.Login.WrongEvery); ok {
		m.result.Wrong, m.result.WrongAge = &a, age
		m.result.Stages = append(m.result.Stages, metric.Stage{
			Doing: fmt.Sprintf("remembering that wrong credentials were refused (%s) %v ago: they are tried every %v", a, round(age), m.config.Login.WrongEvery),
		})
		return true, nil
	}
	u := m.config.Fetch.URLs[0]
	doing := fmt.Sprintf("asking proxy %q for %q with a wrong password for %q", m.result.Proxy, u.shown(), m.right.user)
	if m.config.Login.Wrong == RandomUser {
		doing = fmt.Sprintf("asking proxy %q for %q as a user that does not exist", m.result.Proxy, u.shown())
	}
	q := proxyRequest(u)
	var r response
	m.result.Took.Auth, err = m.step(ctx, doing, func(ctx context.Context) (string, error) {
		r, err = m.authorized(ctx, wrongLogin(m.config.Login.Wrong, m.right.user), q)
		return r.said, err
	})
	if b, ok := errors.AsType[*Breach](err); ok && b.Silent && r.status == 0 && m.result.Nobody != nil && m.result.Nobody.Status == http.StatusProxyAuthRequired {
		m.result.HelperSilent = &Failure{doing, b}
		return false, nil
	}
	if err != nil {
		return m.unreachable(doing, err)
	}
	m.decline(q, r)
	a := answerTo(q.method, r)
	m.result.Wrong = &a
	m.config.Memory.keep(key, a)
	return true, nil
}
