package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"milepost/lib/sqlitefile"
)

// schemaVersion is that of the tables below. A newer one is refused.
const schemaVersion = 2

// Times are Unix seconds. The newest minutes are rows, written in the order of
// time and so side by side; what can no longer change is packed into blocks of
// one host each. states is the seconds of kept, a byte each, the first the lowest.
const schema = `
CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE minute (
	at INTEGER NOT NULL, host INTEGER NOT NULL, states INTEGER, latency INTEGER, pings BLOB,
	PRIMARY KEY (at, host)) WITHOUT ROWID;
CREATE TABLE block (
	tier INTEGER NOT NULL, start INTEGER NOT NULL, host INTEGER NOT NULL, records BLOB NOT NULL,
	PRIMARY KEY (tier, start, host)) WITHOUT ROWID;
CREATE TABLE transition (
	id INTEGER PRIMARY KEY, host INTEGER NOT NULL, since INTEGER NOT NULL, told INTEGER NOT NULL,
	was TEXT NOT NULL, became TEXT NOT NULL, reason TEXT NOT NULL, fault TEXT NOT NULL, text TEXT NOT NULL,
	others TEXT NOT NULL DEFAULT '');
CREATE INDEX transition_host ON transition (host, id);
`

// toSecond makes a file of the first version one of the second.
const toSecond = "BEGIN IMMEDIATE; ALTER TABLE transition ADD COLUMN others TEXT NOT NULL DEFAULT ''; PRAGMA user_version = 2; COMMIT"

// open opens the file as it is. A crash of the machine may lose the last minutes,
// never the file: they are unknown then, which is true.
func open(ctx context.Context, path string, notice func(string)) (*sql.DB, error) {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "auto_vacuum(2)", "cache_size(-1000)", "journal_mode(WAL)", "synchronous(NORMAL)"}, "mode": {"rwc"}}
	if err := sqlitefile.Make(path, notice); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	db, err := sql.Open("sqlite", sqlitefile.Address(path, q))
	if err != nil {
		return nil, explain(path, err)
	}
	db.SetMaxOpenConns(2) // one that writes, and one that reads what was written
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	return db, nil
}

// prepare makes the tables, or sees that they are ours and whole.
func prepare(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return fmt.Errorf("its schema is version %d, and this milepost knows %d: it was written by a newer one, which must go on, or be moved away", version, schemaVersion)
	case version == 1:
		if _, err := db.ExecContext(ctx, toSecond); err != nil {
			return err
		}
	case version == 0:
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
		if _, err := tx.ExecContext(ctx, schema+learntSchema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		return tx.Commit()
	}
	if _, err := db.ExecContext(ctx, learntSchema); err != nil {
		return err
	}
	// A page that is broken further down shows itself when it is read; this one is
	// quick at any size.
	var tables int
	return db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema, (SELECT 1 FROM host LIMIT 1)").Scan(&tables)
}

// damaged says that err is about the file's content.
func damaged(err error) bool { return sqlitefile.Damaged(err) }

// explain says what a person can do.
func explain(path string, err error) error {
	return sqlitefile.Explain("history", path, err, "the status goes on, and so will its history")
}
