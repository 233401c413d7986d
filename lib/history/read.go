package history

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"milepost/lib/hoststate"
)

// Range is what is known of the host between from and to, in slots of about step:
// never shorter than the finest that is still kept of that time. Slots stand in
// order; time of which nothing is known at all has none. What is not on the disk
// yet is not in it.
func (h *History) Range(ctx context.Context, host string, from, to time.Time, step time.Duration) ([]Slot, error) {
	db := h.db.Load()
	if db == nil {
		return nil, nil
	}
	var id int64
	err := db.QueryRowContext(ctx, "SELECT id FROM host WHERE name = ?", host).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, h.explain(err)
	}
	length := max(int64(step/time.Second), minute)
	records, err := h.records(ctx, db, id, from.Unix(), to.Unix(), length)
	if err != nil {
		return nil, h.explain(err)
	}
	slots := make([]Slot, 0, len(records))
	for _, r := range regroup(records, length) {
		slots = append(slots, r.slot())
	}
	return slots, nil
}

// records are the host's of the time, no finer than need be for length. Each tier
// knows a stretch of time: the one that fits comes first, then coarser ones for
// what it has forgotten, and finer ones for what was not packed into it yet.
func (h *History) records(ctx context.Context, db *sql.DB, host, from, to, length int64) ([]record, error) {
	fit := 0
	for i, t := range tiers {
		if t.length <= length {
			fit = i
		}
	}
	known := from // up to here all is read
	var all []record
	read := func(i int, until int64) error {
		part, err := h.blocks(ctx, db, i, host, known, min(until, to))
		all, known = append(all, part...), max(known, min(until, to))
		return err
	}
	for i := len(tiers) - 1; i > fit; i-- {
		finer, err := begins(ctx, db, i-1)
		if err != nil {
			return nil, err
		}
		if err := read(i, finer); err != nil {
			return nil, err
		}
	}
	for i := fit; i >= 0; i-- {
		newest, err := ends(ctx, db, i, to)
		if err == nil && i == 0 {
			newest, err = beforeMinutes(ctx, db, newest)
		}
		if err != nil {
			return nil, err
		}
		if err := read(i, newest); err != nil {
			return nil, err
		}
	}
	// SQLite finds each minute by itself: the hosts stand between one and the next.
	known = ceil(max(known, to-tiers[0].keep), minute)
	err := eachMinute(ctx, db, func(_ int64, r record) { all = append(all, r) },
		"at IN (WITH RECURSIVE m(at) AS (SELECT ?1 UNION ALL SELECT at + 60 FROM m WHERE at + 60 < ?2) SELECT at FROM m) AND host = ?3",
		known, to, host)
	return all, err
}

// begins is from when on a tier or a finer one knows anything; never if none does.
func begins(ctx context.Context, db *sql.DB, i int) (int64, error) {
	var first sql.NullInt64
	err := db.QueryRowContext(ctx,
		"SELECT min(start) FROM (SELECT min(start) AS start FROM block WHERE tier <= ? UNION ALL SELECT min(at) FROM minute)", i).Scan(&first)
	if err != nil || !first.Valid {
		return never, err
	}
	return first.Int64, nil
}

// ends is up to when a tier has blocks, 0 if it has none. What a clock of the
// future wrote does not count.
func ends(ctx context.Context, db *sql.DB, i int, now int64) (int64, error) {
	var last sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT max(start) FROM block WHERE tier = ? AND start < ?", i, now).Scan(&last)
	if err != nil || !last.Valid {
		return 0, err
	}
	return last.Int64 + tiers[i].block, nil
}

// beforeMinutes is until, or the first minute that is a row if that is before: it
// is only where the clock was set back, and then what is newer is true.
func beforeMinutes(ctx context.Context, db *sql.DB, until int64) (int64, error) {
	var first sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT min(at) FROM minute").Scan(&first)
	if first.Valid {
		until = min(until, first.Int64)
	}
	return until, err
}

// blocks are the host's records of a tier that begin in the time.
func (h *History) blocks(ctx context.Context, db *sql.DB, i int, host, from, to int64) ([]record, error) {
	var all []record
	if to <= from {
		return nil, nil
	}
	one, err := db.PrepareContext(ctx, "SELECT records FROM block WHERE tier = ? AND start = ? AND host = ?")
	if err != nil {
		return nil, err
	}
	defer one.Close()
	// A tier holds no more blocks than this: the rest of a longer time has none.
	t := tiers[i]
	for start := max(floor(from, t.block), floor(to-t.keep-3*t.block, t.block)); start < to; start += t.block {
		var text []byte
		err := one.QueryRowContext(ctx, i, start, host).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records, err := decode(text, start, t.length)
		if err != nil {
			h.found(spoilt{i, start, host, text})
			continue
		}
		for _, r := range records {
			if r.start >= from && r.start < to {
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// A querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eachIn calls row for every row of the query.
func eachIn(ctx context.Context, db querier, row func(*sql.Rows) error, query string, args ...any) error {
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

// eachMinute calls row for every row of minute where so, in the order of time.
func eachMinute(ctx context.Context, db querier, row func(host int64, r record), where string, args ...any) error {
	return eachIn(ctx, db, func(rows *sql.Rows) error {
		var host int64
		var states, latency sql.NullInt64
		var pings []byte
		r := record{length: minute}
		if err := rows.Scan(&r.start, &host, &states, &latency, &pings); err != nil {
			return err
		}
		for i, s := range kept {
			r.states[s] = uint32(states.Int64 >> (8 * i) & 0xff)
		}
		r.latency = fromLog(latency.Int64)
		if len(pings) > 0 {
			in := reader{text: pings}
			if r.pings = in.pings(); in.bad {
				r.pings = Pings{} // what cannot be read is not known
			}
		}
		row(host, r)
		return nil
	}, "SELECT at, host, states, latency, pings FROM minute WHERE "+where+" ORDER BY at", args...)
}

// eachBlock calls row for every block of the tier where so, in the order of time. What
// cannot be read is left out: it is not known.
func (h *History) eachBlock(ctx context.Context, db querier, i int, row func(host int64, records []record), where string, args ...any) error {
	return eachIn(ctx, db, func(rows *sql.Rows) error {
		var start, host int64
		var text []byte
		if err := rows.Scan(&start, &host, &text); err != nil {
			return err
		}
		if records, err := decode(text, start, tiers[i].length); err == nil {
			row(host, records)
		} else {
			h.found(spoilt{i, start, host, text})
		}
		return nil
	}, "SELECT start, host, records FROM block WHERE tier = ? AND "+where+" ORDER BY start", append([]any{i}, args...)...)
}

func (h *History) readBlock(ctx context.Context, db querier, i int, start, host int64) ([]record, error) {
	var all []record
	err := h.eachBlock(ctx, db, i, func(_ int64, records []record) { all = records }, "start = ? AND host = ?", start, host)
	return all, err
}

// Load reads what the uptimes of the past are made of. With a thousand hosts it
// takes seconds; all else works meanwhile, and knows less. If the file turns out to be
// damaged, what could be read of it counts, and another is begun.
func (h *History) Load(ctx context.Context) error {
	db := h.db.Load()
	if db == nil {
		return nil
	}
	err := h.load(ctx, db)
	if err == nil {
		return nil
	}
	err = h.explain(err)
	h.writing.Lock()
	defer h.writing.Unlock()
	if h.broken.Load() {
		return h.renew(ctx)
	}
	return err
}

func (h *History) load(ctx context.Context, db *sql.DB) error {
	names := map[int64]string{}
	err := eachIn(ctx, db, func(rows *sql.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, "SELECT id, name FROM host")
	if err != nil {
		return err
	}
	count := func(host int64, records ...record) {
		h.mu.Lock()
		defer h.mu.Unlock()
		t := h.track(names[host], time.Unix(h.opened, 0))
		for _, r := range records {
			if r.start <= h.opened {
				t.count(r.start, r.states)
			}
			if r.start == h.opened {
				t.begun = r
			}
		}
	}
	from := floor(h.opened, day) - daysKept*day
	for i := len(tiers) - 1; i >= 0; i-- {
		err := h.eachBlock(ctx, db, i, func(host int64, records []record) { count(host, records...) },
			"start >= ? AND start <= ?", from, h.opened)
		if err != nil {
			return err
		}
		newest, err := ends(ctx, db, i, h.opened)
		if err != nil {
			return err
		}
		from = max(from, newest)
	}
	return eachMinute(ctx, db, func(host int64, r record) { count(host, r) }, "at >= ?", from)
}

// zero is a record that tells nothing.
func (r record) zero() bool {
	return r.states == Seconds{hoststate.Unknown: r.states[hoststate.Unknown]} && r.latency == 0 && r.pings.Sent == 0
}
