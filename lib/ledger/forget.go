package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/sqlitefile"
)

// hashOf finds a name in other ledgers without telling it.
func hashOf(user string) string {
	sum := sha256.Sum256([]byte("milepost forgotten\x00" + user))
	return hex.EncodeToString(sum[:])
}

// newPseudonym is the name that stands for a forgotten user.
func newPseudonym() string { return "forgotten-" + strings.ToLower(rand.Text()[:12]) }

// Forget replaces a user's name, given as it is shown, by a pseudonym in the ledger
// at path, and leaves no trace of it in the file. The sums stay. An exporter that
// counts into it pauses for a moment.
func Forget(ctx context.Context, path, user string) (pseudonym string, err error) {
	db, err := openWritten(ctx, path)
	if err != nil {
		return "", err
	}
	defer db.Close()
	pseudonym = newPseudonym()
	name := accesslog.ParseShown(user)
	at, err := momentAfter(ctx, db, name)
	if err != nil {
		return "", explain(path, err)
	}
	found, err := rename(ctx, db, name, pseudonym, at, true)
	if err != nil {
		return "", explain(path, err)
	}
	if !found {
		return "", fmt.Errorf("ledger %q knows no user %q", path, user)
	}
	if err := scrub(ctx, db); err != nil {
		return "", explain(path, fmt.Errorf("%s is %s now, but free pages of the file may still hold the name: run VACUUM with sqlite3: %w", user, pseudonym, err))
	}
	return pseudonym, nil
}

// momentAfter is a moment after all that the user has done: now, or later by a log whose
// clock is ahead.
func momentAfter(ctx context.Context, db querier, user string) (at int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(bucket), 0) + 1 FROM usage WHERE "user" = $1`, user).Scan(&at)
	return max(at, time.Now().Unix()), err
}

// rename is a renaming in a proxy's own ledger. If the fleet's has to hear of it, that is
// noted, without the name. It is a commit of its own: who counts has to read the ledger again.
func rename(ctx context.Context, db *sql.DB, user, pseudonym string, before int64, note bool) (found bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	r := renaming{user: user, pseudonym: pseudonym, before: before}
	if err := tx.QueryRowContext(ctx, "SELECT timezone, pruned FROM ledger").Scan(&r.zone, &r.pruned); err != nil {
		return false, err
	}
	if found, err = r.run(ctx, tx); err != nil || !found {
		return false, err
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"UPDATE usage SET revision = (SELECT revision + 1 FROM ledger) WHERE user = $1", []any{pseudonym}},
		{`UPDATE buckets SET revision = (SELECT revision + 1 FROM ledger)
			WHERE (server, bucket) IN (SELECT server, bucket FROM usage WHERE user = $1)`, []any{pseudonym}},
		{"INSERT INTO users SELECT server, $2, 0, 0, 0, since FROM users WHERE user = $1 ON CONFLICT DO NOTHING", []any{user, pseudonym}},
		{"UPDATE users SET since = $2 WHERE user = $1", []any{user, before}},
		{`UPDATE users SET (bytes_out, bytes_in, requests) = (SELECT coalesce(sum(bytes_out), 0), coalesce(sum(bytes_in), 0), coalesce(sum(requests), 0)
			FROM usage_daily AS d WHERE d.server = users.server AND d.user = users.user) WHERE user IN ($1, $2)`, []any{user, pseudonym}},
		{"DELETE FROM users WHERE user = $1 AND requests = 0", []any{user}},
		{"UPDATE ledger SET revision = revision + 1, renames = renames + 1", nil},
	} {
		if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
			return false, err
		}
	}
	if note {
		if _, err := tx.ExecContext(ctx, "INSERT INTO forgotten SELECT $1, $2, $3 FROM published LIMIT 1", hashOf(user), pseudonym, before); err != nil {
			return false, err
		}
	}
	return true, tx.Commit()
}

// scrub makes the file anew without what was deleted from it, which SQLite leaves in
// free pages and in the write-ahead log. Whoever reads meanwhile holds the log.
func scrub(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "VACUUM"); err != nil {
		return err
	}
	for end := time.Now().Add(scrubbing); ; sleep(ctx, 100*time.Millisecond) {
		var busy, pages, moved int64
		if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
			return err
		}
		if busy == 0 {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("another process reads it all the while")
		}
	}
}

// scrubbing is for how long readers are waited for.
const scrubbing = 20 * time.Second

// openWritten opens a ledger that is there, to be changed.
func openWritten(ctx context.Context, path string) (*sql.DB, error) {
	db, err := openRead(ctx, path) // says what is wrong with it
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, explain(path, err)
	}
	if db, err = sql.Open("sqlite", sqlitefile.Address(path, writing())); err != nil {
		return nil, explain(path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}
