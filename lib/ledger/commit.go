package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// save commits a batch: the sums and the positions together, or nothing.
func (l *Ledger) save(b *batch) error {
	// A commit that has begun is not given up when the program ends.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.write(ctx, b); err != nil {
		return explain(l.config.Path, err)
	}
	l.remember(b)
	return nil
}

func (l *Ledger) write(ctx context.Context, b *batch) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := l.writeSums(ctx, tx, b.counter); err != nil {
		return err
	}
	for _, g := range b.generations {
		if _, err := tx.ExecContext(ctx, `INSERT INTO generations VALUES (?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET log=excluded.log, path=excluded.path, device=excluded.device, inode=excluded.inode,
			position=excluded.position, head_len=excluded.head_len, head=excluded.head, tail_len=excluded.tail_len, tail=excluded.tail, state=excluded.state`,
			g.ID, g.Log, g.Path, int64(g.Device), int64(g.Inode), g.Offset, g.Head.Len, g.Head.Sum[:], g.Tail.Len, g.Tail.Sum[:], string(g.State)); err != nil {
			return err
		}
	}
	for _, h := range b.holes {
		if err := insertHole(ctx, tx, l.config.Server, h); err != nil {
			return err
		}
	}
	if err := l.prune(ctx, tx); err != nil {
		return err
	}
	if err := l.fence(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	l.revision++
	return nil
}

// prune deletes buckets that need not be kept. Their days stay.
func (l *Ledger) prune(ctx context.Context, tx *sql.Tx) error {
	if l.config.KeepBuckets <= 0 {
		return nil
	}
	kept := l.kept(time.Now()).Unix()
	r, err := tx.ExecContext(ctx, "DELETE FROM usage WHERE server = ? AND bucket > 0 AND bucket < ?", l.config.Server, kept)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE ledger SET pruned = max(pruned, ?)", kept)
	return err
}

// kept is the start of the first day whose buckets are kept: a day has all of
// them or none, so that a report can go on with the daily sums.
func (l *Ledger) kept(now time.Time) time.Time {
	y, m, d := now.Add(-l.config.KeepBuckets).In(l.zone).Date()
	return midnight(y, m, d, l.zone)
}

// errFenced is the error of a ledger that somebody else wrote: going on would
// count lines twice.
var errFenced = errors.New("another process wrote it meanwhile: stop the other milepost-exporter, then restart this one; nothing is lost")

// fence counts the commits, and refuses this one if it is not the next.
func (l *Ledger) fence(ctx context.Context, tx *sql.Tx) error {
	r, err := tx.ExecContext(ctx, "UPDATE ledger SET revision = revision + 1 WHERE revision = ?", l.revision)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errFenced, err)
	}
	return nil
}

// writeSums adds what was counted: to the buckets, the days, the users, the totals.
func (l *Ledger) writeSums(ctx context.Context, tx *sql.Tx, c *counter) error {
	server := l.config.Server
	usage, err := tx.PrepareContext(ctx, `INSERT INTO usage VALUES (?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in, requests = requests + excluded.requests`)
	if err != nil {
		return err
	}
	defer usage.Close()
	type dayKey struct{ user, day string }
	days, users := map[dayKey]sums{}, map[string]sums{}
	for bucket, all := range c.sums {
		day := time.Unix(bucket, 0).In(l.zone).Format(time.DateOnly)
		for user, s := range all {
			if _, err := usage.ExecContext(ctx, server, user, bucket, s.Out, s.received(), s.Requests); err != nil {
				return err
			}
			k := dayKey{user, day}
			days[k] = days[k].plus(*s)
			users[user] = users[user].plus(*s)
		}
	}
	for k, s := range days {
		if _, err := tx.ExecContext(ctx, `INSERT INTO usage_daily VALUES (?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in, requests = requests + excluded.requests`,
			server, k.user, k.day, s.Out, s.received(), s.Requests); err != nil {
			return err
		}
	}
	for user, s := range users {
		if _, err := tx.ExecContext(ctx, `INSERT INTO users VALUES (?,?,?,?,?)
			ON CONFLICT DO UPDATE SET bytes_out = bytes_out + excluded.bytes_out, bytes_in = bytes_in + excluded.bytes_in, requests = requests + excluded.requests`,
			server, user, s.Out, s.In, s.Requests); err != nil {
			return err
		}
	}
	return c.totals.each(func(name string, value int64) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO totals VALUES (?,?,?) ON CONFLICT DO UPDATE SET value = value + excluded.value", server, name, value)
		return err
	})
}

func (s sums) plus(o sums) sums {
	return sums{s.Out + o.Out, s.In + o.In, s.Requests + o.Requests, s.Blind || o.Blind}
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func insertHole(ctx context.Context, db execer, server string, h Hole) error {
	_, err := db.ExecContext(ctx, "INSERT INTO holes VALUES (?,?,?,?,?,?,?,?)", server, h.Kind, h.Path, h.At.Unix(), h.From, h.To, h.Count, h.Detail)
	return err
}

// remember adds what was committed to what is served from memory.
func (l *Ledger) remember(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.totals.out += b.counter.totals.out
	l.totals.in += b.counter.totals.in
	for i, n := range b.counter.totals.results {
		l.totals.results[i] += n
	}
	for kind, n := range b.counter.totals.lines {
		l.totals.lines[kind] += n
	}
	for bucket, all := range b.counter.sums {
		for user, s := range all {
			l.users[user] = l.users[user].plus(*s)
			l.days[bucket] += s.Out
		}
	}
	for bucket := range l.days {
		if bucket < time.Now().Add(-25*time.Hour).Unix() {
			delete(l.days, bucket)
		}
	}
	for _, h := range b.holes {
		l.holes[h.Kind] += h.Count
	}
	l.commit = time.Now()
}
