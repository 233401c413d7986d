package tail

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A Watch wakes who waits for a log that nobody writes to. It is armed while it
// waits and no longer: squid writes line by line, and a reader that were woken by
// each would do nothing else. What it misses, polling finds: on some file systems
// it never hears anything. A nil Watch only waits.
type Watch struct {
	watcher *fsnotify.Watcher
	dirs    []string
}

// NewWatch watches the directories of the patterns; nil where the system cannot.
func NewWatch(patterns []string) *Watch {
	watcher, err := fsnotify.NewBufferedWatcher(1)
	if err != nil { // no inotify instance is left: polling does it
		return nil
	}
	w := &Watch{watcher: watcher}
	for _, p := range patterns {
		if dir := filepath.Dir(p); !slices.Contains(w.dirs, dir) {
			w.dirs = append(w.dirs, dir)
		}
	}
	return w
}

// Close ends the watch.
func (w *Watch) Close() error {
	if w == nil {
		return nil
	}
	return w.watcher.Close()
}

// Wait returns when something happens in the directories, ctx ends, or after most.
func (w *Watch) Wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	if w == nil {
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return
	}
	for _, dir := range w.dirs {
		_ = w.watcher.Add(dir) // one that is not there yet is found by polling
	}
	select {
	case <-w.watcher.Events:
	case <-w.watcher.Errors: //nolint:errcheck // polling finds what it could not tell
	case <-timer.C:
	case <-ctx.Done():
	}
	for _, dir := range w.dirs {
		_ = w.watcher.Remove(dir)
	}
	for { // what came meanwhile is of no use any more
		select {
		case <-w.watcher.Events:
		case <-w.watcher.Errors: //nolint:errcheck // as above
		default:
			return
		}
	}
}
