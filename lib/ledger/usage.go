package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"milepost/lib/accesslog"
)

// A Query is what of a ledger is wanted, and what a row is.
type Query struct {
	From, To time.Time // From is included, To is not; zero = open
	Zone     *time.Location
	By       []string // user, server, hour, day, month
}

// A Row is sums with the values of the keys that make it.
type Row struct {
	Keys     []string // one for each of Query.By; users as their key, not as they are shown
	BytesOut int64
	BytesIn  *int64 // nil: the log does not tell
	Requests int64
}

// Keys are what Query.By may name.
func Keys() []string { return []string{"user", "server", "hour", "day", "month"} }

func (q Query) validate() error {
	for i, k := range q.By {
		if !slices.Contains(Keys(), k) {
			return fmt.Errorf("key %q of --by is unknown: the keys are %s", k, strings.Join(Keys(), ", "))
		}
		if slices.Contains(q.By[:i], k) {
			return fmt.Errorf("key %q of --by is there twice", k)
		}
	}
	for _, end := range []struct {
		option string
		at     time.Time
	}{{"--from", q.From}, {"--to", q.To}} {
		if !end.at.IsZero() && !end.at.Equal(end.at.Truncate(bucketSize*time.Second)) {
			return fmt.Errorf("%s %s: sums are kept by the quarter of an hour: write a time at :00, :15, :30 or :45", end.option, end.at.Format("2006-01-02T15:04:05"))
		}
	}
	return nil
}

// covers says that the time belongs to what is asked.
func (q Query) covers(at time.Time) bool {
	return !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To))
}

// A report adds buckets up to rows.
type report struct {
	query Query
	rows  map[string]*row
}

// A row is a Row that grows.
type row struct {
	keys []string
	sums
}

func newReport(q Query) (*report, error) {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	return &report{query: q, rows: map[string]*row{}}, q.validate()
}

// add is what a user consumed in the bucket that starts at that time.
func (r *report) add(server, user string, bucket int64, s sums) {
	at := time.Unix(bucket, 0).In(r.query.Zone)
	if bucket == badTime {
		if !r.query.From.IsZero() || !r.query.To.IsZero() {
			return // nobody knows when it was
		}
	} else if !r.query.covers(at) {
		return
	}
	keys := make([]string, len(r.query.By))
	for i, k := range r.query.By {
		switch k {
		case "user":
			keys[i] = user
		case "server":
			keys[i] = server
		case "hour":
			keys[i] = at.Format("2006-01-02T15:00Z07:00")
		case "day":
			keys[i] = at.Format(time.DateOnly)
		case "month":
			keys[i] = at.Format("2006-01")
		}
		if bucket == badTime && k != "user" && k != "server" {
			keys[i] = "unknown"
		}
	}
	id := strings.Join(keys, "\x00")
	sum := r.rows[id]
	if sum == nil {
		sum = &row{keys: keys}
		r.rows[id] = sum
	}
	sum.sums = sum.plus(s)
}

// sorted is the rows: by time where there is one, and else the largest first.
func (r *report) sorted() []Row {
	var all []Row
	for _, sum := range r.rows {
		one := Row{Keys: sum.keys, BytesOut: sum.Out, Requests: sum.Requests}
		if !sum.Blind {
			one.BytesIn = &sum.In
		}
		all = append(all, one)
	}
	timed := slices.ContainsFunc(r.query.By, func(k string) bool { return k == "hour" || k == "day" || k == "month" })
	slices.SortFunc(all, func(a, b Row) int {
		if !timed && a.BytesOut != b.BytesOut {
			if a.BytesOut > b.BytesOut {
				return -1
			}
			return 1
		}
		return slices.Compare(a.Keys, b.Keys)
	})
	return all
}

// Usage asks the ledger at path, which may be written meanwhile.
func Usage(ctx context.Context, path string, q Query) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("opening ledger: %w: name one with --ledger, or count logs with --log", err)
	}
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return nil, nil, explain(path, err)
	}
	defer db.Close()
	if err := r.read(ctx, db); err != nil {
		return nil, nil, explain(path, err)
	}
	var holes []Hole
	err = each(ctx, db, "SELECT kind, path, at, begins, ends, count, detail FROM holes ORDER BY at", nil, func(rows *sql.Rows) error {
		var h Hole
		var at int64
		err := rows.Scan(&h.Kind, &h.Path, &at, &h.From, &h.To, &h.Count, &h.Detail)
		h.At = time.Unix(at, 0).UTC()
		if q.covers(h.At) {
			holes = append(holes, h)
		}
		return err
	})
	if err != nil {
		return nil, nil, explain(path, err)
	}
	return r.sorted(), holes, nil
}

// stored are sums as a table holds them.
type stored struct {
	sums
	in sql.NullInt64
}

func (s stored) known() sums {
	s.In, s.Blind = s.in.Int64, !s.in.Valid
	return s.sums
}

// read adds up what the ledger holds: the days whose buckets are gone, and buckets.
func (r *report) read(ctx context.Context, db *sql.DB) error {
	var zone string
	var pruned int64
	if err := db.QueryRowContext(ctx, "SELECT timezone, pruned FROM ledger").Scan(&zone, &pruned); err != nil {
		return err
	}
	if pruned > 0 && r.query.From.Before(time.Unix(pruned, 0)) {
		if err := r.readDays(ctx, db, zone, pruned); err != nil {
			return err
		}
	}
	return each(ctx, db, "SELECT server, user, bucket, bytes_out, bytes_in, requests FROM usage", nil, func(rows *sql.Rows) error {
		var server, user string
		var bucket int64
		var s stored
		err := rows.Scan(&server, &user, &bucket, &s.Out, &s.in, &s.Requests)
		r.add(server, user, bucket, s.known())
		return err
	})
}

// readDays adds the days before pruned. They are those of one zone, and whole.
func (r *report) readDays(ctx context.Context, db *sql.DB, zone string, pruned int64) error {
	z, err := time.LoadLocation(zone)
	if err != nil {
		return err
	}
	first := time.Unix(pruned, 0).In(z).Format(time.DateOnly)
	whole := func(t time.Time) bool { return t.IsZero() || t.Unix() >= pruned || isMidnight(t.In(z)) }
	if r.query.Zone.String() != zone || slices.Contains(r.query.By, "hour") || !whole(r.query.From) || !whole(r.query.To) {
		return fmt.Errorf("usage before %s is kept as whole days of %s only: ask with --timezone %s, from and to bare days, and without hour; or --from %s", first, zone, zone, first)
	}
	const days = "SELECT server, user, day, bytes_out, bytes_in, requests FROM usage_daily WHERE day >= '2001' AND day < ?" // earlier ones are of bad times
	return each(ctx, db, days, []any{first}, func(rows *sql.Rows) error {
		var server, user, day string
		var s stored
		if err := rows.Scan(&server, &user, &day, &s.Out, &s.in, &s.Requests); err != nil {
			return err
		}
		at, err := time.ParseInLocation(time.DateOnly+" 15", day+" 12", z)
		r.add(server, user, at.Unix(), s.known())
		return err
	})
}

// chunk is how much of a log is read at a time.
const chunk = 1 << 20

// Count counts logs, plain or compressed by gzip, without a ledger. progress
// hears how many bytes of the files are done.
func Count(ctx context.Context, files []string, c Config, q Query, progress func(done, total int64)) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	if c.Format == "" {
		c.Format = "native"
	}
	format, err := accesslog.ParseFormat(c.Format)
	if err != nil {
		return nil, nil, err
	}
	var total, done int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, nil, fmt.Errorf("counting: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, nil, fmt.Errorf("counting %q: not a regular file", f)
		}
		total += info.Size()
	}
	var holes []Hole
	counter := newCounter(format, c.Exclude)
	counter.period = r.query.period()
	for _, f := range files {
		hole, err := counter.file(ctx, f, func(n int) {
			done += int64(n)
			if progress != nil {
				progress(done, total)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if hole != nil {
			holes = append(holes, *hole)
		}
	}
	for _, f := range counter.flaws {
		if q.covers(f.at()) {
			holes = append(holes, Hole{Kind: f.kind, Count: f.count, Detail: f.detail, At: f.at()})
		}
	}
	for bucket, all := range counter.sums {
		for user, s := range all {
			r.add(c.Server, user, bucket, *s)
		}
	}
	return r.sorted(), merged(holes), nil
}

// file counts one file. A compressed one that ends too soon leaves a hole.
func (c *counter) file(ctx context.Context, path string, read func(int)) (*Hole, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("counting: %w", err)
	}
	defer f.Close()
	var in io.Reader = &metered{f, read}
	if magic := make([]byte, 2); strings.HasSuffix(path, ".gz") || first(f, magic) && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(bufio.NewReaderSize(in, chunk))
		if err != nil {
			return nil, fmt.Errorf("counting %q: %w", path, err)
		}
		in = zip
	}
	buffer, kept := make([]byte, 2*chunk), 0
	for ctx.Err() == nil {
		if kept == len(buffer) { // a line of megabytes is no line
			c.flawed("long", path)
			kept = 0
		}
		n, err := in.Read(buffer[kept:])
		kept += n
		end := bytes.LastIndexByte(buffer[:kept], '\n') + 1
		c.add(buffer[:end])
		kept = copy(buffer, buffer[end:kept])
		switch {
		case errors.Is(err, io.EOF):
			c.add(buffer[:kept]) // a last line without its newline
			return nil, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &Hole{Kind: "damaged", Path: path, At: time.Now().UTC().Truncate(time.Second), Count: 1, Detail: "the compressed file ends too soon"}, nil
		case err != nil:
			return nil, fmt.Errorf("counting %q: %w", path, err)
		}
	}
	return nil, ctx.Err()
}

func first(f *os.File, magic []byte) bool {
	n, _ := f.ReadAt(magic, 0)
	return n == len(magic)
}

// metered tells how much was read.
type metered struct {
	r    io.Reader
	read func(int)
}

// Read reads and tells.
func (m *metered) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.read(n)
	return n, err
}

// merged adds up holes of one kind in one quarter of an hour of one log.
func merged(holes []Hole) []Hole {
	var all []Hole
next:
	for _, h := range holes {
		for i := range all {
			if all[i].Kind == h.Kind && all[i].Path == h.Path && all[i].Detail == h.Detail && all[i].From == h.From && all[i].At.Unix()/bucketSize == h.At.Unix()/bucketSize {
				all[i].Count += h.Count
				continue next
			}
		}
		all = append(all, h)
	}
	return all
}
