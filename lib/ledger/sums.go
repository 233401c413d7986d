package ledger

import (
	"database/sql"
	"errors"

	"milepost/lib/accesslog"
)

// sums are what one user, or all of them, consumed.
type sums struct {
	Out, In, Requests int64
	Blind             bool // In does not hold all: some lines did not tell
}

// received is In as the tables hold it: NULL where not all of it is known.
func (s sums) received() sql.NullInt64 { return sql.NullInt64{Int64: s.In, Valid: !s.Blind} }

func (s sums) plus(o sums) sums {
	return sums{s.Out + o.Out, s.In + o.In, s.Requests + o.Requests, s.Blind || o.Blind}
}

// atLeast is the larger of both in each figure.
func (s sums) atLeast(o sums) sums {
	return sums{max(s.Out, o.Out), max(s.In, o.In), max(s.Requests, o.Requests), s.Blind || o.Blind}
}

// totals are the sums of all lines of a ledger.
type totals struct {
	out, in int64
	results [len(accesslog.Results)]int64
	lines   map[string]int64 // counted, skipped, malformed
}

// plus adds o to t.
func (t *totals) plus(o totals) {
	t.out += o.out
	t.in += o.in
	for i, n := range o.results {
		t.results[i] += n
	}
	for kind, n := range o.lines {
		t.lines[kind] += n
	}
}

// set puts a stored total where it belongs.
func (t *totals) set(name string, value int64) {
	switch name {
	case "out":
		t.out = value
		return
	case "in":
		t.in = value
		return
	}
	for _, r := range accesslog.Results {
		if name == "result "+r.String() {
			t.results[r] = value
			return
		}
	}
	if len(name) > len("lines ") && name[:len("lines ")] == "lines " {
		t.lines[name[len("lines "):]] = value
	}
}

// each yields every total with its name.
func (t *totals) each(yield func(name string, value int64) error) error {
	if err := errors.Join(yield("out", t.out), yield("in", t.in)); err != nil {
		return err
	}
	for _, r := range accesslog.Results {
		if err := yield("result "+r.String(), t.results[r]); err != nil {
			return err
		}
	}
	for kind, n := range t.lines {
		if err := yield("lines "+kind, n); err != nil {
			return err
		}
	}
	return nil
}

// excluded is users, given as they are shown, by their keys.
func excluded(users []string) map[string]bool {
	m := map[string]bool{}
	for _, u := range users {
		m[accesslog.ParseShown(u)] = true
	}
	return m
}
