package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

// dsn is the address of the SQLite file at path.
func dsn(path string, more url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: more.Encode()}).String()
}

// writing is how the ledger is written: every commit is on the disk before it
// counts, and a reader never waits for the writer.
func writing() url.Values {
	return url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, "mode": {"rwc"},
	}
}

// openStore opens the file for writing. A damaged one is set aside.
func openStore(ctx context.Context, c Config) (*sql.DB, error) {
	db, err := tryStore(ctx, c)
	if !damaged(err) {
		return db, err
	}
	aside := fmt.Sprintf("%s.damaged-%s", c.Path, time.Now().UTC().Format("20060102T150405Z"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if rerr := os.Rename(c.Path+suffix, aside+suffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			return nil, fmt.Errorf("setting the damaged ledger %q aside: %w", c.Path, rerr)
		}
	}
	c.Notice(fmt.Sprintf("billing: LEDGER DAMAGED: %q cannot be read (%v); it was kept as %q, and a new ledger counts the logs that are left: what only the old one knew is missing in it", c.Path, err, aside))
	if db, err = tryStore(ctx, c); err != nil {
		return nil, err
	}
	h := Hole{Server: c.Server, Kind: "set_aside", Path: aside, Until: time.Now(), To: -1, Count: 1, Detail: "the ledger before was damaged"}
	if err := insertHole(ctx, db, h, 0); err != nil {
		return nil, errors.Join(explain(c.Path, err), db.Close())
	}
	return db, nil
}

func tryStore(ctx context.Context, c Config) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o750); err != nil {
		return nil, fmt.Errorf("making the directory of ledger %q: %w", c.Path, err)
	}
	db, err := sql.Open("sqlite", dsn(c.Path, writing()))
	if err != nil {
		return nil, explain(c.Path, err)
	}
	db.SetMaxOpenConns(1) // one writer
	if err := prepare(ctx, db, c); err != nil {
		return nil, errors.Join(explain(c.Path, err), db.Close())
	}
	return db, nil
}

// prepare makes the tables, or sees that they are ours and whole.
func prepare(ctx context.Context, db *sql.DB, c Config) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > 0 {
		if err := check(ctx, db, "quick_check(1)"); err != nil {
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
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// explain says what a person can do.
func explain(path string, err error) error {
	hint := ""
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			hint = ": the disk is full: make room; nothing is lost, counting goes on from where it was"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			hint = ": this user may not write it, or its directory: see ls -ld"
		case sqlite3.SQLITE_BUSY:
			hint = ": another process writes it: is another milepost-exporter running?"
		case sqlite3.SQLITE_IOERR:
			hint = ": the disk does not do what it should: see dmesg; nothing is lost, counting goes on from where it was"
		}
	}
	return fmt.Errorf("ledger %q: %w%s", path, err, hint)
}

// renew has the file opened again where err says that it could not be written when it
// was opened: it may be by now.
func renew(db *sql.DB, err error) {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqlite3.SQLITE_READONLY {
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
