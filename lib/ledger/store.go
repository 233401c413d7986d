package ledger

import (
	"context"
	"crypto/rand"
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

	"milepost/lib/accesslog"
	"milepost/lib/tail"
)

// schemaVersion is that of the tables below. A newer one is refused.
const schemaVersion = 1

// A user is the bytes that were typed, in a TEXT column all the same, so that a
// person at sqlite3 finds one by writing the name. A bucket is its first second;
// those before ledger.pruned are gone, and their days are left.
const schema = `
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
`

// dsn is the address of the SQLite file at path. Every commit is on the disk
// before it counts; a reader never waits for the writer.
func dsn(path, mode string) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}, "mode": {mode}}
	if mode == "ro" {
		q["_pragma"] = []string{"busy_timeout(5000)", "query_only(1)"}
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
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
	h := Hole{Kind: "set_aside", Path: aside, At: time.Now(), Count: 1, Detail: "the ledger before was damaged"}
	if err := insertHole(ctx, db, c.Server, h); err != nil {
		return nil, errors.Join(explain(c.Path, err), db.Close())
	}
	return db, nil
}

func tryStore(ctx context.Context, c Config) (*sql.DB, error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o750); err != nil {
		return nil, fmt.Errorf("making the directory of ledger %q: %w", c.Path, err)
	}
	db, err := sql.Open("sqlite", dsn(c.Path, "rwc"))
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
	switch {
	case version > schemaVersion:
		return fmt.Errorf("its schema is version %d, and this milepost knows %d: it was written by a newer one, which must go on", version, schemaVersion)
	case version == 0:
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO ledger VALUES (?, ?, 0, 0)", rand.Text(), c.Timezone); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		return tx.Commit()
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return damage(verdict)
	}
	var zone string
	if err := db.QueryRowContext(ctx, "SELECT timezone FROM ledger").Scan(&zone); err != nil {
		return err
	}
	if zone != c.Timezone {
		return fmt.Errorf("its days are those of %s, not of %s: billing.timezone must stay, or name another ledger", zone, c.Timezone)
	}
	return nil
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

// load reads the positions, and what is served from memory.
func (l *Ledger) load(ctx context.Context) ([]tail.Generation, error) {
	l.totals = totals{lines: map[string]int64{}}
	l.users, l.days, l.holes = map[string]sums{}, map[int64]int64{}, map[string]int64{}
	var known []tail.Generation
	server := l.config.Server
	day := time.Now().Add(-24 * time.Hour).Unix()
	for _, q := range []struct {
		sql  string
		args []any
		row  func(*sql.Rows) error
	}{
		{"SELECT revision FROM ledger", nil, func(r *sql.Rows) error { return r.Scan(&l.revision) }},
		{"SELECT id, log, path, device, inode, position, head_len, head, tail_len, tail, state FROM generations", nil, func(r *sql.Rows) error {
			var g tail.Generation
			var head, last []byte
			var device, inode int64
			err := r.Scan(&g.ID, &g.Log, &g.Path, &device, &inode, &g.Offset, &g.Head.Len, &head, &g.Tail.Len, &last, &g.State)
			g.Device, g.Inode = uint64(device), uint64(inode)
			copy(g.Head.Sum[:], head)
			copy(g.Tail.Sum[:], last)
			known = append(known, g)
			return err
		}},
		{"SELECT name, value FROM totals WHERE server = ?", []any{server}, func(r *sql.Rows) error {
			var name string
			var value int64
			err := r.Scan(&name, &value)
			l.totals.set(name, value)
			return err
		}},
		{"SELECT user, bytes_out, bytes_in, requests FROM users WHERE server = ?", []any{server}, func(r *sql.Rows) error {
			var user string
			var s sums
			err := r.Scan(&user, &s.Out, &s.In, &s.Requests)
			l.users[user] = s
			return err
		}},
		{"SELECT bucket, sum(bytes_out) FROM usage WHERE server = ? AND bucket >= ? GROUP BY bucket", []any{server, day}, func(r *sql.Rows) error {
			var bucket, n int64
			err := r.Scan(&bucket, &n)
			l.days[bucket] = n
			return err
		}},
		{"SELECT kind, sum(count) FROM holes WHERE server = ? GROUP BY kind", []any{server}, func(r *sql.Rows) error {
			var kind string
			var n int64
			err := r.Scan(&kind, &n)
			l.holes[kind] = n
			return err
		}},
	} {
		if err := each(ctx, l.db, q.sql, q.args, q.row); err != nil {
			return nil, explain(l.config.Path, err)
		}
	}
	return known, nil
}

func each(ctx context.Context, db *sql.DB, query string, args []any, row func(*sql.Rows) error) error {
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

// set puts a stored total where it belongs.
func (t *totals) set(name string, value int64) {
	switch name {
	case "out":
		t.out = value
		return
	case "in":
		t.in = value
		return
	}
	for _, r := range accesslog.Results {
		if name == "result "+r.String() {
			t.results[r] = value
			return
		}
	}
	if len(name) > len("lines ") {
		t.lines[name[len("lines "):]] = value
	}
}

// each yields every total with its name.
func (t *totals) each(yield func(name string, value int64) error) error {
	if err := errors.Join(yield("out", t.out), yield("in", t.in)); err != nil {
		return err
	}
	for _, r := range accesslog.Results {
		if err := yield("result "+r.String(), t.results[r]); err != nil {
			return err
		}
	}
	for kind, n := range t.lines {
		if err := yield("lines "+kind, n); err != nil {
			return err
		}
	}
	return nil
}
