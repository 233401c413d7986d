package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"milepost/lib/tail"
)

// load reads the positions, and what is served from memory.
func (l *Ledger) load(ctx context.Context) ([]tail.Generation, error) {
	l.spans, l.sequences = map[int64]span{}, map[string]*sequences{}
	s := served{
		counting: true, totals: totals{lines: map[string]int64{}}, users: map[string]user{},
		days: map[int64]int64{}, holes: map[string]int64{}, lag: -1,
	}
	var known []tail.Generation
	server := []any{l.config.Server}
	day := time.Now().Add(-24 * time.Hour).Unix()
	for _, q := range []struct {
		sql  string
		args []any
		row  func(*sql.Rows) error
	}{
		{"SELECT revision, renames, committed FROM ledger", nil, func(r *sql.Rows) error { return r.Scan(&l.revision, &l.renames, &s.committed) }},
		{"SELECT id, log, path, device, inode, position, head_len, head, tail_len, tail, state, first, last FROM generations", nil, func(r *sql.Rows) error {
			g, lines, err := generation(r)
			known = append(known, g)
			l.spans[g.ID] = lines
			return err
		}},
		{"SELECT log, state FROM sequences", nil, func(r *sql.Rows) error {
			var log string
			var state []byte
			if err := r.Scan(&log, &state); err != nil {
				return err
			}
			l.sequences[log] = &sequences{}
			return json.Unmarshal(state, l.sequences[log])
		}},
		{"SELECT name, value FROM totals WHERE server = $1", server, func(r *sql.Rows) error {
			var name string
			var value int64
			err := r.Scan(&name, &value)
			s.set(name, value)
			return err
		}},
		{"SELECT user, bytes_out, bytes_in, requests, since FROM users WHERE server = $1", server, func(r *sql.Rows) error {
			var name string
			var u user
			err := r.Scan(&name, &u.Out, &u.In, &u.Requests, &u.since)
			s.users[name] = u
			s.billed += u.Out
			return err
		}},
		{"SELECT bucket, sum(bytes_out) FROM usage WHERE server = $1 AND bucket >= $2 GROUP BY bucket", append(server, day), func(r *sql.Rows) error {
			var bucket, n int64
			err := r.Scan(&bucket, &n)
			s.days[bucket] = n
			return err
		}},
	} {
		if err := each(ctx, l.db, q.sql, q.args, q.row); err != nil {
			return nil, err
		}
	}
	s.floor = s.other // it may have been seen
	l.mu.Lock()
	defer l.mu.Unlock()
	s.publication = l.served.publication
	l.served = s
	return known, nil
}

// generation reads a row of the positions, and when its lines were logged.
func generation(r *sql.Rows) (tail.Generation, span, error) {
	var g tail.Generation
	var head, last []byte
	var device, inode int64
	var s span
	err := r.Scan(&g.ID, &g.Log, &g.Path, &device, &inode, &g.Offset, &g.Head.Len, &head, &g.Tail.Len, &last, &g.State, &s.first, &s.last)
	g.Device, g.Inode = uint64(device), uint64(inode)
	copy(g.Head.Sum[:], head)
	copy(g.Tail.Sum[:], last)
	s.log = g.Log
	return g, s, err
}
