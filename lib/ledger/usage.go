package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"time"
)

// Usage asks the ledger at path, which may be written meanwhile.
func Usage(ctx context.Context, path string, q Query) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("opening ledger: %w: name one with --ledger, or count logs with --log", err)
	}
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return nil, nil, explain(path, err)
	}
	defer db.Close()
	if err := r.read(ctx, db); err != nil {
		return nil, nil, explain(path, err)
	}
	var holes []Hole
	err = each(ctx, db, "SELECT kind, path, at, begins, ends, count, detail FROM holes ORDER BY at", nil, func(rows *sql.Rows) error {
		var h Hole
		var at int64
		err := rows.Scan(&h.Kind, &h.Path, &at, &h.From, &h.To, &h.Count, &h.Detail)
		h.At = time.Unix(at, 0).UTC()
		if q.covers(h.At) {
			holes = append(holes, h)
		}
		return err
	})
	if err != nil {
		return nil, nil, explain(path, err)
	}
	return r.sorted(), holes, nil
}

// stored are sums as a table holds them.
type stored struct {
	sums
	in sql.NullInt64
}

func (s stored) known() sums {
	s.In, s.Blind = s.in.Int64, !s.in.Valid
	return s.sums
}

// read adds up what the ledger holds: the days whose buckets are gone, and buckets.
func (r *report) read(ctx context.Context, db *sql.DB) error {
	var zone string
	var pruned int64
	if err := db.QueryRowContext(ctx, "SELECT timezone, pruned FROM ledger").Scan(&zone, &pruned); err != nil {
		return err
	}
	if pruned > 0 && r.query.From.Before(time.Unix(pruned, 0)) {
		if err := r.readDays(ctx, db, zone, pruned); err != nil {
			return err
		}
	}
	return each(ctx, db, "SELECT server, user, bucket, bytes_out, bytes_in, requests FROM usage", nil, func(rows *sql.Rows) error {
		var server, user string
		var bucket int64
		var s stored
		err := rows.Scan(&server, &user, &bucket, &s.Out, &s.in, &s.Requests)
		r.add(server, user, bucket, s.known())
		return err
	})
}

// readDays adds the days before pruned. They are those of one zone, and whole.
func (r *report) readDays(ctx context.Context, db *sql.DB, zone string, pruned int64) error {
	z, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	first := time.Unix(pruned, 0).In(z).Format(time.DateOnly)
	whole := func(t time.Time) bool { return t.IsZero() || t.Unix() >= pruned || isMidnight(t.In(z)) }
	if r.query.Zone.String() != zone || slices.Contains(r.query.By, "hour") || !whole(r.query.From) || !whole(r.query.To) {
		return fmt.Errorf("usage before %s is kept as whole days of %s only: ask with --timezone %s, from and to bare days, and without hour; or --from %s", first, zone, zone, first)
	}
	const days = "SELECT server, user, day, bytes_out, bytes_in, requests FROM usage_daily WHERE day >= '2001' AND day < ?" // earlier ones are of bad times
	return each(ctx, db, days, []any{first}, func(rows *sql.Rows) error {
		var server, user, day string
		var s stored
		if err := rows.Scan(&server, &user, &day, &s.Out, &s.in, &s.Requests); err != nil {
			return err
		}
		at, err := time.ParseInLocation(time.DateOnly+" 15", day+" 12", z)
		r.add(server, user, at.Unix(), s.known())
		return err
	})
}
