package squidauth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/option"
	"milepost/lib/probe/squidauth"
	"milepost/lib/secret"
)

// A call is one request that a fake proxy got.
type call struct {
	*http.Request
	conn   net.Conn
	reader *bufio.Reader
	n      int             // how many came before it, on all connections
	ctx    context.Context // ends with the test
}

// user and password are what the call carries by Basic.
func (c call) login() (user, password string) {
	r := http.Request{Header: http.Header{"Authorization": c.Header["Proxy-Authorization"]}}
	user, password, _ = r.BasicAuth()
	return user, password
}

// say writes text as it is.
func (c call) say(format string, args ...any) { fmt.Fprintf(c.conn, format, args...) }

// answer writes an answer with a body and keeps the connection.
func (c call) answer(status int, header, body string) {
	c.say("HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

// stall says nothing until the test ends.
func (c call) stall() { <-c.ctx.Done() }

const basicRealm = "Proxy-Authenticate: Basic realm=\"proxy\"\r\n"

// challenge is squid's 407.
func (c call) challenge() {
	c.answer(http.StatusProxyAuthRequired, basicRealm+"X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\n", "<html>no</html>")
}

// squid answers as an honest proxy: 407 to everybody but alice, and hello to her.
func squid(c call) {
	if user, password := c.login(); user != "alice" || password != "wonder" {
		c.challenge()
		return
	}
	c.answer(http.StatusOK, "Via: 1.1 proxy.test (squid)\r\n", "hello")
}

// A server is a fake: a proxy, or an origin.
type server struct {
	addr netip.AddrPort
	url  string // http://127.0.0.1:port/
}

// listen is a listener that ends with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// fake starts a server that hands every request to handle. A handler that
// returns keeps the connection, unless it has closed it.
func fake(t *testing.T, handle func(call)) server {
	t.Helper()
	return fakeOn(t, listen(t), handle)
}

func fakeOn(t *testing.T, l net.Listener, handle func(call)) server {
	t.Helper()
	n := 0
	lock := make(chan struct{}, 1)
	raw(t, l, func(ctx context.Context, conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			lock <- struct{}{}
			before := n
			n++
			<-lock
			handle(call{q, conn, r, before, ctx})
		}
	})
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	return server{addr, fmt.Sprintf("http://%s/", addr)}
}

// raw serves every connection with serve, and waits for all of them.
func raw(t *testing.T, l net.Listener, serve func(context.Context, net.Conn)) {
	ctx, cancel := context.WithCancel(context.Background())
	var c crew.Crew
	c.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				serve(ctx, conn)
			})
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); c.Wait() })
}

// origin is a server that answers as handle does.
func origin(t *testing.T, handle http.HandlerFunc) server {
	t.Helper()
	l := listen(t)
	serveHTTP(t, l, handle)
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	return server{addr, fmt.Sprintf("http://%s/", addr)}
}

// page is a handler that says text.
func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// originTLS is a server that answers TLS with certificate as handle does.
func originTLS(t *testing.T, certificate tls.Certificate, handle http.HandlerFunc) server {
	t.Helper()
	l := listen(t)
	serveHTTP(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}), handle)
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	return server{addr, fmt.Sprintf("https://%s/", addr)}
}

func serveHTTP(t *testing.T, l net.Listener, handle http.HandlerFunc) {
	s := &http.Server{Handler: handle, ReadHeaderTimeout: time.Minute}
	s.ErrorLog = log.New(io.Discard, "", 0)
	var c crew.Crew
	c.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Close(); c.Wait() })
}

// relay joins two connections until one ends.
func relay(a, b net.Conn) {
	var c crew.Crew
	c.Go(func() { _, _ = io.Copy(a, b); a.Close(); b.Close() })
	c.Go(func() { _, _ = io.Copy(b, a); a.Close(); b.Close() })
	c.Wait()
}

// deadPort is an address that refuses connections.
func deadPort(t *testing.T) netip.AddrPort {
	t.Helper()
	l := listen(t)
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	return addr
}

const (
	patient   = 20 * time.Second
	impatient = 4 * time.Second // a stage's time is half of it
)

// nobody among the arguments is that nobody logs in.
const nobody = "(nobody)"

// config is the configuration that args make, on top of alice's login.
func config(t *testing.T, args ...string) *squidauth.Config {
	t.Helper()
	cfg := squidauth.Default()
	if i := slices.Index(args, nobody); i >= 0 {
		args = slices.Delete(slices.Clone(args), i, i+1)
	} else {
		args = append([]string{"--user", "alice"}, args...)
	}
	if operands, err := option.New(&cfg).Parse(args); err != nil || len(operands) > 0 {
		t.Fatalf("options %q: %v, left %q", args, err, operands)
	}
	cfg.Login.Password = secret.New("wonder")
	return &cfg
}

// probe runs the check on the proxy at addr, which the texts call "proxy".
func probe(t *testing.T, addr netip.AddrPort, timeout time.Duration, cfg *squidauth.Config) check.Outcome {
	t.Helper()
	cfg.Proxy.Port = int(addr.Port())
	return probeAt(t, timeout, cfg, addr.Addr())
}

// probeAt runs the check on a proxy with these addresses.
func probeAt(t *testing.T, timeout time.Duration, cfg *squidauth.Config, addrs ...netip.Addr) check.Outcome {
	t.Helper()
	return bind(t, timeout, cfg, addrs...).Run(t.Context())
}

// probeIn is probe in a context of its own.
func probeIn(ctx context.Context, t *testing.T, addr netip.AddrPort, timeout time.Duration, cfg *squidauth.Config) check.Outcome {
	t.Helper()
	cfg.Proxy.Port = int(addr.Port())
	return bind(t, timeout, cfg, addr.Addr()).Run(ctx)
}

func bind(t *testing.T, timeout time.Duration, cfg *squidauth.Config, addrs ...netip.Addr) check.Check {
	t.Helper()
	target := metric.Target{Name: "fra-1", Address: "proxy.test", Addrs: addrs}
	c, err := check.Define("squid_auth", squidauth.Default, squidauth.Measure).Bind(cfg, target)
	if err != nil {
		t.Fatal(err)
	}
	c.Timeout = timeout
	return c
}

// spell is the plugin's line with the ports by name.
func spell(o check.Outcome, names ...string) string {
	s := o.Status.String() + ": " + o.Summary
	if o.Fault != "" || o.Reason != "" {
		s += fmt.Sprintf(" [%s %s]", o.Fault, o.Reason)
	}
	s = slow.ReplaceAllString(s, "slow: TIME (STAGES)")
	s = days.ReplaceAllString(s, "valid for DAYS days")
	s = silence.ReplaceAllString(s, "within 2s")
	return strings.NewReplacer(names...).Replace(s)
}

// What differs from run to run.
var (
	slow    = regexp.MustCompile(`slow: [0-9][^)]*\)`)
	now     = regexp.MustCompile(`: current time [^ ]* is after [0-9T:-]*Z`)
	size    = regexp.MustCompile(`200, \d+ B`)
	ago     = regexp.MustCompile(`ones [^ ]+ ago`)
	days    = regexp.MustCompile(`valid for \d+ days`)
	silence = regexp.MustCompile(`within (1\.9|2\.\d)s`) // a stage's 2 s, as a loaded machine measures them
	ago2    = regexp.MustCompile(`\) [^ ]+ ago`)
)
