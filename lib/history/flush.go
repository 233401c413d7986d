package history

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Flush writes what is new, in one transaction, and now and then packs and prunes
// what is old. What the disk does not take is kept for the next Flush, as long as
// that is within two hours. A file that is damaged is set aside, and another begun. It is called once a round, by one goroutine that may
// wait for a disk.
func (h *History) Flush(ctx context.Context, now time.Time) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	err := h.flush(ctx, now)
	if h.broken.Load() {
		if err = h.renew(ctx); err == nil {
			err = h.flush(ctx, now)
		}
	}
	if err != nil {
		h.fail(now)
	}
	return err
}

func (h *History) flush(ctx context.Context, now time.Time) error {
	if h.db.Load() == nil {
		h.skip(now)
		return nil
	}
	err := h.write(ctx, now)
	if err == nil {
		err = h.pack(ctx, now.Unix())
	}
	if err == nil {
		err = h.dropSpoilt(ctx)
	}
	if err != nil {
		return h.explain(err)
	}
	h.measure(ctx, now)
	return nil
}

// write is the round's transaction.
func (h *History) write(ctx context.Context, now time.Time) error {
	h.mu.Lock()
	rows := make(map[string][]record, len(h.tracks))
	for host, t := range h.tracks {
		if r := t.unwritten(); len(r) > 0 {
			rows[host] = r
		}
		t.written(now.Unix())
	}
	news := h.news
	h.news = nil
	h.mu.Unlock()
	err := h.commitAll(ctx, rows, news)
	if err != nil {
		h.ids = map[string]int64{} // those of the transaction are not given
		h.giveBack(rows, news)
	}
	return err
}

func (h *History) commitAll(ctx context.Context, rows map[string][]record, news []Transition) error {
	tx, err := h.db.Load().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := h.insert(ctx, tx, rows); err != nil {
		return err
	}
	if err := h.insertNews(ctx, tx, news); err != nil {
		return err
	}
	return tx.Commit()
}

func (h *History) insert(ctx context.Context, tx *sql.Tx, rows map[string][]record) error {
	row, err := tx.PrepareContext(ctx, `INSERT INTO minute VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		states = coalesce(excluded.states, states), latency = coalesce(excluded.latency, latency), pings = coalesce(excluded.pings, pings)`)
	if err != nil {
		return err
	}
	defer row.Close()
	// The driver starts a goroutine for each statement that can be told to end.
	each := context.WithoutCancel(ctx)
	for host, records := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, err := h.id(ctx, tx, host)
		if err != nil {
			return err
		}
		for _, r := range records {
			if _, err := row.ExecContext(each, r.start, id, r.statesColumn(), r.latencyColumn(), r.pingsColumn()); err != nil {
				return err
			}
		}
	}
	return nil
}

// statesColumn is the seconds as a number, nil if r does not tell of any state.
func (r record) statesColumn() any {
	if r.length == 0 {
		return nil
	}
	n := int64(0)
	for i, s := range kept {
		n |= int64(min(r.states[s], minute)) << (8 * i)
	}
	return n
}

func (r record) latencyColumn() any {
	if r.latency == 0 {
		return nil
	}
	return toLog(r.latency)
}

func (r record) pingsColumn() any {
	if r.pings.Sent == 0 {
		return nil
	}
	var w writer
	w.pings(r.pings)
	return w.text
}

// id is the number of a host, which a transaction that is rolled back has not given.
func (h *History) id(ctx context.Context, tx *sql.Tx, host string) (int64, error) {
	if id, ok := h.ids[host]; ok {
		return id, nil
	}
	var id int64
	err := tx.QueryRowContext(ctx, "INSERT INTO host (name) VALUES (?) ON CONFLICT DO UPDATE SET name = name RETURNING id", host).Scan(&id)
	if err == nil {
		h.ids[host] = id
	}
	return id, err
}

// giveBack makes rows and news unwritten again.
func (h *History) giveBack(rows map[string][]record, news []Transition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for host, records := range rows {
		t := h.tracks[host]
		if t == nil {
			continue
		}
		for _, r := range records {
			if r.length > 0 {
				t.dirty = min(t.dirty, r.start)
			}
			// What came meanwhile is in addition to what was being written.
			if r.latency == 0 && r.pings.Sent == 0 {
				continue
			}
			m := t.measure(r.start)
			if r.latency > 0 && m.n == 0 {
				m.took, m.n = r.latency, 1
			}
			if r.pings.Sent > m.pings.Sent {
				m.pings = r.pings
			}
		}
	}
	h.news = append(news, h.news...)
}

// fail counts a Flush that did nothing, and lets go of what is too old to keep.
func (h *History) fail(now time.Time) {
	h.mu.Lock()
	h.refused++
	h.mu.Unlock()
	h.skip(now)
}

func (h *History) skip(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.tracks {
		t.forget(now.Unix())
	}
	if n := len(h.news); n > recentKept {
		h.news = h.news[n-recentKept:]
	}
}

// measure notes how large the file is.
func (h *History) measure(ctx context.Context, now time.Time) {
	var pages, bytes int64
	db := h.db.Load()
	err := errors.Join(
		db.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages),
		db.QueryRowContext(ctx, "PRAGMA page_size").Scan(&bytes))
	if err != nil {
		return // the next Flush will say what is wrong
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.size, h.commit = pages*bytes, now
}
