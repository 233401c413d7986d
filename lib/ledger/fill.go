package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"milepost/lib/accesslog"
)

const (
	someBuckets = 200 // of one transaction
	someRows    = 500 // of one statement
)

// A cell is a user's row in a table, by its user and its bucket, day or month.
type cell struct {
	user string
	at   any
}

// A window is what is sent in as many transactions as it takes: all that was committed
// after a revision. When its last bucket is sent, so is everything up to the revision
// that this ledger had when the first was: what was committed meanwhile is of later ones.
type window struct {
	from, upTo int64 // revisions; upTo is -1 before the first transaction
	after      int64 // the last bucket that was sent
	more       bool  // there are others
}

// fill sends the next buckets of a window, and gives what is left of it.
func (p *publisher) fill(ctx context.Context, tx *sql.Tx, s state, w window) (window, error) {
	// One moment's: a bucket that is committed to between two questions would keep
	// its other users' rows back.
	local, err := p.local.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return w, explain(p.config.Path, err)
	}
	defer local.Rollback() //nolint:errcheck // nothing was written
	chosen, w, err := p.choose(ctx, local, w)
	if err != nil {
		return w, explain(p.config.Path, err)
	}
	if len(chosen) > 0 {
		if err := p.fillBuckets(ctx, tx, local, s, chosen); err != nil {
			return w, err
		}
	}
	return w, p.fillHoles(ctx, tx, local, s)
}

// choose takes the next buckets of a window.
func (p *publisher) choose(ctx context.Context, local *sql.Tx, w window) (chosen []int64, next window, err error) {
	if w.upTo < 0 {
		if err := local.QueryRowContext(ctx, "SELECT revision FROM ledger").Scan(&w.upTo); err != nil {
			return nil, w, err
		}
	}
	err = each(ctx, local, "SELECT bucket FROM buckets INDEXED BY buckets_by_revision WHERE server = $1 AND revision > $2 AND bucket > $3 ORDER BY bucket LIMIT $4",
		[]any{p.config.Server, w.from, w.after, someBuckets + 1}, func(r *sql.Rows) error {
			var bucket int64
			err := r.Scan(&bucket)
			chosen = append(chosen, bucket)
			return err
		})
	if w.more = len(chosen) > someBuckets; w.more {
		chosen = chosen[:someBuckets]
		w.after = chosen[someBuckets-1]
	}
	return chosen, w, err
}

// fillBuckets sends the users of some buckets whose sums changed, with the days and
// months that they are part of. Of those that the fleet's ledger has pruned it sends
// the days.
func (p *publisher) fillBuckets(ctx context.Context, tx, local *sql.Tx, s state, buckets []int64) error {
	zone, err := time.LoadLocation(s.timezone)
	if err != nil {
		return fmt.Errorf("timezone %q: %w", s.timezone, err)
	}
	kept := slices.DeleteFunc(slices.Clone(buckets), s.hasPruned)
	here, err := cells[int64](ctx, local, `SELECT "user", bucket, bytes_out, bytes_in, requests FROM usage WHERE server = $1 AND revision > $2 AND bucket`+among(kept), accesslog.Shown, p.config.Server, s.acked)
	if err != nil {
		return explain(p.config.Path, err)
	}
	there, err := cells[int64](ctx, tx, `SELECT "user", bucket, bytes_out, bytes_in, requests FROM usage WHERE server = $1 AND ledger = $2 AND bucket`+among(kept), asIs, p.config.Server, s.id)
	if err != nil {
		return p.central.explain(err)
	}
	days, err := p.prunedDays(ctx, tx, local, s, buckets, zone)
	if err != nil {
		return err
	}
	sent, more := gain(here, there)
	for c, one := range more {
		c.at = dayOf(c.at.(int64), zone)
		days[c] = days[c].plus(one)
	}
	months := map[cell]sums{}
	for c, one := range days {
		c.at = c.at.(string)[:len("2006-01")]
		months[c] = months[c].plus(one)
	}
	for _, err := range []error{
		upsert(ctx, tx, "usage", "bucket", p.config.Server, s.id, sent, false),
		upsert(ctx, tx, "usage_daily", "day", p.config.Server, s.id, days, true),
		upsert(ctx, tx, "usage_monthly", "month", p.config.Server, s.id, months, true),
	} {
		if err != nil {
			return p.central.explain(err)
		}
	}
	return nil
}

// gain is what has to be written there so that it has what is here, and how much more
// that is. A sum that is there and larger stays: this ledger may know less than it did.
func gain(here, there map[cell]sums) (sent, more map[cell]sums) {
	sent, more = map[cell]sums{}, map[cell]sums{}
	for c, mine := range here {
		known := there[c]
		if all := mine.atLeast(known); all != known {
			sent[c] = all
			more[c] = sums{all.Out - known.Out, all.In - known.In, all.Requests - known.Requests, all.Blind}
		}
	}
	return sent, more
}

// among is a condition of SQL. No number is among none.
func among(numbers []int64) string {
	all := make([]string, len(numbers))
	for i, n := range numbers {
		all[i] = strconv.FormatInt(n, 10)
	}
	if len(all) == 0 {
		return " IN (-1)"
	}
	return " IN (" + strings.Join(all, ",") + ")"
}

// cells reads the rows of a table, by its user and its bucket (int64) or day (string).
func cells[T int64 | string](ctx context.Context, db querier, query string, shown func(string) string, args ...any) (map[cell]sums, error) {
	all := map[cell]sums{}
	err := each(ctx, db, query, args, func(r *sql.Rows) error {
		var user string
		var at T
		var one sums
		var in sql.NullInt64
		err := r.Scan(&user, &at, &one.Out, &in, &one.Requests)
		one.In, one.Blind = in.Int64, !in.Valid
		all[cell{shown(user), at}] = one
		return err
	})
	return all, err
}

// upsert writes cells into a table of the fleet's ledger: in the place of what is
// there, or added to it.
func upsert(ctx context.Context, tx *sql.Tx, table, column, server, ledger string, all map[cell]sums, add bool) error {
	set := "bytes_out = excluded.bytes_out, bytes_in = excluded.bytes_in, requests = excluded.requests"
	if add {
		set = strings.NewReplacer("excluded.bytes_out", table+".bytes_out + excluded.bytes_out", "excluded.bytes_in", table+".bytes_in + excluded.bytes_in",
			"excluded.requests", table+".requests + excluded.requests").Replace(set)
	}
	var values []string
	args := []any{server, ledger}
	flush := func() error {
		if len(values) == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %s (server, ledger, "user", %s, bytes_out, bytes_in, requests) VALUES %s
			ON CONFLICT (server, ledger, %s, "user") DO UPDATE SET %s`, table, column, strings.Join(values, ", "), column, set), args...)
		values, args = nil, args[:2]
		return err
	}
	for c, s := range all {
		n := len(args)
		values = append(values, fmt.Sprintf("($1, $2, $%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5))
		args = append(args, c.user, c.at, s.Out, s.received(), s.Requests)
		if len(values) == someRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// fillHoles sends the holes that changed. What was found again has a count of 0.
func (p *publisher) fillHoles(ctx context.Context, tx, local *sql.Tx, s state) error {
	const changed = `SELECT kind, path, detail, begins, quarter, ends, at, until, count FROM holes WHERE server = $1 AND revision > $2`
	var all [][]any
	err := each(ctx, local, changed, []any{p.config.Server, s.acked}, func(r *sql.Rows) error {
		var kind, path, detail string
		var begins, quarter, ends, at, until, count int64
		err := r.Scan(&kind, &path, &detail, &begins, &quarter, &ends, &at, &until, &count)
		all = append(all, []any{p.config.Server, s.id, kind, accesslog.Shown(path), accesslog.Shown(detail), begins, quarter, ends, at, until, count})
		return err
	})
	if err != nil {
		return explain(p.config.Path, err)
	}
	for _, args := range all {
		if _, err := tx.ExecContext(ctx, `INSERT INTO holes (server, ledger, kind, path, detail, begins, quarter, ends, at, until, count) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)
			ON CONFLICT (server, ledger, kind, path, detail, begins, quarter) DO UPDATE SET until = excluded.until, count = excluded.count`, args...); err != nil {
			return p.central.explain(err)
		}
	}
	return nil
}

// rollUpCentral makes a server's days and months anew, those of another zone.
func rollUpCentral(ctx context.Context, tx *sql.Tx, server, ledger, timezone string) error {
	zone, err := time.LoadLocation(timezone)
	if err != nil {
		return err
	}
	for _, table := range []string{"usage_daily", "usage_monthly"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE server = $1 AND ledger = $2", server, ledger); err != nil {
			return err
		}
	}
	all, err := cells[int64](ctx, tx, `SELECT "user", bucket, bytes_out, bytes_in, requests FROM usage WHERE server = $1 AND ledger = $2`, asIs, server, ledger)
	if err != nil {
		return err
	}
	days, months := map[cell]sums{}, map[cell]sums{}
	for c, s := range all {
		day := dayOf(c.at.(int64), zone)
		days[cell{c.user, day}] = days[cell{c.user, day}].plus(s)
		months[cell{c.user, day[:7]}] = months[cell{c.user, day[:7]}].plus(s)
	}
	if err := upsert(ctx, tx, "usage_daily", "day", server, ledger, days, false); err != nil {
		return err
	}
	return upsert(ctx, tx, "usage_monthly", "month", server, ledger, months, false)
}
