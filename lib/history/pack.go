package history

import (
	"context"
	"database/sql"
)

// A tier is records of one length, in blocks, kept for some time. Blocks are short
// enough not to overflow a page of SQLite's.
type tier struct {
	length int64 // of a record
	block  int64
	keep   int64
}

// tiers are what there is, the finest first. A block is made when all that goes
// into it can no longer change.
var tiers = [3]tier{
	{minute, hour, 30 * hour},
	{5 * minute, 4 * hour, 10 * day},
	{hour, 2 * day, 400 * day},
}

// settle is how long after its end a block is packed.
const settle = amendable + 10*minute

// pack makes the blocks whose time has come, and drops what is old, once an hour.
func (h *History) pack(ctx context.Context, now int64) error {
	if h.packed == floor(now, hour) {
		return nil
	}
	tx, err := h.db.Load().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := h.packMinutes(ctx, tx, now); err != nil {
		return err
	}
	for i := 1; i < len(tiers); i++ {
		if err := h.packTier(ctx, tx, i, now); err != nil {
			return err
		}
	}
	if err := prune(ctx, tx, now); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	h.packed = floor(now, hour)
	_, err = h.db.Load().ExecContext(ctx, "PRAGMA incremental_vacuum")
	return err
}

// packMinutes moves the rows of hours that are over into blocks. It meets a block
// that is there already only if the clock was set back: what is newer is true.
func (h *History) packMinutes(ctx context.Context, tx *sql.Tx, now int64) error {
	until := floor(now-settle, hour)
	rows := map[[2]int64][]record{}
	err := eachMinute(ctx, tx, func(host int64, r record) {
		at := [2]int64{floor(r.start, hour), host}
		rows[at] = append(rows[at], r)
	}, "at < ?", until)
	if err != nil {
		return err
	}
	for at, records := range rows {
		known, err := h.readBlock(ctx, tx, 0, at[0], at[1])
		if err != nil {
			return err
		}
		if err := writeBlock(ctx, tx, 0, at[0], at[1], overlay(known, records)); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM minute WHERE at < ?", until)
	return err
}

// overlay is old with what is new in its place; both are in order.
func overlay(old, fresh []record) []record {
	all := make([]record, 0, len(old)+len(fresh))
	for _, r := range fresh {
		for len(old) > 0 && old[0].start < r.start {
			all, old = append(all, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].start == r.start {
			old = old[1:]
		}
		all = append(all, r)
	}
	return append(all, old...)
}

// packTier makes blocks of a tier from those of the finer one.
func (h *History) packTier(ctx context.Context, tx *sql.Tx, i int, now int64) error {
	length := tiers[i].block
	ready := now - settle - tiers[i-1].block - length
	var due []int64
	err := eachIn(ctx, tx, func(rows *sql.Rows) error {
		var start int64
		err := rows.Scan(&start)
		due = append(due, start)
		return err
	}, `SELECT DISTINCT start / ? * ? FROM block WHERE tier = ? AND start < ?
		EXCEPT SELECT start FROM block WHERE tier = ?`, length, length, i-1, floor(ready, length)+length, i)
	if err != nil {
		return err
	}
	for _, start := range due {
		if err := h.packBlock(ctx, tx, i, start); err != nil {
			return err
		}
	}
	return nil
}

func (h *History) packBlock(ctx context.Context, tx *sql.Tx, i int, start int64) error {
	parts := map[int64][]record{}
	err := h.eachBlock(ctx, tx, i-1, func(host int64, records []record) {
		parts[host] = append(parts[host], records...)
	}, "start >= ? AND start < ?", start, start+tiers[i].block)
	if err != nil {
		return err
	}
	for host, records := range parts {
		if err := writeBlock(ctx, tx, i, start, host, regroup(records, tiers[i].length)); err != nil {
			return err
		}
	}
	return nil
}

// prune drops what is too old, of each tier at most two blocks an hour: a clock that
// was wrong for an hour must not cost a year.
func prune(ctx context.Context, tx *sql.Tx, now int64) error {
	for i, t := range tiers {
		_, err := tx.ExecContext(ctx, `DELETE FROM block WHERE tier = ?1 AND start < ?2
			AND start < (SELECT min(start) FROM block WHERE tier = ?1) + ?3`, i, now-t.keep-t.block, 2*t.block)
		if err != nil {
			return err
		}
	}
	// The newest transitions of each host are kept, however it flaps.
	_, err := tx.ExecContext(ctx, `DELETE FROM transition WHERE id IN (SELECT id FROM
		(SELECT id, row_number() OVER (PARTITION BY host ORDER BY id DESC) AS nth FROM transition) WHERE nth > ?)`, transitionsKept)
	return err
}

func writeBlock(ctx context.Context, tx *sql.Tx, i int, start, host int64, records []record) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?)",
		i, start, host, encode(records, start, tiers[i].length))
	return err
}
