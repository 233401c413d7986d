package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"milepost/lib/sqlitefile"
)

// writing is how the ledger is written: every commit is on the disk before it
// counts, and a reader never waits for the writer.
func writing() url.Values {
	return url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, "mode": {"rwc"},
	}
}

// openStore opens the file for writing. A damaged one is set aside. damages is how often
// that was found of it while it was written: SQLite's own check has to agree the first time.
func openStore(ctx context.Context, c Config, damages int) (*sql.DB, error) {
	db, err := tryStore(ctx, c, damages)
	if !damaged(err) {
		return db, err
	}
	aside, rerr := sqlitefile.SetAside(c.Path)
	if rerr != nil {
		return nil, fmt.Errorf("ledger: %w", rerr)
	}
	c.Notice(fmt.Sprintf("billing: LEDGER DAMAGED: %q cannot be read (%v); it was kept as %q, and a new ledger counts the logs that are left: what only the old one knew is missing in it", c.Path, err, aside))
	if db, err = tryStore(ctx, c, 0); err != nil {
		return nil, err
	}
	h := Hole{Server: c.Server, Kind: "set_aside", Path: aside, Until: time.Now(), To: -1, Count: 1, Detail: "the ledger before was damaged"}
	if err := insertHole(ctx, db, h, 0); err != nil {
		return nil, errors.Join(explain(c.Path, err), db.Close())
	}
	return db, nil
}

func tryStore(ctx context.Context, c Config, damages int) (*sql.DB, error) {
	if err := sqlitefile.Make(c.Path, func(text string) { c.Notice("billing: " + text) }); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	db, err := sql.Open("sqlite", sqlitefile.Address(c.Path, writing()))
	if err != nil {
		return nil, explain(c.Path, err)
	}
	db.SetMaxOpenConns(1) // one writer
	if err := prepare(ctx, db, c, damages); err != nil {
		return nil, errors.Join(explain(c.Path, err), db.Close())
	}
	return db, nil
}

// prepare makes the tables, or sees that they are ours and whole.
func prepare(ctx context.Context, db *sql.DB, c Config, damages int) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	thorough := "quick_check(1)"
	switch {
	case damages == 1:
		thorough = "integrity_check"
	case damages > 1:
		return damage("what is written to it finds it damaged again and again")
	}
	if version > 0 {
		if err := check(ctx, db, thorough); err != nil {
			return err
		}
	}
	if err := upgrade(ctx, db, c, version); err != nil {
		return err
	}
	return rezone(ctx, db, c)
}

// check is SQLite's own: quick_check or integrity_check.
func check(ctx context.Context, db querier, pragma string) error {
	var faults []error
	err := each(ctx, db, "PRAGMA "+pragma, nil, func(r *sql.Rows) error {
		var verdict string
		err := r.Scan(&verdict)
		if verdict != "ok" && len(faults) < 20 {
			faults = append(faults, damage(verdict))
		}
		return err
	})
	return errors.Join(append(faults, err)...)
}

// damage is what SQLite's own check found.
type damage string

// Error is what it found.
func (d damage) Error() string { return string(d) }

// damaged says that err is about the file's content.
func damaged(err error) bool {
	if _, ok := errors.AsType[damage](err); ok {
		return true
	}
	return sqlitefile.Damaged(err)
}

// explain says what a person can do.
func explain(path string, err error) error {
	return sqlitefile.Explain("ledger", path, err, "nothing is lost, counting goes on from where it was")
}

// renew has the file opened again where err says that it could not be written when it
// was opened: it may be by now.
func renew(db *sql.DB, err error) {
	if sqlitefile.ReadOnly(err) {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(1)
	}
}

// A querier is a database or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func each(ctx context.Context, db querier, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
