package squidauth

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
)

// A script is a connection whose peer has sent everything already.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error) { return s.Reader.Read(p) }
func (script) Write(p []byte) (int, error)  { return len(p), nil }
func (script) Close() error                 { return nil }
func (script) SetDeadline(time.Time) error  { return nil }
func keepAsIs(text string) string           { return text }
func scripted(answer []byte) *link          { return newLink(script{Reader: bytes.NewReader(answer)}, keepAsIs) }
func isLine(r rune) bool                    { return r != '\n' && !unicode.IsPrint(r) }
func ask(method string) request             { return request{method: method, target: "x.test:443", host: "x.test"} }

func exchangeOf(t *testing.T, q request, b []byte) (response, error) {
	t.Helper()
	return scripted(b).exchange(t.Context(), q)
}

// Whatever a peer sends, what is kept of it is small and what is shown of it
// stays on its line; an error is always the peer's.
func FuzzExchange(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 407 Proxy Authentication Required\r\nX-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 302 Found\r\nLocation: http://x/\r\n\r\n",
		"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01",
		"\x15\x03\x01\x00\x02\x02\x46",
		"SSH-2.0-OpenSSH\r\n",
	} {
		f.Add([]byte(answer), true)
		f.Add([]byte(answer), false)
	}
	f.Fuzz(func(t *testing.T, answer []byte, tunnel bool) {
		q := ask(http.MethodGet)
		if tunnel {
			q = ask(http.MethodConnect)
		}
		r, err := exchangeOf(t, q, answer)
		if _, ok := errors.AsType[*Breach](err); err != nil && (!ok || strings.ContainsFunc(err.Error(), isLine) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
		if len(r.body) > maxBody || strings.ContainsFunc(r.said, isLine) {
			t.Errorf("body of %d bytes, said %q", len(r.body), r.said)
		}
		if a := answerTo(q.method, r).String(); strings.ContainsFunc(a, func(r rune) bool { return r > '~' || r < ' ' }) || len(a) > 60 {
			t.Errorf("answer %q", a)
		}
	})
}

func TestTunnelKeepsWhatCameWithTheAnswer(t *testing.T) {
	l := scripted([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello"))
	if _, err := l.exchange(t.Context(), ask(http.MethodConnect)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(l.tunnel()); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRequest(t *testing.T) {
	q := request{method: "GET", target: "http://x.test/a?token=b", host: "x.test", authorization: "Basic c2VjcmV0"}
	want := "GET http://x.test/a?token=b HTTP/1.1\r\nHost: x.test\r\nUser-Agent: milepost\r\nAccept: */*\r\nCache-Control: no-cache\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n"
	if got := string(q.bytes()); got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if got, want := q.said(), "> GET http://x.test/a\n> Host: x.test\n> User-Agent: milepost\n> Accept: */*\n> Cache-Control: no-cache\n"; got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}
