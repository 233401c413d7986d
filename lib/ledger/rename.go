package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A renaming gives what a user did before a moment to a pseudonym: what is done later
// is under the name again, and the same renaming, be it of a ledger that was made anew
// from the logs, comes to the same sums. It is of a proxy's own ledger, or of a server
// in the fleet's.
type renaming struct {
	user, pseudonym string // as the tables have them
	before          int64  // the buckets that begin before it, in seconds
	zone            string // of the days
	pruned          int64  // there are no buckets before it
	server          string // "" = all
}

// run does it, and says whether there was anything.
func (r renaming) run(ctx context.Context, db querier) (found bool, err error) {
	zone, err := time.LoadLocation(r.zone)
	if err != nil {
		return false, fmt.Errorf("timezone %q: %w", r.zone, err)
	}
	y, m, d := time.Unix(r.before, 0).In(zone).Date()
	today, tomorrow := midnight(y, m, d, zone), midnight(y, m, d+1, zone)
	day, whole := dayOf(today.Unix(), zone), today.Unix() >= r.pruned
	days := day
	if !whole { // nothing tells its parts: it goes with the days before
		days = dayOf(tomorrow.Unix(), zone)
	}
	for _, part := range []struct {
		table, column string
		before        any
	}{{"usage", "bucket", r.before}, {"usage_daily", "day", days}, {"usage_monthly", "month", day[:7]}} {
		some, err := r.move(ctx, db, part.table, part.column, part.before)
		if err != nil {
			return false, err
		}
		found = found || some
	}
	if !found {
		return false, nil
	}
	if whole {
		if err := r.addUp(ctx, db, "usage_daily", "day", day, "usage", "bucket", today.Unix(), tomorrow.Unix()); err != nil {
			return false, err
		}
	}
	return true, r.addUp(ctx, db, "usage_monthly", "month", day[:7], "usage_daily", "day", day[:7]+"-00", day[:7]+"-99")
}

// keys are what is before the user in the keys of the tables.
func (r renaming) keys() string {
	if r.server == "" {
		return "server"
	}
	return "server, ledger"
}

// of is the condition that a row is of the server, the nth argument.
func (r renaming) of(n int) string {
	if r.server == "" {
		return fmt.Sprintf("$%d = ''", n)
	}
	return fmt.Sprintf("server = $%d", n)
}

// move gives the rows before a bucket, day or month to the pseudonym.
func (r renaming) move(ctx context.Context, db querier, table, column string, before any) (some bool, err error) {
	insert := strings.NewReplacer("TABLE", table, "COLUMN", column, "KEYS", r.keys(), "SERVER", r.of(4)).Replace(
		`INSERT INTO TABLE (KEYS, "user", COLUMN, bytes_out, bytes_in, requests)
		SELECT KEYS, CAST($2 AS TEXT), COLUMN, bytes_out, bytes_in, requests FROM TABLE WHERE "user" = $1 AND COLUMN < $3 AND SERVER
		ON CONFLICT (KEYS, COLUMN, "user") DO UPDATE SET bytes_out = TABLE.bytes_out + excluded.bytes_out,
		bytes_in = TABLE.bytes_in + excluded.bytes_in, requests = TABLE.requests + excluded.requests`)
	if _, err := db.ExecContext(ctx, insert, r.user, r.pseudonym, before, r.server); err != nil {
		return false, err
	}
	gone, err := db.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE "user" = $1 AND %s < $2 AND %s`, table, column, r.of(3)), r.user, before, r.server)
	if err != nil {
		return false, err
	}
	n, err := gone.RowsAffected()
	return n > 0, err
}

// addUp makes a day or month of both anew, of the rows of another table that are part of it.
func (r renaming) addUp(ctx context.Context, db querier, table, column, name, of, by string, from, to any) error {
	if _, err := db.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE "user" IN ($1, $2) AND %s = $3 AND %s`, table, column, r.of(4)),
		r.user, r.pseudonym, name, r.server); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %[1]s (%[2]s, "user", %[3]s, bytes_out, bytes_in, requests)
		SELECT %[2]s, "user", CAST($3 AS TEXT), CAST(sum(bytes_out) AS BIGINT), CASE WHEN count(bytes_in) = count(*) THEN CAST(sum(bytes_in) AS BIGINT) END,
		CAST(sum(requests) AS BIGINT) FROM %[4]s WHERE "user" IN ($1, $2) AND %[5]s >= $4 AND %[5]s < $5 AND %[6]s GROUP BY %[2]s, "user"`,
		table, r.keys(), column, of, by, r.of(6)), r.user, r.pseudonym, name, from, to, r.server)
	return err
}
