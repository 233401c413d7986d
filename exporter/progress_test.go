package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Long work tells a terminal that it goes on, and leaves nothing of that there.
func TestProgressOfWorkWithoutAnEnd(t *testing.T) {
	for _, row := range []struct {
		situation string
		terminal  bool
		took      time.Duration
		want      string // "" = nothing is shown
	}{
		{"on a terminal", true, 2800 * time.Millisecond, "\rchecking: 2 s\x1b[K"},
		{"soon done", true, 300 * time.Millisecond, ""},
		{"in a script", false, time.Minute, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var shown bytes.Buffer
			p := &progress{w: &shown, terminal: row.terminal}
			wrong := errors.New("wrong")
			err := p.during("checking", func() error {
				time.Sleep(row.took)
				return wrong
			})
			text := shown.String()
			if !errors.Is(err, wrong) || (text == "") != (row.want == "") || !strings.Contains(text, row.want) || text != "" && !strings.HasSuffix(text, "s\x1b[K\r\x1b[K") {
				t.Errorf("%s: %q %v", row.situation, text, err)
			}
		})
	}
}
