package selfcheck

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"milepost/lib/crew"
)

// control is nil if what must work on this machine works, and what must fail fails: a
// connection to ourselves brings a word back, and one to the same port once nobody
// listens there is refused. A monitor without sockets, or behind something that takes
// every connection, fails at one of them, and would fail or pass hosts the same way.
//
// A failure is looked at once more before it counts: the port may have become
// somebody else's meanwhile.
func control(ctx context.Context) error {
	err := tryControl(ctx, (&net.Dialer{}).DialContext)
	if err != nil && ctx.Err() == nil {
		err = tryControl(ctx, (&net.Dialer{}).DialContext)
	}
	return err
}

// A dialer connects, as net.Dialer does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func tryControl(ctx context.Context, dial dialer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on this machine: %w", bareNet(err))
	}
	at, word := l.Addr().String(), rand.Text()
	var echoing crew.Crew
	echoing.Go(func() { echoOnce(l, len(word)) })
	err = hearBack(ctx, dial, at, word)
	_ = l.Close()
	echoing.Wait()
	if err != nil {
		return fmt.Errorf("connecting to itself: %w", bareNet(err))
	}
	conn, err := dial(ctx, "tcp", at)
	switch {
	case err == nil && conn.LocalAddr().String() == conn.RemoteAddr().String():
		return conn.Close() // the kernel gave it that very port to come from: it met itself
	case err == nil:
		_ = conn.Close()
		return errors.New("connecting to a port that nobody listens on: it is answered: something takes every connection")
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("connecting to a port that nobody listens on: %w instead of a refusal", bareNet(err))
	}
	return nil
}

// echoOnce sends the first so many bytes of the first connection back.
func echoOnce(l net.Listener, n int) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(patience)) == nil {
		_, _ = io.CopyN(conn, conn, int64(n)) // who asks notices
	}
}

func hearBack(ctx context.Context, dial dialer, at, word string) error {
	conn, err := dial(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	heard := make([]byte, len(word))
	if _, err = io.WriteString(conn, word); err == nil {
		_, err = io.ReadFull(conn, heard)
	}
	if err == nil && string(heard) != word {
		err = errors.New("it answers something else")
	}
	return err
}

// bareNet is err without the addresses, of which one is another each time.
func bareNet(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}
