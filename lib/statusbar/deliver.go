package statusbar

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"milepost/lib/keep"
)

// Deliver writes the newest snapshot into Config.PublishDir, for a web server or an
// object storage that outlives this process: status.json.gz, status.html, bar.svg
// and, last, status.json. Each is replaced at once, so that a reader sees the old one
// or the new one; who waits for a new status.json finds the others new as well. They
// are not renewed when the lease is over: then they must go grey, and do.
func (b *Bar) Deliver() error {
	b.delivering.Lock()
	defer b.delivering.Unlock()
	b.mu.Lock()
	dir := b.config.PublishDir
	b.mu.Unlock()
	newest := b.current.Load().live
	if dir == "" || newest.dataAt.IsZero() || newest == b.delivered && b.deliveredTo == dir {
		return nil
	}
	status := newest.routes["/status.json"]().plain.text
	for _, file := range []struct {
		name string
		text func() []byte
	}{
		{"status.json.gz", func() []byte { return compress(status) }},
		{"status.html", newest.still},
		{"bar.svg", func() []byte { return newest.routes["/bar.svg"]().plain.text }},
		{"status.json", func() []byte { return status }},
	} {
		path := filepath.Join(dir, file.name)
		if err := replaceAt(path, file.text(), newest.generatedAt); err != nil {
			return fmt.Errorf("publishing %w", err)
		}
	}
	b.delivered, b.deliveredTo = newest, dir
	return nil
}

// replaceAt replaces a file and gives it a time of change: nginx makes its ETag of that and of the
// size, and both forms of status.json must have the same time for its gzip_static.
func replaceAt(path string, text []byte, at time.Time) error {
	if err := keep.Replace(path, text, 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(path, at, at); err != nil {
		return fmt.Errorf("%q: %w", path, keep.Cause(err))
	}
	return nil
}
