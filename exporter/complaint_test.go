package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/statusbar"
)

func TestComplaint(t *testing.T) {
	var log strings.Builder
	c := complaint{what: "the shop is shut"}
	full, broken := errors.New("the disk is full"), errors.New("the disk is broken")
	for _, err := range []error{nil, full, full, full, broken, broken, nil, nil, full} {
		c.take(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})), err)
	}
	const want = `level=ERROR msg="the shop is shut" why="the disk is full"
level=ERROR msg="the shop is shut" why="the disk is broken"
level=INFO msg="this is over" what="the shop is shut"
level=ERROR msg="the shop is shut" why="the disk is full"
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
}

// A state directory that nothing can be written to is told once, not once a round.
func TestARoundThatCannotBeKept(t *testing.T) {
	var log strings.Builder
	dir := t.TempDir()
	m := &monitor{log: slog.New(slog.NewTextHandler(&log, nil)), unsaved: complaint{what: unsaved}, undelivered: complaint{what: undelivered}}
	nowhere := filepath.Join(dir, "file", "state") // below a file
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m.bar = statusbar.New(statusbar.Config{Interval: time.Minute, StateDir: nowhere, PublishDir: nowhere}, nil, now)
	m.past = openPast(t.Context(), dir, m.log)
	ended, end := context.WithCancel(t.Context())
	end()
	for range 3 {
		m.bar.Publish(now, now, nil, hoststate.Monitor{Total: 1, Healthy: 1})
		m.save()
		m.past.flush(ended, now) // an end of the process is no fault of the disk
	}
	if err := m.past.Close(); err != nil { // then nothing can be written
		t.Fatal(err)
	}
	for range 3 {
		m.past.flush(t.Context(), now)
	}
	for _, told := range []string{unsaved, undelivered, unwritten} {
		if n := strings.Count(log.String(), told); n != 1 {
			t.Errorf("%q is told %d times in\n%s", told, n, log.String())
		}
	}
}
