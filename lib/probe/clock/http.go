package clock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"syscall"
	"time"

	"milepost/lib/metric"
)

// maxHead is the most that is read of an answer, in bytes: a Date comes in its head.
const maxHead = 64 << 10

// overHTTP asks an HTTP server for the Date of its answer (RFC 9110, section
// 6.6.1), which squid and every origin send with every status. A head is small, so
// net/http, which would make the start of the plugin a quarter longer, is not used.
func (c Config) overHTTP(t metric.Target) source {
	dial, called := c.addresses(t)
	return source{
		doing: fmt.Sprintf("asking %q for its Date over HTTP", called),
		fresh: true,
		hint:  "does an HTTP server or squid listen there?",
		ask:   func(ctx context.Context) (answer, error) { return c.askHTTP(ctx, dial.String(), called) },
		close: func() {},
	}
}

// askHTTP asks once, over a connection of its own.
func (c Config) askHTTP(ctx context.Context, addr, called string) (answer, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer{}, closed("does an HTTP server or squid run there, and listen on this address?")
	case err != nil:
		return answer{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	sent := c.now()
	question := "HEAD / HTTP/1.1\r\nHost: " + called + "\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, question); err != nil {
		return answer{}, cut(ctx, err)
	}
	in := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, maxHead)))
	status, err := in.ReadLine()
	received := c.now()
	if err != nil {
		return answer{}, cut(ctx, err)
	}
	if !strings.HasPrefix(status, "HTTP/1.") {
		return answer{}, blame(fmt.Errorf("that is no HTTP: it answers %.40q", status))
	}
	head, err := in.ReadMIMEHeader()
	if err != nil {
		return answer{}, cut(ctx, err)
	}
	value, err := dateOf(head)
	if err != nil {
		return answer{}, blame(err)
	}
	return answer{
		reading: read(value, time.Second, sent, received),
		said:    fmt.Sprintf("HEAD /: %.80s, Date: %s", status, head.Get("Date")),
	}, nil
}

// cut is the error of an answer without a whole head, or that ctx ended.
func cut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return blame(fmt.Errorf("the answer's head is cut or garbled: %w", err))
}

// dateOf is when an answer was made. One out of a cache tells when it was put there.
func dateOf(head textproto.MIMEHeader) (time.Time, error) {
	date, age := head.Get("Date"), head.Get("Age")
	switch {
	case date == "":
		return time.Time{}, errors.New("the answer has no Date")
	case age != "":
		return time.Time{}, fmt.Errorf("the answer is out of a cache (Age %.20s) and its Date is not the present time", age)
	}
	// RFC 9110, section 5.6.7: what is sent, and two forms that must be understood.
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(layout, date); err == nil && minYear <= t.Year() && t.Year() <= maxYear {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("the answer's Date is none: %.40q", date)
}
