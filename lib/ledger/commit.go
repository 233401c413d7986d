package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"time"
)

// save commits a batch: the sums and the positions together, or nothing.
func (l *Ledger) save(b *batch) error {
	// A commit that has begun is not given up when the program ends.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if info, err := os.Stat(l.config.Path); err != nil || !os.SameFile(info, l.file) {
		return errMoved // what is written to a file without a name is lost
	}
	now := time.Now()
	r := rollOf(b.counter.sums, l.zone)
	other := l.restWith(r.users)
	if err := l.write(ctx, b, r, other, now); err != nil {
		return explain(l.config.Path, err)
	}
	l.remember(b, r, other, now)
	return nil
}

// write is the transaction.
func (l *Ledger) write(ctx context.Context, b *batch, r roll, other sums, now time.Time) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	for _, step := range []func() error{
		func() error { return l.fence(ctx, tx, now) },
		func() error { return l.writeSums(ctx, tx, b.counter, r, now) },
		func() error { return l.writeOther(ctx, tx, other) },
		func() error { return l.writePositions(ctx, tx, b) },
		func() error { return l.writeHoles(ctx, tx, b) },
		func() error { return l.prune(ctx, tx, now) },
		tx.Commit,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	l.revision++
	return nil
}

// What both say: whatever was counted since the last commit is counted by whoever
// writes now.
var (
	errFenced = errors.New("another process wrote it meanwhile: stop the other milepost-exporter")
	errMoved  = errors.New("the file was moved or replaced")
	// errRenamed says no more than that what is in memory has a name that was forgotten.
	errRenamed = errors.New("a user was forgotten in it")
)

// fenced says that somebody else wrote the ledger: going on would count lines twice.
func fenced(err error) bool { return errors.Is(err, errFenced) || errors.Is(err, errMoved) }

// fence counts the commits, and refuses this one if it is not the next.
func (l *Ledger) fence(ctx context.Context, tx *sql.Tx, now time.Time) error {
	r, err := tx.ExecContext(ctx, "UPDATE ledger SET revision = revision + 1, committed = $1 WHERE revision = $2", now.UnixMilli(), l.revision)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 1 {
		return nil
	}
	return errors.Join(l.overtaken(ctx, tx), err)
}

// overtaken says who wrote the ledger since the last commit here: nil if nobody did.
func (l *Ledger) overtaken(ctx context.Context, db querier) error {
	var revision, renames int64
	err := db.QueryRowContext(ctx, "SELECT revision, renames FROM ledger").Scan(&revision, &renames)
	switch {
	case err != nil:
		return err
	case revision == l.revision:
		return nil
	case revision-l.revision == renames-l.renames:
		return errRenamed
	}
	return errFenced
}

// prune deletes buckets that need not be kept. Their days stay.
func (l *Ledger) prune(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if l.config.KeepBuckets <= 0 {
		return nil
	}
	kept := l.kept(now).Unix()
	if waits, err := l.unsent(ctx, tx, kept); err != nil || waits {
		return err
	}
	for _, table := range []string{"usage", "buckets"} {
		r, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE server = $1 AND bucket > 0 AND bucket < $2", l.config.Server, kept)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "UPDATE ledger SET pruned = max(pruned, $1)", kept)
	return err
}

// unsent says that the fleet's ledger has not got all the buckets before kept: it goes
// on from where it was, be it after a year. One that is not configured any more waits
// for nothing.
func (l *Ledger) unsent(ctx context.Context, tx *sql.Tx, kept int64) (yes bool, err error) {
	if l.config.Fleet.URL == "" {
		return false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM buckets WHERE bucket > 0 AND bucket < $1
		AND revision > coalesce((SELECT revision FROM published WHERE target = $2), -1))`, kept, l.config.Fleet.target()).Scan(&yes)
	return yes, err
}

// kept is the start of the first day whose buckets are kept: a day has all of
// them or none, so that a report can go on with the daily sums.
func (l *Ledger) kept(now time.Time) time.Time {
	y, m, d := now.Add(-l.config.KeepBuckets).In(l.zone).Date()
	return midnight(y, m, d, l.zone)
}

// added is the end of each statement that adds to a row or makes it.
const added = ` ON CONFLICT DO UPDATE SET bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in, requests = requests + excluded.requests`

// writeSums adds what was counted: to the buckets, days, months, users and totals.
func (l *Ledger) writeSums(ctx context.Context, tx *sql.Tx, c *counter, r roll, now time.Time) error {
	server, revision := l.config.Server, l.revision+1
	for _, bucket := range slices.Sorted(maps.Keys(c.sums)) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO buckets VALUES ($1,$2,$3) ON CONFLICT DO UPDATE SET revision = excluded.revision", server, bucket, revision); err != nil {
			return err
		}
		a := addition{"usage", "(?1,%s,?2,%s,%s,%s,?3)", added + ", revision = excluded.revision", []any{server, bucket, revision}}
		if err := a.run(ctx, tx, c.sums[bucket].inOrder()); err != nil {
			return err
		}
	}
	for table, names := range map[string]map[string]map[string]sums{"usage_daily": r.days, "usage_monthly": r.months} {
		for name, users := range names {
			a := addition{table, "(?1,%s,?2,%s,%s,%s)", added, []any{server, name}}
			if err := a.run(ctx, tx, inOrder(users)); err != nil {
				return err
			}
		}
	}
	a := addition{"users", "(?1,%s,%s,coalesce(%s,0),%s,?2)", added, []any{server, now.Unix()}}
	if err := a.run(ctx, tx, inOrder(r.users)); err != nil {
		return err
	}
	return c.totals.each(func(name string, value int64) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO totals VALUES ($1,$2,$3) ON CONFLICT DO UPDATE SET value = value + excluded.value", server, name, value)
		return err
	})
}

// writeOther keeps what is told of the users without a name, which must not fall
// over a restart either.
func (l *Ledger) writeOther(ctx context.Context, tx *sql.Tx, other sums) error {
	for name, value := range map[string]int64{"other out": other.Out, "other in": other.In, "other requests": other.Requests} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO totals VALUES ($1,$2,$3) ON CONFLICT DO UPDATE SET value = excluded.value", l.config.Server, name, value); err != nil {
			return err
		}
	}
	return nil
}

// writePositions moves the positions to where was counted.
func (l *Ledger) writePositions(ctx context.Context, tx *sql.Tx, b *batch) error {
	for _, g := range b.generations {
		s := l.spans[g.ID]
		if _, err := tx.ExecContext(ctx, `INSERT INTO generations VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
			ON CONFLICT (id) DO UPDATE SET log=excluded.log, path=excluded.path, device=excluded.device, inode=excluded.inode,
			position=excluded.position, head_len=excluded.head_len, head=excluded.head, tail_len=excluded.tail_len, tail=excluded.tail,
			state=excluded.state, first=excluded.first, last=excluded.last`,
			g.ID, g.Log, g.Path, int64(g.Device), int64(g.Inode), g.Offset, g.Head.Len, g.Head.Sum[:], g.Tail.Len, g.Tail.Sum[:], string(g.State),
			s.first, s.last); err != nil {
			return err
		}
	}
	for log := range b.logs {
		state, err := json.Marshal(l.sequences[log])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO sequences VALUES ($1,$2) ON CONFLICT (log) DO UPDATE SET state = excluded.state", log, string(state)); err != nil {
			return err
		}
	}
	return nil
}

// writeHoles adds the holes to those that are known.
func (l *Ledger) writeHoles(ctx context.Context, tx *sql.Tx, b *batch) error {
	if first := b.first(); first != 0 && l.isNew() {
		// What a ledger that was set aside knew alone ends where the logs that are left begin.
		if _, err := tx.ExecContext(ctx, "UPDATE holes SET until = min(until, $1) WHERE kind = 'set_aside' AND server = $2", first/1000, l.config.Server); err != nil {
			return err
		}
	}
	for _, h := range b.holes {
		if err := insertHole(ctx, tx, h, l.revision+1); err != nil {
			return err
		}
	}
	return nil
}

// first is when the first line that was counted was logged; 0 if none was.
func (b *batch) first() int64 {
	var first int64
	for _, s := range b.spans {
		if first == 0 || s.first != 0 && s.first < first {
			first = s.first
		}
	}
	return first
}

// insertHole adds a hole, or adds it to the one that it belongs to. What is found
// again after it was told missing has a count below 0.
func insertHole(ctx context.Context, db querier, h Hole, revision int64) error {
	p := h.place()
	var at int64
	if !h.At.IsZero() {
		at = h.At.Unix()
	}
	_, err := db.ExecContext(ctx, `INSERT INTO holes VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)
		ON CONFLICT DO UPDATE SET count = count + excluded.count, until = max(until, excluded.until), revision = excluded.revision`,
		h.Server, h.Kind, h.Path, h.Detail, h.From, p.quarter, h.To, at, h.Until.Unix(), h.Count, revision)
	if err != nil {
		return err
	}
	if h.Count > 0 {
		_, err = db.ExecContext(ctx, "INSERT INTO totals VALUES ($1,$2,$3) ON CONFLICT DO UPDATE SET value = value + excluded.value", h.Server, "holes "+h.Kind, h.Count)
	}
	return err
}
