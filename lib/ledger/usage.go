package ledger

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

// Usage asks the ledger at path, which may be written meanwhile: the answer is
// one moment's.
func Usage(ctx context.Context, path string, q Query) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	db, err := openRead(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, explain(path, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	var zone string
	var pruned int64
	if err := tx.QueryRowContext(ctx, "SELECT timezone, pruned FROM ledger").Scan(&zone, &pruned); err != nil {
		return nil, nil, explain(path, err)
	}
	plan, err := r.query.plan(zone, pruned)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range plan {
		text, args := s.sql(r.query, "1 = 1")
		if err := r.read(ctx, tx, s, text, args, asIs); err != nil {
			return nil, nil, explain(path, err)
		}
	}
	holes, err := readHoles(ctx, tx, r.query)
	if err != nil {
		return nil, nil, explain(path, err)
	}
	var logs int
	if err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM generations) + (SELECT count(*) FROM totals)").Scan(&logs); err != nil {
		return nil, nil, explain(path, err)
	}
	if h := neverRead(); logs == 0 && len(holes) == 0 && r.query.touches(h) {
		holes = append(holes, h)
	}
	return r.sorted(), holes, nil
}

// noLog is the kind of the hole that neverRead is.
const noLog = "no_log"

// neverRead is the hole of a ledger that never read a log: nothing is not 0 bytes. It is
// no row, and ends when there is a log.
func neverRead() Hole {
	return Hole{
		Kind: noLog, Until: time.Now().UTC().Truncate(time.Second), To: -1, Count: 1,
	}
}

func asIs(user string) string { return user }

// read adds a stretch up. key is the key of a user as the table spells it.
func (r *report) read(ctx context.Context, db querier, s stretch, text string, args []any, key func(string) string) error {
	return each(ctx, db, text, args, func(rows *sql.Rows) error {
		var server, user, at string
		var one sums
		var in sql.NullInt64
		var blind int64
		if err := rows.Scan(&server, &user, &at, &one.Out, &in, &blind, &one.Requests); err != nil {
			return err
		}
		one.In, one.Blind = in.Int64, blind > 0
		w, err := s.when(at, r.query.Zone)
		r.put(server, key(user), w, one)
		return err
	})
}

// when is that of a row of the stretch.
func (s stretch) when(at string, zone *time.Location) (when, error) {
	switch {
	case at == "":
		return when{}, nil
	case s.column == "bucket":
		bucket, err := strconv.ParseInt(at, 10, 64)
		return whenIn(bucket, zone), err
	default:
		return when{day: at, month: at[:min(len(at), len("2006-01"))]}, nil
	}
}

// readHoles is the holes that may have lost something of what is asked.
func readHoles(ctx context.Context, db querier, q Query) ([]Hole, error) {
	var holes []Hole
	const text = "SELECT server, kind, path, detail, begins, ends, at, until, count FROM holes WHERE count > 0 ORDER BY until, at, server, kind, path, begins"
	err := each(ctx, db, text, nil, func(rows *sql.Rows) error {
		var h Hole
		var at, until int64
		err := rows.Scan(&h.Server, &h.Kind, &h.Path, &h.Detail, &h.From, &h.To, &at, &until, &h.Count)
		if at > 0 {
			h.At = time.Unix(at, 0).UTC()
		}
		h.Until = time.Unix(until, 0).UTC()
		if q.touches(h) {
			holes = append(holes, h)
		}
		return err
	})
	return holes, err
}
