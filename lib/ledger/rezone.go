package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// rezone makes the days and months those of c.Timezone, if the ledger was kept in
// another zone and still has the buckets that they are sums of.
func rezone(ctx context.Context, db *sql.DB, c Config) error {
	var zone string
	var pruned int64
	if err := db.QueryRowContext(ctx, "SELECT timezone, pruned FROM ledger").Scan(&zone, &pruned); err != nil {
		return err
	}
	if zone == c.Timezone {
		return nil
	}
	if pruned > 0 {
		return fmt.Errorf("%w, or name another ledger", zoneIsKept(zone, c.Timezone, pruned))
	}
	to, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return fmt.Errorf("timezone %q: %w", c.Timezone, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := rollUp(ctx, tx, to); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE ledger SET timezone = $1", c.Timezone); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	c.Notice(fmt.Sprintf("billing: the days and months of ledger %q were those of %s and are now those of %s", c.Path, zone, c.Timezone))
	return nil
}

// zoneIsKept says why days cannot be those of another zone.
func zoneIsKept(zone, to string, pruned int64) error {
	return fmt.Errorf("its days before %s are those of %s, and the quarters of an hour that would tell those of %s are pruned: billing.timezone must stay %s",
		time.Unix(pruned, 0).UTC().Format(time.DateOnly), zone, to, zone)
}

// rollUp makes the days and months anew from the buckets.
func rollUp(ctx context.Context, tx *sql.Tx, zone *time.Location) error {
	var buckets []int64
	err := each(ctx, tx, "SELECT DISTINCT bucket FROM buckets", nil, func(r *sql.Rows) error {
		var b int64
		err := r.Scan(&b)
		buckets = append(buckets, b)
		return err
	})
	if err != nil {
		return err
	}
	const days = `CREATE TEMP TABLE days (bucket INTEGER PRIMARY KEY, day TEXT NOT NULL)`
	if _, err := tx.ExecContext(ctx, days); err != nil {
		return err
	}
	for _, b := range buckets {
		if _, err := tx.ExecContext(ctx, "INSERT INTO days VALUES ($1, $2)", b, dayOf(b, zone)); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `
DELETE FROM usage_daily;
INSERT INTO usage_daily SELECT server, user, day, sum(bytes_out), CASE WHEN count(bytes_in) = count(*) THEN sum(bytes_in) END, sum(requests)
	FROM usage JOIN days USING (bucket) GROUP BY 1, 2, 3;
DELETE FROM usage_monthly;
INSERT INTO usage_monthly SELECT server, user, substr(day, 1, 7), sum(bytes_out), CASE WHEN count(bytes_in) = count(*) THEN sum(bytes_in) END, sum(requests)
	FROM usage_daily GROUP BY 1, 2, 3;
DROP TABLE days;
UPDATE buckets SET revision = (SELECT revision + 1 FROM ledger);
UPDATE usage SET revision = (SELECT revision + 1 FROM ledger);
UPDATE ledger SET revision = revision + 1;`)
	return err
}

// dayOf is the day of a bucket, as the tables spell it.
func dayOf(bucket int64, zone *time.Location) string {
	if bucket == badTime {
		return "1970-01-01"
	}
	return time.Unix(bucket, 0).In(zone).Format(time.DateOnly)
}
