package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// A manager is the service manager that started the exporter: it is told how things are,
// as sd_notify(3) describes. The zero manager is nobody.
type manager struct {
	socket   string        // $NOTIFY_SOCKET; a leading @ is a null byte: an abstract address
	watchdog time.Duration // it restarts us when it has not heard of us for so long; 0 = it does not
	ready    sync.Once
	log      *slog.Logger
}

// newManager reads what systemd says in the environment. A watchdog that is meant for
// another process ($WATCHDOG_PID, sd_watchdog_enabled(3)) is not fed.
func newManager(getenv func(string) string, log *slog.Logger) *manager {
	m := &manager{socket: getenv("NOTIFY_SOCKET"), log: log}
	pid := getenv("WATCHDOG_PID")
	if n, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && n > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.watchdog = time.Duration(n) * time.Microsecond
	}
	return m
}

// say sends one state. A manager that does not listen misses it.
func (m *manager) say(state string) {
	if m.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err == nil {
		defer conn.Close()
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a new socket has no deadline that could refuse it
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		m.log.Warn("the service manager is not told how things are", "state", state, "why", err)
	}
}

// listens tells of s's first listener when it is served, and nothing before: whoever
// waits for this service finds its port open.
func (m *manager) listens(s *http.Server) {
	s.BaseContext = func(net.Listener) context.Context {
		m.ready.Do(func() { m.say("READY=1\nSTATUS=watching") })
		return context.Background()
	}
}

// attend feeds the watchdog until ctx ends, as long as alive returns: a program that
// waits for itself for ever is restarted.
func (m *manager) attend(ctx context.Context, alive func()) {
	defer m.say("STOPPING=1")
	if m.watchdog == 0 || m.socket == "" {
		<-ctx.Done()
		return
	}
	feed := time.NewTicker(m.watchdog / 3)
	defer feed.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-feed.C:
			alive()
			m.say("WATCHDOG=1")
		}
	}
}

// handedSockets says that systemd passes listening sockets to this very process
// (sd_listen_fds(3)): the socket unit is enabled.
func handedSockets(getenv func(string) string) bool {
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	return err == nil && n > 0 && getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
}
