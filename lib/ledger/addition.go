package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// rowsAtOnce is how many rows one statement writes: with eight of them a row takes
// half the time that it takes alone, and with many more it takes longer again.
const rowsAtOnce = 8

// An addition adds what users consumed to the rows of a table, or makes them.
type addition struct {
	into string
	// row is what a row is, in the table's order: ?1, ?2 and so on are what all rows
	// share, and four %s each row's own: user, bytes_out, bytes_in and requests.
	row      string
	conflict string // the end of the statement
	shared   []any
}

// run writes the rows, which should come in the order of the table's key: those
// that are neighbours in the file cost least.
func (a addition) run(ctx context.Context, tx *sql.Tx, users iter.Seq2[string, sums]) error {
	many, err := a.prepare(ctx, tx, rowsAtOnce)
	if err != nil {
		return err
	}
	defer many.Close()
	soon := context.WithoutCancel(ctx) // the driver starts a goroutine to watch a context that can end, for each statement
	args := slices.Clone(a.shared)
	for user, s := range users {
		args = append(args, user, s.Out, s.received(), s.Requests)
		if len(args) < len(a.shared)+4*rowsAtOnce {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := many.ExecContext(soon, args...); err != nil {
			return err
		}
		args = args[:len(a.shared)]
	}
	if n := (len(args) - len(a.shared)) / 4; n > 0 {
		_, err = tx.ExecContext(ctx, a.statement(n), args...)
	}
	return err
}

func (a addition) prepare(ctx context.Context, tx *sql.Tx, rows int) (*sql.Stmt, error) {
	return tx.PrepareContext(ctx, a.statement(rows))
}

// statement writes so many rows.
func (a addition) statement(rows int) string {
	var all []string
	for i := range rows {
		var own []any
		for k := range 4 {
			own = append(own, fmt.Sprint("?", len(a.shared)+4*i+k+1))
		}
		all = append(all, fmt.Sprintf(a.row, own...))
	}
	return "INSERT INTO " + a.into + " VALUES " + strings.Join(all, ",") + a.conflict
}

// inOrder is users by name.
func inOrder(users map[string]sums) iter.Seq2[string, sums] {
	return func(yield func(string, sums) bool) {
		for _, name := range slices.Sorted(maps.Keys(users)) {
			if !yield(name, users[name]) {
				return
			}
		}
	}
}
