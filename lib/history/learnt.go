package history

import (
	"context"
	"database/sql"
	"net/netip"
	"time"
)

// What is learnt of paths is a row for each host, replaced by what is learnt later:
// nothing of it is a history, but it must outlive the process like one.
const learntSchema = `
CREATE TABLE IF NOT EXISTS baseline (
	host TEXT PRIMARY KEY, spacing REAL NOT NULL, kept REAL NOT NULL, starts REAL NOT NULL,
	lost REAL NOT NULL, repeats REAL NOT NULL, updated INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS least (
	host TEXT NOT NULL, day INTEGER NOT NULL, address TEXT NOT NULL, place TEXT NOT NULL, rtt INTEGER NOT NULL,
	PRIMARY KEY (host, day)) STRICT, WITHOUT ROWID;
`

// learntKept is how long what was learnt of a host is kept that is not there any more.
const learntKept = 90 * 24 * time.Hour

// A Baseline is how packets to a host usually fare: how many came after one that was
// kept, and after one that was lost, and how many of these were lost.
type Baseline struct {
	Host                        string
	Spacing                     float64 // seconds from packet to packet
	Kept, Starts, Lost, Repeats float64
	Updated                     time.Time
}

// A Least is the least round trip of a day.
type Least struct {
	Host    string
	Day     int64 // since 1970, UTC
	Address netip.Addr
	Place   string // where it was measured from
	RTT     time.Duration
}

// Baselines are all that are kept.
func (h *History) Baselines(ctx context.Context) ([]Baseline, error) {
	var all []Baseline
	err := h.each(ctx, func(rows *sql.Rows) error {
		var b Baseline
		var updated int64
		err := rows.Scan(&b.Host, &b.Spacing, &b.Kept, &b.Starts, &b.Lost, &b.Repeats, &updated)
		b.Updated = time.Unix(updated, 0).UTC()
		all = append(all, b)
		return err
	}, "SELECT host, spacing, kept, starts, lost, repeats, updated FROM baseline")
	return all, err
}

// KeepBaselines writes all of these, and forgets what is of other hosts and old.
func (h *History) KeepBaselines(ctx context.Context, all []Baseline, now time.Time) error {
	return h.replace(ctx, func(ctx context.Context, tx *sql.Tx) error {
		row, err := tx.PrepareContext(ctx, `INSERT INTO baseline VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
			spacing = excluded.spacing, kept = excluded.kept, starts = excluded.starts, lost = excluded.lost,
			repeats = excluded.repeats, updated = excluded.updated WHERE updated <> excluded.updated`)
		if err != nil {
			return err
		}
		defer row.Close()
		for _, b := range all {
			if _, err := row.ExecContext(ctx, b.Host, b.Spacing, b.Kept, b.Starts, b.Lost, b.Repeats, b.Updated.Unix()); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM baseline WHERE updated < ?", now.Add(-learntKept).Unix())
		return err
	})
}

// Leasts are the least round trips since that day, the newest first.
func (h *History) Leasts(ctx context.Context, since int64) ([]Least, error) {
	var all []Least
	err := h.each(ctx, func(rows *sql.Rows) error {
		var l Least
		var address string
		err := rows.Scan(&l.Host, &l.Day, &address, &l.Place, &l.RTT)
		if l.Address, _ = netip.ParseAddr(address); l.Address.IsValid() && l.RTT > 0 {
			all = append(all, l)
		}
		return err
	}, "SELECT host, day, address, place, rtt FROM least WHERE day >= ? ORDER BY day DESC", since)
	return all, err
}

// KeepLeasts writes all of these in the place of what was known of their days, and
// forgets what was before since.
func (h *History) KeepLeasts(ctx context.Context, all []Least, since int64) error {
	return h.replace(ctx, func(ctx context.Context, tx *sql.Tx) error {
		row, err := tx.PrepareContext(ctx, `INSERT INTO least VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
			address = excluded.address, place = excluded.place, rtt = excluded.rtt
			WHERE rtt <> excluded.rtt OR address <> excluded.address OR place <> excluded.place`)
		if err != nil {
			return err
		}
		defer row.Close()
		for _, l := range all {
			if _, err := row.ExecContext(ctx, l.Host, l.Day, l.Address.String(), l.Place, int64(l.RTT)); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM least WHERE day < ?", since)
		return err
	})
}

// each calls row for every row of the query; there are none without a file.
func (h *History) each(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	db := h.db.Load()
	if db == nil {
		return nil
	}
	if err := eachIn(ctx, db, row, query, args...); err != nil {
		return h.explain(err)
	}
	return nil
}

// replace does work in one transaction; nothing without a file. The driver starts a
// goroutine for each statement that can be told to end: those of work cannot.
func (h *History) replace(ctx context.Context, work func(context.Context, *sql.Tx) error) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	db := h.db.Load()
	if db == nil {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return h.explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := work(context.WithoutCancel(ctx), tx); err != nil {
		return h.explain(err)
	}
	if err := tx.Commit(); err != nil {
		return h.explain(err)
	}
	return nil
}
