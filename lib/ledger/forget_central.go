package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"milepost/lib/accesslog"
)

// A note says that a user was forgotten, without the name.
type note struct {
	hash, pseudonym string
	at              int64 // what was done before it; seconds
}

func notes(ctx context.Context, db querier, query string, args ...any) ([]note, error) {
	var all []note
	err := each(ctx, db, query, args, func(r *sql.Rows) error {
		var n note
		err := r.Scan(&n.hash, &n.pseudonym, &n.at)
		all = append(all, n)
		return err
	})
	slices.SortFunc(all, func(a, b note) int { return cmp.Compare(a.at, b.at) }) // the later one has what the earlier left
	return all, err
}

// noted is how a note is written in the fleet's ledger; a server of "" is all of them.
const noted = `INSERT INTO forgotten (server, hash, pseudonym, at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (server, hash, pseudonym) DO UPDATE SET at = excluded.at`

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
	at, err := momentAfter(ctx, tx, user)
	if err != nil {
		return "", c.explain(err)
	}
	hash := hashOf(accesslog.ParseShown(user))
	err = tx.QueryRowContext(ctx, "SELECT pseudonym FROM forgotten WHERE server = '' AND hash = $1", hash).Scan(&pseudonym)
	if errors.Is(err, sql.ErrNoRows) {
		pseudonym, err = newPseudonym(), nil
	}
	if err != nil {
		return "", c.explain(err)
	}
	if _, err := tx.ExecContext(ctx, noted, "", hash, pseudonym, at); err != nil {
		return "", c.explain(err)
	}
	var all []renaming
	err = each(ctx, tx, `SELECT server, timezone, pruned FROM ledgers WHERE server IN (SELECT server FROM usage_daily WHERE "user" = $1)`, []any{user}, func(rows *sql.Rows) error {
		r := renaming{user: user, pseudonym: pseudonym, before: at}
		err := rows.Scan(&r.server, &r.zone, &r.pruned)
		all = append(all, r)
		return err
	})
	if err != nil {
		return "", c.explain(err)
	}
	for _, r := range all {
		if _, err := r.run(ctx, tx); err != nil {
			return "", c.explain(err)
		}
	}
	return pseudonym, c.explain(tx.Commit())
}

// renameThere is a renaming of this server in the fleet's ledger, where names are as
// they are shown.
func (p *publisher) renameThere(ctx context.Context, tx *sql.Tx, s state, user string, n note) error {
	r := renaming{user: user, pseudonym: n.pseudonym, before: n.at, zone: s.timezone, pruned: s.pruned, server: p.config.Server}
	_, err := r.run(ctx, tx)
	return p.central.explain(err)
}

// forget takes the names that were forgotten in the fleet's ledger out of this one, also
// where it was made anew or restored since. It says so if there were any.
func (p *publisher) forget(ctx context.Context, tx *sql.Tx, s state) (some bool, err error) {
	list, err := notes(ctx, tx, "SELECT hash, pseudonym, at FROM forgotten WHERE server = '' OR server = $1", p.config.Server)
	if err != nil {
		return false, p.central.explain(err)
	}
	list = slices.DeleteFunc(list, func(n note) bool { return p.forgotten[n] })
	if len(list) == 0 {
		return false, nil
	}
	known := map[string]string{}
	err = each(ctx, p.local, "SELECT DISTINCT user FROM users", nil, func(r *sql.Rows) error {
		var user string
		err := r.Scan(&user)
		known[hashOf(user)] = user
		return err
	})
	if err != nil {
		return false, explain(p.config.Path, err)
	}
	for _, n := range list {
		user, is := known[n.hash]
		if !is {
			continue
		}
		found, err := rename(ctx, p.local, user, n.pseudonym, n.at, false)
		if err != nil {
			return false, explain(p.config.Path, err)
		}
		some = some || found
		// What was under way when the name was forgotten may have brought it back.
		if err := p.renameThere(ctx, tx, s, accesslog.Shown(user), n); err != nil {
			return false, err
		}
	}
	for _, n := range list {
		p.forgotten[n] = true
	}
	return some, nil
}

// passOn has the fleet's ledger forget the names that were forgotten here, and remember
// that it did: this ledger may be made anew from logs that have them.
func (p *publisher) passOn(ctx context.Context, tx *sql.Tx, s state) error {
	all, err := notes(ctx, p.local, "SELECT hash, pseudonym, at FROM forgotten")
	if err != nil {
		return explain(p.config.Path, err)
	}
	p.passed = all
	if len(all) == 0 {
		return nil
	}
	names := map[string]string{}
	err = each(ctx, tx, `SELECT DISTINCT "user" FROM usage_daily WHERE server = $1`, []any{p.config.Server}, func(r *sql.Rows) error {
		var user string
		err := r.Scan(&user)
		names[hashOf(accesslog.ParseShown(user))] = user
		return err
	})
	if err != nil {
		return p.central.explain(err)
	}
	for _, n := range all {
		if user, is := names[n.hash]; is {
			if err := p.renameThere(ctx, tx, s, user, n); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, noted, p.config.Server, n.hash, n.pseudonym, n.at); err != nil {
			return p.central.explain(err)
		}
		p.forgotten[n] = true // it was forgotten here
	}
	return nil
}

// wasPassedOn strikes out what the fleet's ledger has forgotten.
func (p *publisher) wasPassedOn(ctx context.Context) error {
	for _, n := range p.passed {
		if _, err := p.local.ExecContext(ctx, "DELETE FROM forgotten WHERE hash = $1 AND pseudonym = $2", n.hash, n.pseudonym); err != nil {
			return explain(p.config.Path, err)
		}
	}
	return nil
}

// scrub is what a name that was forgotten needs here; it is done when all else is.
func (p *publisher) scrub(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := scrub(ctx, p.local); err != nil {
		p.config.Notice(fmt.Sprintf("billing: a user was forgotten, but free pages of ledger %q may still hold the name: %v", p.config.Path, err))
	}
}
