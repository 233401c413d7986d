package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"milepost/lib/sqlitefile"
)

// Check looks whether the ledger at path is whole: SQLite's integrity_check, and
// whether its books balance. It may be written meanwhile. It is nil if all is well.
func Check(ctx context.Context, path string) error {
	db, err := openRead(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return explain(path, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if err := check(ctx, tx, "integrity_check"); err != nil {
		return explain(path, err)
	}
	var faults []error
	for _, b := range []struct{ what, query string }{
		{"days and months of a user differ", `SELECT server, user, '' FROM
			(SELECT server, user, sum(bytes_out) AS days, sum(requests) AS n FROM usage_daily GROUP BY 1, 2) JOIN
			(SELECT server, user, sum(bytes_out) AS months, sum(requests) AS m FROM usage_monthly GROUP BY 1, 2) USING (server, user) WHERE days <> months OR n <> m`},
		{"days and the total of a user differ", `SELECT server, user, '' FROM
			(SELECT server, user, sum(bytes_out) AS days, sum(requests) AS n FROM usage_daily GROUP BY 1, 2) JOIN users USING (server, user) WHERE days <> bytes_out OR n <> requests`},
		{"quarters of an hour and the total differ", `SELECT server, '', '' FROM
			(SELECT server, sum(bytes_out) AS quarters FROM usage GROUP BY 1) JOIN (SELECT server, sum(bytes_out) AS total FROM users GROUP BY 1) USING (server)
			WHERE quarters <> total AND (SELECT pruned FROM ledger) = 0`},
	} {
		err := each(ctx, tx, b.query+" LIMIT 5", nil, func(r *sql.Rows) error {
			var server, user, at string
			err := r.Scan(&server, &user, &at)
			faults = append(faults, damage(strings.TrimSpace(fmt.Sprintf("%s: server %q, user %q %s", b.what, server, user, at))))
			return err
		})
		if err != nil {
			return explain(path, err)
		}
	}
	if len(faults) > 0 {
		return explain(path, errors.Join(faults...))
	}
	return nil
}

// Backup writes a copy of the ledger at path to a file that must not be there. It
// is one moment's, and the ledger may be written meanwhile.
func Backup(ctx context.Context, path, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("backing up ledger %q: %q is there already: name a new file", path, to)
	}
	db, err := openRead(ctx, path) // says what is wrong with it
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return explain(path, err)
	}
	if db, err = sql.Open("sqlite", sqlitefile.Address(path, url.Values{"_pragma": {"busy_timeout(5000)"}, "mode": {"rw"}})); err != nil {
		return explain(path, err)
	}
	defer db.Close()
	if err := sqlitefile.Copy(ctx, db, to); err != nil {
		return explain(path, err)
	}
	return nil
}

// Adopt makes the ledger at path go on as the one with that id in the fleet's
// ledger: this machine took the place of the one that kept it. Of two sums the
// larger stays there, so that nothing is counted twice.
func Adopt(ctx context.Context, path, id string) error {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') }) {
		return fmt.Errorf("adopting %q: it is no ledger's id: copy it from the message that names it", id)
	}
	db, err := openWritten(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := os.WriteFile(path+".id", []byte(id+"\n"), 0o640); err != nil {
		return fmt.Errorf("keeping the ledger's id: %w", err)
	}
	if _, err := db.ExecContext(ctx, "UPDATE ledger SET id = $1", id); err != nil {
		return explain(path, err)
	}
	if _, err := db.ExecContext(ctx, "UPDATE published SET revision = -1, stamp = '', next_stamp = ''"); err != nil {
		return explain(path, err)
	}
	return nil
}
