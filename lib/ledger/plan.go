package ledger

import (
	"fmt"
	"strings"
	"time"
)

// A stretch is a part of one table: buckets, days or months.
type stretch struct {
	table, column string
	from, to      any // the first that belongs to it, and the first that does not; nil = open
}

func buckets(from, to time.Time) stretch {
	s := stretch{table: "usage", column: "bucket", from: int64(1)} // 0 is no time
	if !from.IsZero() {
		s.from = from.Unix()
	}
	if !to.IsZero() {
		s.to = to.Unix()
	}
	return s
}

// days are those before to; earlier ones than 2001 are of bad times.
func days(from, to time.Time) stretch {
	return named("usage_daily", "day", time.DateOnly, from, to)
}

func months(from, to time.Time) stretch {
	return named("usage_monthly", "month", "2006-01", from, to)
}

func named(table, column, layout string, from, to time.Time) stretch {
	s := stretch{table: table, column: column, from: "2001"}
	if !from.IsZero() {
		s.from = from.Format(layout)
	}
	if !to.IsZero() {
		s.to = to.Format(layout)
	}
	return s
}

// plan is the stretches that answer the query: months where whole ones are asked,
// and days, of a ledger whose days are those of that zone and which has no buckets
// before pruned; and the buckets that are left over.
func (q Query) plan(zone string, pruned int64) ([]stretch, error) {
	if err := q.inQuarters(); err != nil {
		return nil, err
	}
	var all []stretch
	if q.From.IsZero() && q.To.IsZero() {
		all = append(all, stretch{table: "usage", column: "bucket", from: int64(badTime), to: int64(badTime + 1)})
	}
	if q.Zone.String() != zone || q.by("hour") {
		all = append(all, buckets(q.From, q.To))
	} else {
		all = append(all, q.coarse()...)
	}
	for _, s := range all {
		if s.table != "usage" || s.to == int64(badTime+1) || s.from.(int64) >= pruned {
			continue
		}
		z, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		first := time.Unix(pruned, 0).In(z).Format(time.DateOnly)
		return nil, fmt.Errorf("usage before %s is kept as whole days of %s only: ask with --timezone %s, from and to bare days, and without hour; or --from %s", first, zone, zone, first)
	}
	return all, nil
}

// coarse is the stretches of a query in the zone that the days are kept in.
func (q Query) coarse() []stretch {
	first, last := nextDay(q.From), lastDay(q.To)
	if !first.IsZero() && !last.IsZero() && !first.Before(last) {
		return []stretch{buckets(q.From, q.To)}
	}
	var all []stretch
	if !q.From.IsZero() && first.After(q.From) {
		all = append(all, buckets(q.From, first))
	}
	if !q.To.IsZero() && last.Before(q.To) {
		all = append(all, buckets(last, q.To))
	}
	begin, end := nextMonth(first), lastMonth(last)
	if q.by("day") || !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		return append(all, days(first, last))
	}
	all = append(all, months(begin, end))
	if begin.After(first) {
		all = append(all, days(first, begin))
	}
	if end.Before(last) {
		all = append(all, days(end, last))
	}
	return all
}

// nextDay is the first midnight at or after t; zero stays zero.
func nextDay(t time.Time) time.Time {
	if t.IsZero() || isMidnight(t) {
		return t
	}
	y, m, d := t.Date()
	return midnight(y, m, d+1, t.Location())
}

// lastDay is the last midnight at or before t; zero stays zero.
func lastDay(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, d := t.Date()
	return midnight(y, m, d, t.Location())
}

// nextMonth is the first start of a month at or after the midnight t.
func nextMonth(t time.Time) time.Time {
	if t.IsZero() || t.Day() == 1 {
		return t
	}
	y, m, _ := t.Date()
	return midnight(y, m+1, 1, t.Location())
}

// lastMonth is the last start of a month at or before the midnight t.
func lastMonth(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, _ := t.Date()
	return midnight(y, m, 1, t.Location())
}

// sql is the statement that adds a stretch up, and its arguments. A row of its
// answer is the server, the user and the time, "" where they are no keys, and the
// sums. Every engine that speaks PostgreSQL's SQL takes it, and SQLite does.
func (s stretch) sql(q Query, where string, args ...any) (string, []any) {
	cols := []string{"''", "''", "''"}
	var group []string
	for i, c := range []struct {
		wanted bool
		name   string
	}{{q.by("server"), "server"}, {q.by("user"), `"user"`}, {q.timed(), s.column}} {
		if c.wanted {
			cols[i] = c.name
			group = append(group, c.name)
		}
	}
	where = "WHERE " + where + fmt.Sprintf(" AND %s >= $%d", s.column, len(args)+1)
	args = append(args, s.from)
	if s.to != nil {
		where += fmt.Sprintf(" AND %s < $%d", s.column, len(args)+1)
		args = append(args, s.to)
	}
	text := "SELECT " + strings.Join(cols, ", ") +
		", CAST(sum(bytes_out) AS BIGINT), CAST(sum(bytes_in) AS BIGINT), count(*) - count(bytes_in), CAST(sum(requests) AS BIGINT)" +
		" FROM " + s.table + " " + where
	if len(group) > 0 {
		text += " GROUP BY " + strings.Join(group, ", ")
	}
	return text + " HAVING count(*) > 0", args
}
