package statusbar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"milepost/lib/keep"
)

// kept is the name of the last snapshot in Config.StateDir.
const kept = "status.json"

// keptLimit is how much of a kept snapshot is read: that of 50,000 hosts.
const keptLimit = 16 << 20

// Save keeps the newest snapshot over a restart. It waits for the disk, which holds
// up the caller and never a reader. A snapshot without any measurement is not saved:
// it knows less than the one before it.
func (b *Bar) Save() error {
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	dir := b.config.StateDir
	b.mu.Unlock()
	newest := b.current.Load().live
	if dir == "" || newest.dataAt.IsZero() {
		return nil
	}
	path := filepath.Join(dir, kept)
	if err := keep.Replace(path, newest.routes["/status.json"]().plain.text, 0o644); err != nil {
		return fmt.Errorf("saving status %w", err)
	}
	return nil
}

// Restore shows the snapshot that an earlier process kept, with its own data_at:
// its lease runs on, and ends by itself unless a round is completed before. Nothing
// of it is carried into the states of hosts. That there is none is no error; one
// that cannot be believed is not shown, and what New shows stays.
func (b *Bar) Restore(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.StateDir == "" {
		return nil
	}
	path := filepath.Join(b.config.StateDir, kept)
	d, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("restoring status %w", err)
	}
	b.seq = max(b.seq, d.Seq)
	at := time.Time(d.DataAt)
	if at.After(now) {
		return fmt.Errorf("restoring status %q: it is of %s, which is yet to come: "+
			"this machine's clock was set back, and nobody can tell how old the status is", path, d.DataAt)
	}
	c := d.content()
	c.page, c.fleet, c.operator = b.config.Page, b.current.Load().live.fleet, b.config.Operator
	b.remember(&c)
	b.set(c)
	return nil
}

func read(path string) (document, error) {
	text, err := keep.Read(path, keptLimit)
	if err != nil {
		return document{}, err
	}
	d, err := parse(text)
	if err != nil {
		return document{}, fmt.Errorf("%q: %w", path, err)
	}
	return d, nil
}

// parse reads a document that Save wrote.
func parse(text []byte) (document, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return document{}, fmt.Errorf("it is damaged: %w", err)
	}
	switch {
	case d.Schema != schema:
		return document{}, fmt.Errorf("its schema is %q, not %q", d.Schema, schema)
	case time.Time(d.DataAt).IsZero():
		return document{}, errors.New("it has no data_at")
	case d.IntervalS < 0 || d.IntervalS > maxInterval.Seconds():
		return document{}, fmt.Errorf("its interval_s is %v", d.IntervalS)
	}
	return d, nil
}

// maxInterval is the longest interval that is believed of a file: a longer one
// would lend its states for days.
const maxInterval = 24 * time.Hour
