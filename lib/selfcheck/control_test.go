package selfcheck

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestControl(t *testing.T) {
	if err := control(t.Context()); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := control(over); err == nil {
		t.Error("a control that was not made passed")
	}
}

// A machine on which one of the two controls fails, in each way.
func TestControlsThatFail(t *testing.T) {
	mirror := func(text string) dialer { // takes every connection, and says the same to all
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
			if err != nil {
				return nil, errors.Join(err, l.Close())
			}
			other, err := l.Accept()
			if err == nil {
				_, err = other.Write([]byte(text))
			}
			return conn, errors.Join(err, other.Close(), l.Close())
		}
	}
	plain := (&net.Dialer{}).DialContext
	refuse := func(err error) dialer {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	for _, row := range []struct {
		situation     string
		first, second dialer
		want          string
	}{
		{"both work", plain, plain, ""},
		{"no connection to itself", refuse(syscall.ECONNREFUSED), plain, "connecting to itself: connection refused"},
		{"no sockets are left", refuse(syscall.EMFILE), plain, "connecting to itself: too many open files"},
		{"somebody else answers", mirror("HTTP/1.1 400 Bad Request, and more than the word\r\n"), plain, "connecting to itself: it answers something else"},
		{"something takes every connection", plain, mirror(""), "connecting to a port that nobody listens on: it is answered: something takes every connection"},
		{"something drops what should be refused", plain, refuse(syscall.ETIMEDOUT), "connecting to a port that nobody listens on: connection timed out instead of a refusal"},
	} {
		n := 0
		err := tryControl(t.Context(), func(ctx context.Context, network, address string) (net.Conn, error) {
			if n++; n == 1 {
				return row.first(ctx, network, address)
			}
			return row.second(ctx, network, address)
		})
		if err != nil && err.Error() != row.want || err == nil && row.want != "" {
			t.Errorf("%s: %v, want %s", row.situation, err, row.want)
		}
	}
}
