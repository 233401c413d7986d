package systemd

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"milepost/lib/crew"
)

func TestTheServiceManagerIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	heard := func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 200)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("the manager hears nothing: %v", err)
		}
		return string(b[:n])
	}
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000"}
	m := New(func(name string) string { return env[name] }, slog.New(slog.NewTextHandler(io.Discard, nil)))

	ctx, stop := context.WithCancel(t.Context())
	server := &http.Server{}
	m.Listens(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all crew.Crew
	all.Go(func() { _ = server.Serve(l) })
	if got := heard(); got != "READY=1\nSTATUS=watching" {
		t.Errorf("once it listens the manager hears %q", got)
	}
	asked := make(chan struct{}, 100)
	all.Go(func() { m.Attend(ctx, func() { asked <- struct{}{} }) })
	if got := heard(); got != "WATCHDOG=1" || len(asked) == 0 {
		t.Errorf("the watchdog hears %q, after %d looks whether all is alive", got, len(asked))
	}
	stop()
	for got := heard(); got != "STOPPING=1"; got = heard() {
		if got != "WATCHDOG=1" {
			t.Fatalf("at the end the manager hears %q", got)
		}
	}
	_ = server.Close()
	all.Wait()
}

func TestHandedSockets(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		situation string
		fds, pid  string
		want      bool
	}{
		{"no socket unit", "", "", false},
		{"a socket for us", "1", self, true},
		{"a socket for our parent", "1", "1", false},
		{"none after all", "0", self, false},
	} {
		env := map[string]string{"LISTEN_FDS": tt.fds, "LISTEN_PID": tt.pid}
		if got := HandedSockets(func(name string) string { return env[name] }); got != tt.want {
			t.Errorf("%s: %v", tt.situation, got)
		}
	}
}
