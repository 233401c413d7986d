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
// at path. The sums stay. An exporter that counts into it pauses for a moment.
func Forget(ctx context.Context, path, user string) (pseudonym string, err error) {
	db, err := openWritten(ctx, path)
	if err != nil {
		return "", err
	}
	defer db.Close()
	pseudonym = newPseudonym()
	found, err := rename(ctx, db, accesslog.ParseShown(user), pseudonym, "INSERT INTO forgotten SELECT $1, $2 FROM published LIMIT 1")
	if err != nil {
		return "", explain(path, err)
	}
	if !found {
		return "", fmt.Errorf("ledger %q knows no user %q", path, user)
	}
	return pseudonym, nil
}

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

// rename gives all that was user's to the pseudonym, and does also what takes both
// as its arguments. It is a commit of its own: who counts has to read the ledger again.
func rename(ctx context.Context, db *sql.DB, user, pseudonym string, also ...string) (found bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	for _, move := range []string{
		"INSERT INTO usage SELECT server, $2, bucket, bytes_out, bytes_in, requests, (SELECT revision + 1 FROM ledger) FROM usage WHERE user = $1",
		"INSERT INTO usage_daily SELECT server, $2, day, bytes_out, bytes_in, requests FROM usage_daily WHERE user = $1",
		"INSERT INTO usage_monthly SELECT server, $2, month, bytes_out, bytes_in, requests FROM usage_monthly WHERE user = $1",
		"INSERT INTO users SELECT server, $2, bytes_out, bytes_in, requests, since FROM users WHERE user = $1",
	} {
		if _, err := tx.ExecContext(ctx, move+" AND true"+added, user, pseudonym); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE buckets SET revision = (SELECT revision + 1 FROM ledger)
		WHERE (server, bucket) IN (SELECT server, bucket FROM usage WHERE user = $1)`, user); err != nil {
		return false, err
	}
	for _, table := range []string{"usage", "usage_daily", "usage_monthly", "users"} {
		r, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE user = $1", user)
		if err != nil {
			return false, err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return false, err
		}
		found = found || n > 0
	}
	if !found {
		return false, nil
	}
	for _, statement := range also {
		if _, err := tx.ExecContext(ctx, statement, user, pseudonym); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE ledger SET revision = revision + 1"); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// Forget replaces a user's name by a pseudonym in the fleet's ledger, and has every
// proxy do so in its own the next time it sends.
func (c Central) Forget(ctx context.Context, user string) (pseudonym string, err error) {
	db, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return "", c.explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	hash := hashOf(accesslog.ParseShown(user))
	err = tx.QueryRowContext(ctx, "SELECT pseudonym FROM forgotten WHERE hash = $1", hash).Scan(&pseudonym)
	if errors.Is(err, sql.ErrNoRows) {
		pseudonym = newPseudonym()
		_, err = tx.ExecContext(ctx, "INSERT INTO forgotten (hash, pseudonym, at) VALUES ($1, $2, $3)", hash, pseudonym, time.Now().Unix())
	}
	if err != nil {
		return "", c.explain(err)
	}
	if err := renameCentral(ctx, tx, "", user, pseudonym); err != nil {
		return "", c.explain(err)
	}
	return pseudonym, c.explain(tx.Commit())
}

// renameCentral is rename in the fleet's ledger, where names are as they are shown:
// of one server, or of all if it is "".
func renameCentral(ctx context.Context, tx *sql.Tx, server, user, pseudonym string) error {
	for table, column := range map[string]string{"usage": "bucket", "usage_daily": "day", "usage_monthly": "month"} {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %[1]s (server, ledger, "user", %[2]s, bytes_out, bytes_in, requests)
			SELECT server, ledger, CAST($2 AS TEXT), %[2]s, bytes_out, bytes_in, requests FROM %[1]s WHERE "user" = $1 AND (server = $3 OR CAST($3 AS TEXT) = '')
			ON CONFLICT (server, ledger, %[2]s, "user") DO UPDATE SET bytes_out = %[1]s.bytes_out + excluded.bytes_out,
			bytes_in = %[1]s.bytes_in + excluded.bytes_in, requests = %[1]s.requests + excluded.requests`, table, column), user, pseudonym, server); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+` WHERE "user" = $1 AND (server = $2 OR CAST($2 AS TEXT) = '')`, user, server); err != nil {
			return err
		}
	}
	return nil
}

// forget takes the names that were forgotten in the fleet's ledger out of this one,
// once each: what such a user does later is counted anew. It says so if there were any.
func (p *publisher) forget(ctx context.Context, tx *sql.Tx) (some bool, err error) {
	list := map[string]string{}
	err = each(ctx, tx, "SELECT hash, pseudonym FROM forgotten", nil, func(r *sql.Rows) error {
		var hash, pseudonym string
		err := r.Scan(&hash, &pseudonym)
		if !p.forgotten[hash] {
			list[hash] = pseudonym
		}
		return err
	})
	if err != nil || len(list) == 0 {
		return false, p.central.explain(err)
	}
	known := map[string]string{}
	err = each(ctx, p.local, "SELECT DISTINCT user FROM users", nil, func(r *sql.Rows) error {
		var user string
		err := r.Scan(&user)
		if pseudonym := list[hashOf(user)]; pseudonym != "" {
			known[user] = pseudonym
		}
		return err
	})
	if err != nil {
		return false, explain(p.config.Path, err)
	}
	for user, pseudonym := range known {
		if _, err := rename(ctx, p.local, user, pseudonym); err != nil {
			return false, explain(p.config.Path, err)
		}
		// What was under way when the name was forgotten may have brought it back.
		if err := renameCentral(ctx, tx, p.config.Server, accesslog.Shown(user), pseudonym); err != nil {
			return false, p.central.explain(err)
		}
	}
	for hash := range list {
		p.forgotten[hash] = true
	}
	return len(known) > 0, nil
}

// passOn has the fleet's ledger forget the names that were forgotten here. They
// are still here until that is committed.
func (p *publisher) passOn(ctx context.Context, tx *sql.Tx) error {
	names := map[string]string{}
	err := each(ctx, p.local, "SELECT user, pseudonym FROM forgotten", nil, func(r *sql.Rows) error {
		var user, pseudonym string
		err := r.Scan(&user, &pseudonym)
		names[user] = pseudonym
		return err
	})
	if err != nil {
		return explain(p.config.Path, err)
	}
	for user, pseudonym := range names {
		if err := renameCentral(ctx, tx, p.config.Server, accesslog.Shown(user), pseudonym); err != nil {
			return p.central.explain(err)
		}
	}
	p.passed = names
	return nil
}
