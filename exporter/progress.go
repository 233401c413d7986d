package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"milepost/lib/crew"
)

// A progress shows how far long work is, where somebody looks.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	shown    time.Time
}

// show draws a line: how much is done, and when it all will be. The total is 0
// if nobody knows it.
func (p *progress) show(done, total int64) {
	now := time.Now()
	if p.began.IsZero() {
		p.began = now
	}
	if !p.terminal || now.Sub(p.began) < patience || now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	fmt.Fprintf(p.w, "\r%s\x1b[K", progressLine(done, total, now.Sub(p.began)))
}

// patience is how long work may take that nobody need be told of.
const patience = 500 * time.Millisecond

// progressLine says how far work is that began so long ago.
func progressLine(done, total int64, took time.Duration) string {
	if total <= 0 {
		return fmt.Sprintf("%d MB", done/1e6)
	}
	const width = 30
	done = min(done, total)
	left := time.Duration(float64(took) * float64(total-done) / float64(max(done, 1)))
	return fmt.Sprintf("[%-*s] %3d %%, %d of %d MB, %s left", width, strings.Repeat("#", int(width*done/total)), 100*done/total,
		done/1e6, total/1e6, left.Round(time.Second))
}

// during shows for how long work has been going on of which nobody knows how much is left.
func (p *progress) during(what string, work func() error) error {
	if !p.terminal {
		return work()
	}
	done := make(chan struct{})
	p.began = time.Now()
	var showing crew.Crew
	showing.Go(func() {
		again := time.NewTicker(patience)
		defer again.Stop()
		for {
			select {
			case <-done:
				return
			case <-again.C:
				p.shown = time.Now()
				fmt.Fprintf(p.w, "\r%s: %d s\x1b[K", what, int(p.shown.Sub(p.began).Seconds()))
			}
		}
	})
	defer p.clear()
	defer showing.Wait()
	defer close(done)
	return work()
}

func (p *progress) clear() {
	if p.terminal && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// progressOn shows it where faults are told.
func progressOn(faults io.Writer) *progress {
	return &progress{w: faults, terminal: isTerminal(faults)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
