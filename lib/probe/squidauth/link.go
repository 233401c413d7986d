package squidauth

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"
)

// What is read of an answer at most. A page that refuses is some kilobytes;
// of what is fetched no more is needed to know that it comes.
const (
	maxHeader  = 64 << 10
	maxBody    = 1 << 20
	maxInterim = 8 // 1xx answers before the real one
)

// errSlow is beside a timeout: something had come, but not all of an answer.
var errSlow = errors.New("part of an answer")

// A link is one connection on which HTTP/1.1 is spoken: to the proxy, through it
// (a tunnel), or to an origin.
type link struct {
	conn   net.Conn
	meter  *meter
	reader *bufio.Reader
	hide   func(string) string // takes secrets out of what the peer sent
}

func newLink(conn net.Conn, hide func(string) string) *link {
	m := &meter{from: conn}
	return &link{conn: conn, meter: m, reader: bufio.NewReader(m), hide: hide}
}

// A response is an answer read to its end, or to maxBody.
type response struct {
	status int
	header http.Header
	body   []byte
	keep   bool   // the connection is fit for one more request
	said   string // the exchange for people
}

// exchange sends a request and reads the answer to it. When ctx ends, so does
// it. The error is a *Breach if it is the peer's doing.
func (l *link) exchange(ctx context.Context, q request) (response, error) {
	defer l.guard(ctx)()
	began := time.Now()
	_, unsent := l.conn.Write(q.bytes())
	// A peer that answers before it has read everything, and closes, makes the
	// write fail. What it said is worth more than that.
	r, err := l.read(q.method)
	if err != nil && unsent != nil && !timedOut(unsent) {
		err = fmt.Errorf("%w: %w", errUnsaid, unsent)
	}
	r.said = q.said() + r.said
	return r, breach(err, granted(ctx, began))
}

// guard makes every read and write on l end with ctx, until release is called.
func (l *link) guard(ctx context.Context) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = l.conn.SetDeadline(time.Unix(1, 0)) // a closed connection needs none
	})
	return func() {
		if !stop() {
			<-done
			_ = l.conn.SetDeadline(time.Time{})
		}
	}
}

// read reads one answer to a request of method.
func (l *link) read(method string) (response, error) {
	l.meter.got = 0
	for range maxInterim {
		l.meter.left = maxHeader
		if err := l.sniff(); err != nil {
			return response{}, err
		}
		//nolint:bodyclose // Close would read what is left of the body, however long; who gives up closes the connection
		res, err := http.ReadResponse(l.reader, &http.Request{Method: method})
		if err != nil {
			return response{}, l.broken(err)
		}
		if res.StatusCode >= http.StatusOK {
			return l.finish(method, res)
		}
	}
	return response{}, fmt.Errorf("more than %d interim answers", maxInterim)
}

// sniff refuses what does not begin as HTTP, so that the text can say what it is.
func (l *link) sniff() error {
	const magic = "HTTP/1."
	begin, err := l.reader.Peek(len(magic))
	if string(begin) == magic {
		return nil
	}
	if !strings.HasPrefix(magic, string(begin)) {
		begin, _ = l.reader.Peek(l.reader.Buffered())
		return notHTTP(l.hide(string(begin)))
	}
	return l.broken(err)
}

// finish reads the body of res.
func (l *link) finish(method string, res *http.Response) (response, error) {
	r := response{status: res.StatusCode, header: res.Header, said: l.hide(heard(res))}
	l.meter.left = math.MaxInt64 // ReadAll below has the limit
	if method == http.MethodConnect && r.status < http.StatusMultipleChoices {
		return r, nil // what follows is the tunnel (RFC 9110 section 9.3.6)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return r, l.broken(err)
	}
	r.body = body[:min(len(body), maxBody)]
	// Bytes beyond the answer belong to no request of ours.
	r.keep = !res.Close && len(body) <= maxBody && l.reader.Buffered() == 0
	return r, nil
}

// broken is err with what is known of how far the answer came.
func (l *link) broken(err error) error {
	nothing := l.meter.got == 0
	switch {
	case timedOut(err) && !nothing:
		return fmt.Errorf("%w: %w", errSlow, err)
	case !timedOut(err) && nothing:
		return fmt.Errorf("%w: %w", errUnsaid, err)
	}
	return err
}

// tunnel is the connection as it is after CONNECT, with what has been read of it.
func (l *link) tunnel() net.Conn { return &buffered{l.conn, l.reader} }

type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// A meter counts and limits what is read of one answer.
type meter struct {
	from      io.Reader
	got, left int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errFlood
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.left)])
	m.got += int64(n)
	m.left -= int64(n)
	return n, err
}
