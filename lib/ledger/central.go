package ledger

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"milepost/lib/accesslog"
	"milepost/lib/secret"
)

//go:embed central.sql
var centralSchema string

// CentralSchema is the SQL that makes the tables of the fleet's ledger.
func CentralSchema() string { return centralSchema }

// A Central is the fleet's ledger: a PostgreSQL, or what speaks its protocol.
type Central struct {
	URL      string       // postgres://user@host/database, without a password
	Password secret.Value // none = what PGPASSFILE says

	tracer pgx.QueryTracer // for tests: hears what is asked
}

// IsCentral says that a ledger's name is a URL and not a path.
func IsCentral(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// open connects, and sees that the tables are there; it makes them where it may.
func (c Central) open(ctx context.Context) (*sql.DB, error) {
	if secret.InURL(c.URL) {
		return nil, fmt.Errorf("the URL of the fleet's ledger %q carries a password: put it into publish_password_file or PGPASSFILE", c.target())
	}
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the URL of the fleet's ledger: %w", err)
	}
	if !c.Password.IsZero() {
		config.Password = c.Password.Reveal()
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	config.Tracer = c.tracer
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a pooler may stand between
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(2)
	if err := c.prepare(ctx, db); err != nil {
		return nil, errors.Join(c.explain(err), db.Close())
	}
	return db, nil
}

// prepare makes the tables, if they are not there and this role may.
func (c Central) prepare(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM ledgers WHERE server = ''").Scan(&n)
	if err == nil || sqlState(err) != undefinedTable {
		return err
	}
	for statement := range strings.SplitSeq(centralSchema, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("making the tables: %w: let its owner run contrib/postgresql/schema.sql", err)
		}
	}
	return nil
}

// undefinedTable is PostgreSQL's code for a table that is not there (appendix A of
// its manual).
const undefinedTable = "42P01"

func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// target tells the fleet's ledgers apart that a proxy's own may have been sent to.
// Another user is the same one. It holds no secret: a URL that cannot be read has none.
func (c Central) target() string {
	if u, err := url.Parse(c.URL); err == nil {
		return u.Host + u.Path
	}
	return "?"
}

// explain says where, and never the password.
func (c Central) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the fleet's ledger %q: %s", c.target(), c.Password.Redact(inOneLine(err)))
}

// inOneLine is err without what pgx tells several times: it tries each address of a
// host, and each with TLS and without.
func inOneLine(err error) string {
	failed, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return err.Error()
	}
	lines := strings.Split(strings.ReplaceAll(failed.Unwrap().Error(), " dial error:", ""), "\n")
	slices.Sort(lines)
	return fmt.Sprintf("connecting as %q: %s", failed.Config.User, strings.Join(slices.Compact(lines), "; "))
}

// Usage asks the fleet's ledger.
func (c Central) Usage(ctx context.Context, q Query) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	db, err := c.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, nil, c.explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	type kept struct {
		zone   string
		pruned int64
	}
	var zones []kept
	err = each(ctx, tx, "SELECT DISTINCT timezone, pruned FROM ledgers", nil, func(rows *sql.Rows) error {
		var k kept
		err := rows.Scan(&k.zone, &k.pruned)
		zones = append(zones, k)
		return err
	})
	if err != nil {
		return nil, nil, c.explain(err)
	}
	for _, k := range zones {
		plan, err := r.query.plan(k.zone, k.pruned)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range plan {
			text, args := s.sql(r.query, "server IN (SELECT server FROM ledgers WHERE timezone = $1 AND pruned = $2)", k.zone, k.pruned)
			if err := r.read(ctx, tx, s, text, args, accesslog.ParseShown); err != nil {
				return nil, nil, c.explain(err)
			}
		}
	}
	holes, err := readHoles(ctx, tx, r.query)
	return r.sorted(), holes, c.explain(err)
}
