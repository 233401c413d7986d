package clock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"milepost/lib/metric"
)

// headLimit is the most that is read of an answer, in bytes: a Date comes in its head.
const headLimit = 64 << 10

// overHTTP asks an HTTP server for the Date of its answer (RFC 9110, section
// 6.6.1), which squid and every origin send with every status.
func (c Config) overHTTP(t metric.Target) source {
	dial, called := c.addresses(t)
	return source{
		called: "HTTP",
		doing:  fmt.Sprintf("asking %q for its Date over HTTP", called),
		fresh:  true,
		hint:   "does an HTTP server or squid listen there?",
		ask:    func(ctx context.Context) (answer, error) { return c.askHTTP(ctx, dial, called) },
		close:  func() {},
	}
}

func (c Config) askHTTP(ctx context.Context, addr, called string) (answer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	switch {
	case ctx.Err() != nil:
		return answer{}, context.DeadlineExceeded
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, &metric.Blamed{
			Fault: metric.FaultHost, Reason: metric.ReasonRefused,
			Err: errors.New("connection refused: no HTTP server listens there"),
		}
	case err != nil:
		return answer{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := c.now()
	if _, err := fmt.Fprintf(conn, "HEAD / HTTP/1.1\r\nHost: %s\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n", called); err != nil {
		return answer{}, late(ctx, err)
	}
	r, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, headLimit)), &http.Request{Method: http.MethodHead})
	received := c.now()
	if err != nil {
		return answer{}, late(ctx, fmt.Errorf("no HTTP answer: %w", err))
	}
	defer r.Body.Close()
	date := r.Header.Get("Date")
	value, err := http.ParseTime(date)
	if err != nil {
		return answer{}, blame(fmt.Errorf("the answer's Date %.40q is none", date))
	}
	return answer{
		reading: read(value, time.Second, sent, received),
		said:    fmt.Sprintf("HEAD /: %s, Date: %s", r.Status, date),
	}, nil
}

// late is err, or that ctx ended meanwhile.
func late(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.DeadlineExceeded
	}
	return blame(err)
}
