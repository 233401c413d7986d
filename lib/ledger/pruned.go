package ledger

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"milepost/lib/accesslog"
)

// hasPruned says that the fleet's ledger has no such bucket any more (prune.sql):
// that it is not there does not say that it was never sent.
func (s state) hasPruned(bucket int64) bool { return bucket > 0 && bucket < s.pruned }

// prunedDays is how much more is here than in the fleet's ledger of the days of those
// buckets that it has pruned: days stay for ever, and of two sums of a day the larger
// does. A day that was pruned only in part tells nothing.
func (p *publisher) prunedDays(ctx context.Context, tx, local *sql.Tx, s state, buckets []int64, zone *time.Location) (map[cell]sums, error) {
	var days []string
	for _, b := range buckets {
		if day := dayOf(b, zone); s.hasPruned(b) && day < dayOf(s.pruned, zone) && !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	if len(days) == 0 {
		return map[cell]sums{}, nil
	}
	// Days are digits and dashes: nothing in them needs quoting.
	query := `SELECT "user", day, bytes_out, bytes_in, requests FROM usage_daily WHERE day IN ('` + strings.Join(days, "', '") + `') AND server = $1`
	here, err := cells[string](ctx, local, query, accesslog.Shown, p.config.Server)
	if err != nil {
		return nil, explain(p.config.Path, err)
	}
	there, err := cells[string](ctx, tx, query+" AND ledger = $2", asIs, p.config.Server, s.id)
	if err != nil {
		return nil, p.central.explain(err)
	}
	_, more := gain(here, there)
	return more, nil
}
