package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"milepost/lib/sqlitefile"
)

// schemaVersion is that of the tables: how many of the upgrades were made.
const schemaVersion = 4

// upgrades makes the tables. Each brings a ledger of the version before to its own;
// a new ledger goes through all of them. What was released is never changed.
//
// A user is the bytes that were typed, in a TEXT column all the same, so that a
// person at sqlite3 finds one by writing the name. A bucket is its first second;
// those before ledger.pruned are gone, and their days are left.
func upgrades() []string {
	return []string{`
CREATE TABLE ledger (id TEXT NOT NULL, timezone TEXT NOT NULL, revision INTEGER NOT NULL, pruned INTEGER NOT NULL);
CREATE TABLE usage (
	server TEXT NOT NULL, user TEXT NOT NULL, bucket INTEGER NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER, requests INTEGER NOT NULL,
	PRIMARY KEY (server, bucket, user)) WITHOUT ROWID;
CREATE TABLE usage_daily (
	server TEXT NOT NULL, user TEXT NOT NULL, day TEXT NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER, requests INTEGER NOT NULL,
	PRIMARY KEY (server, day, user)) WITHOUT ROWID;
CREATE TABLE users (
	server TEXT NOT NULL, user TEXT NOT NULL, bytes_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, requests INTEGER NOT NULL,
	PRIMARY KEY (server, user)) WITHOUT ROWID;
CREATE TABLE totals (server TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (server, name)) WITHOUT ROWID;
CREATE TABLE generations (
	id INTEGER PRIMARY KEY, log TEXT NOT NULL, path TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
	position INTEGER NOT NULL, head_len INTEGER NOT NULL, head BLOB NOT NULL, tail_len INTEGER NOT NULL, tail BLOB NOT NULL,
	state TEXT NOT NULL);
CREATE TABLE holes (
	server TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL,
	begins INTEGER NOT NULL, ends INTEGER NOT NULL, count INTEGER NOT NULL, detail TEXT NOT NULL);
`, `
ALTER TABLE ledger ADD COLUMN committed INTEGER NOT NULL DEFAULT 0; -- milliseconds since the epoch
ALTER TABLE users ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- when the user was first counted
ALTER TABLE generations ADD COLUMN first INTEGER NOT NULL DEFAULT 0; -- milliseconds: its lines' times
ALTER TABLE generations ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
CREATE TABLE usage_monthly (
	server TEXT NOT NULL, user TEXT NOT NULL, month TEXT NOT NULL,
	bytes_out INTEGER NOT NULL, bytes_in INTEGER, requests INTEGER NOT NULL,
	PRIMARY KEY (user, month, server)) WITHOUT ROWID; -- a year's report is by user
INSERT INTO usage_monthly SELECT server, user, substr(day, 1, 7), sum(bytes_out),
	CASE WHEN count(bytes_in) = count(*) THEN sum(bytes_in) END, sum(requests) FROM usage_daily GROUP BY 1, 2, 3;
-- What is to be published: the rows, and the buckets that hold them, of later revisions than were sent.
ALTER TABLE usage ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
CREATE TABLE buckets (server TEXT NOT NULL, bucket INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (server, bucket)) WITHOUT ROWID;
CREATE INDEX buckets_by_revision ON buckets (revision);
INSERT INTO buckets SELECT DISTINCT server, bucket, 0 FROM usage;
CREATE TABLE published (target TEXT PRIMARY KEY, revision INTEGER NOT NULL, stamp TEXT NOT NULL, next_stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sequences (log TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE holes RENAME TO holes_1;
CREATE TABLE holes (
	server TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, detail TEXT NOT NULL,
	begins INTEGER NOT NULL, quarter INTEGER NOT NULL, -- of at, so that the same hole found again is one row
	ends INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, count INTEGER NOT NULL, revision INTEGER NOT NULL,
	PRIMARY KEY (server, kind, path, detail, begins, quarter)) WITHOUT ROWID;
INSERT INTO holes SELECT server, kind, path, detail, begins, at / 900, max(ends), min(at), max(at), sum(count), 0
	FROM holes_1 GROUP BY server, kind, path, detail, begins, at / 900;
DROP TABLE holes_1;
INSERT INTO totals SELECT server, 'holes ' || kind, sum(count) FROM holes GROUP BY server, kind;
`, `
-- Names that the fleet's ledger has to forget yet: until then they stand here.
CREATE TABLE forgotten (user TEXT PRIMARY KEY, pseudonym TEXT NOT NULL) WITHOUT ROWID;
`, `
ALTER TABLE ledger ADD COLUMN renames INTEGER NOT NULL DEFAULT 0; -- how many revisions did nothing but forget a name
-- That a name was forgotten, for the fleet's ledger: not the name itself.
DROP TABLE forgotten;
CREATE TABLE forgotten (hash TEXT NOT NULL, pseudonym TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (hash, pseudonym)) WITHOUT ROWID;
`}
}

// upgrade brings the tables up to date in one transaction. A copy of a ledger of
// an older version is kept beside it.
func upgrade(ctx context.Context, db *sql.DB, c Config, version int) error {
	switch {
	case version > schemaVersion:
		return newerSchema(version)
	case version == schemaVersion:
		return nil
	case version == 0:
		return remake(ctx, db, c, version)
	}
	c.Notice(fmt.Sprintf("billing: ledger %q is being upgraded from schema %d to %d: one of many gigabytes takes minutes, in which nothing is counted, and nothing lost", c.Path, version, schemaVersion))
	kept := fmt.Sprintf("%s.v%d-%s", c.Path, version, time.Now().UTC().Format("20060102T150405Z"))
	if err := sqlitefile.Copy(ctx, db, kept); err != nil {
		return fmt.Errorf("keeping a copy as %q before the upgrade: %w", kept, err)
	}
	if err := remake(ctx, db, c, version); err != nil {
		return errors.Join(err, os.Remove(kept)) // the ledger is what it was, and each try would leave another
	}
	c.Notice(fmt.Sprintf("billing: ledger %q was upgraded from schema %d to %d; what it was is kept as %q", c.Path, version, schemaVersion, kept))
	return nil
}

// remake makes the tables of this version of those of an older one.
func remake(ctx context.Context, db *sql.DB, c Config, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	for _, statements := range upgrades()[version:] {
		if _, err := tx.ExecContext(ctx, statements); err != nil {
			return err
		}
	}
	if version == 0 {
		id, err := identity(c.Path)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO ledger VALUES (?, ?, 0, 0, 0, 0)", id, c.Timezone); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

func newerSchema(version int) error {
	return fmt.Errorf("its schema is version %d, and this milepost knows %d: it was written by a newer one, which must go on", version, schemaVersion)
}

// identity is the ledger's id. It is kept beside the file too: a ledger that has to
// be made anew from the logs that are left then stays the same ledger to the
// fleet's, which takes the larger of two sums and so counts nothing twice.
func identity(path string) (string, error) {
	path += ".id"
	b, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(b)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the ledger's id: %w", err)
	}
	id := rand.Text()
	if err := os.WriteFile(path, []byte(id+"\n"), 0o640); err != nil {
		return "", fmt.Errorf("keeping the ledger's id: %w", err)
	}
	return id, nil
}
