// Package systemd is what a service says to systemd and hears of it: sd_notify(3),
// sd_watchdog_enabled(3) and sd_listen_fds(3).
package systemd

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

// A Manager is the service manager that started this program: it is told how things are,
// as sd_notify(3) describes. One that does not want to know is told nothing.
type Manager struct {
	socket   string        // $NOTIFY_SOCKET; a leading @ is a null byte: an abstract address
	watchdog time.Duration // it restarts us when it has not heard of us for so long; 0 = it does not
	ready    sync.Once
	log      *slog.Logger
}

// New reads what systemd says in the environment. A watchdog that is meant for
// another process ($WATCHDOG_PID, sd_watchdog_enabled(3)) is not fed.
func New(getenv func(string) string, log *slog.Logger) *Manager {
	m := &Manager{socket: getenv("NOTIFY_SOCKET"), log: log}
	pid := getenv("WATCHDOG_PID")
	if n, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && n > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.watchdog = time.Duration(n) * time.Microsecond
	}
	return m
}

// say sends one state. A manager that does not listen misses it.
func (m *Manager) say(state string) {
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

// Listens tells of s's first listener when it is served, and nothing before: whoever
// waits for this service finds its port open.
func (m *Manager) Listens(s *http.Server) {
	s.BaseContext = func(net.Listener) context.Context {
		m.ready.Do(func() { m.say("READY=1\nSTATUS=watching") })
		return context.Background()
	}
}

// Attend feeds the watchdog until ctx ends, as long as alive returns: a program that
// waits for itself for ever is restarted.
func (m *Manager) Attend(ctx context.Context, alive func()) {
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

// HandedSockets says that systemd passes listening sockets to this very process
// (sd_listen_fds(3)): the socket unit is enabled.
func HandedSockets(getenv func(string) string) bool {
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	return err == nil && n > 0 && getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
}
