package maintenance

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"milepost/lib/keep"
)

// keptLimit is the most that is read of the kept windows, in bytes; mostKept is how
// many there may be.
const (
	keptLimit = 4 << 20
	mostKept  = 1000
)

// A Calendar is all windows: those of the inventory, and those that were started by
// hand, which it keeps in a file. All its methods may be called at once.
type Calendar struct {
	path string // of the file

	mu        sync.Mutex
	inventory []Window
	started   []Window
}

// Open is the calendar that is kept at path. A file that cannot be read is an error,
// and the calendar works without what it held.
func Open(path string, now time.Time) (*Calendar, error) {
	c := &Calendar{path: path}
	all, err := read(path)
	if err != nil {
		return c, fmt.Errorf("reading maintenance windows %w: windows that were started by hand are not kept", err)
	}
	c.started = unfinished(all, now)
	return c, nil
}

func read(path string) ([]Window, error) {
	text, err := keep.Read(path, keptLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	all, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return all, nil
}

func parse(text []byte) ([]Window, error) {
	var all []Window
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	for _, w := range all {
		if err := w.Validate(); err != nil || w.ID == "" {
			return nil, errors.Join(errors.New("it is damaged"), err)
		}
	}
	return all, nil
}

// Replace makes windows those of the inventory.
func (c *Calendar) Replace(windows []Window) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inventory = slices.Clone(windows)
}

// Start adds a window by hand and returns it with its ID.
func (c *Calendar) Start(w Window, now time.Time) (Window, error) {
	if err := w.Validate(); err != nil {
		return w, err
	}
	if !w.To.IsZero() && !w.To.After(now) {
		return w, fmt.Errorf("it ended at %s already", w.To.Format(time.RFC3339))
	}
	w.ID = strings.ToLower(rand.Text()[:6])
	c.mu.Lock()
	defer c.mu.Unlock()
	next := append(unfinished(c.started, now), w)
	if len(next) > mostKept {
		return w, fmt.Errorf("%d windows were started already: end some", mostKept)
	}
	return w, c.keep(next)
}

// End ends the windows with these IDs, or that name these hosts or groups and nothing
// else, and returns them. That one is not there is an error, and then none is ended.
func (c *Calendar) End(what []string, now time.Time) ([]Window, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ended []Window
	next := unfinished(c.started, now)
	for _, name := range what {
		before := len(ended)
		next = slices.DeleteFunc(next, func(w Window) bool {
			gone := w.ID == name || slices.Equal(slices.Concat(w.Hosts, w.Groups), []string{name})
			if gone {
				ended = append(ended, w)
			}
			return gone
		})
		if len(ended) == before {
			return nil, fmt.Errorf("no window %q was started by hand: see milepost-exporter maintenance list; those of the inventory end there", name)
		}
	}
	return ended, c.keep(next)
}

// List is all windows that are not over, those of the inventory first.
func (c *Calendar) List(now time.Time) []Window {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Concat(unfinished(c.inventory, now), unfinished(c.started, now))
}

// At is the window that the host is in, the one that lasts longest; until is when it
// ends.
func (c *Calendar) At(host, group string, now time.Time) (w Window, from, until time.Time, in bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range [][]Window{c.inventory, c.started} {
		for _, one := range all {
			if !one.Concerns(host, group) {
				continue
			}
			if f, u, now := one.At(now); now && u.After(until) {
				w, from, until, in = one, f, u, true
			}
		}
	}
	return w, from, until, in
}

// keep makes all those that were started by hand, on disk first.
func (c *Calendar) keep(all []Window) error {
	text, err := json.Marshal(all)
	if err == nil {
		err = keep.Replace(c.path, append(text, '\n'), 0o640)
	}
	if err != nil {
		return fmt.Errorf("keeping maintenance windows in %w", err)
	}
	c.started = all
	return nil
}

// unfinished is those that are not over for ever.
func unfinished(all []Window, now time.Time) []Window {
	return slices.DeleteFunc(slices.Clone(all), func(w Window) bool { return w.Weekly.IsZero() && !now.Before(w.To) })
}
