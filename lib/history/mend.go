package history

import (
	"context"
	"fmt"
	"math"

	"milepost/lib/sqlitefile"
)

// A spoilt block is one whose content makes no sense. SQLite has no checksums: a sector
// that changed within a blob is found by whoever reads it.
type spoilt struct {
	tier        int
	start, host int64
	text        []byte
}

// found notes a spoilt block for the next Flush, as long as there are few.
func (h *History) found(s spoilt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.spoilt) < mostSpoilt {
		h.spoilt = append(h.spoilt, s)
	}
}

// mostSpoilt is how many blocks are dropped by one Flush.
const mostSpoilt = 1000

// dropSpoilt drops the spoilt blocks that were found, unless they were written anew.
func (h *History) dropSpoilt(ctx context.Context) error {
	h.mu.Lock()
	all := h.spoilt
	h.spoilt = nil
	h.mu.Unlock()
	dropped := int64(0)
	for _, s := range all {
		done, err := h.db.Load().ExecContext(ctx, "DELETE FROM block WHERE tier = ? AND start = ? AND host = ? AND records = ?", s.tier, s.start, s.host, s.text)
		if err != nil {
			return err // whoever reads the rest finds it again
		}
		n, _ := done.RowsAffected() // SQLite always knows
		dropped += n
	}
	if dropped > 0 {
		h.notice(fmt.Sprintf("blocks of %q that could not be read were dropped (%d): what was then is unknown", h.path, dropped))
	}
	return nil
}

// explain says what a person can do, and has the next Flush begin another file if this
// one is damaged.
func (h *History) explain(err error) error {
	if damaged(err) {
		h.broken.Store(true)
	}
	return explain(h.path, err)
}

// renew sets the damaged file aside and begins another with all that is in memory. If
// that cannot be had now, because the disk is full, the next Flush tries again.
func (h *History) renew(ctx context.Context) error {
	if db := h.db.Swap(nil); db != nil {
		_ = db.Close() // of a damaged file: how it ends is no news
	}
	if h.aside == "" {
		aside, err := sqlitefile.SetAside(h.path)
		if err != nil {
			return err
		}
		h.aside = aside
		h.notice(fmt.Sprintf("%q is damaged; it was kept as %q, and a new one begins: after the next start, uptimes are of the time from now on", h.path, aside))
	}
	db, err := open(ctx, h.path, h.notice)
	if err != nil {
		return err
	}
	h.aside, h.ids, h.packed = "", map[string]int64{}, 0
	h.unwrite()
	h.db.Store(db)
	h.broken.Store(false)
	return nil
}

// unwrite makes all that is in memory news for the disk.
func (h *History) unwrite() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.tracks {
		t.dirty = math.MinInt64
	}
	if len(h.recent) > len(h.news) {
		h.news = append([]Transition(nil), h.recent...)
	}
}
