// Package ledger keeps who used how much, to the byte, for ever: it follows
// squid's access log and commits, in one SQLite transaction, the sums and the
// position in the log that they reach to. Killed at any moment, it has counted
// each line once.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/tail"
)

// Config says what is counted and where it is kept.
type Config struct {
	Server      string   // this machine's name in the ledger
	Globs       []string // the access log
	Format      string   // "native" or "bill"
	Start       string   // "beginning", "end", or a date: what of the logs is counted that were there before the ledger
	Exclude     []string // users that are left out
	Timezone    string   // of the daily sums
	KeepBuckets time.Duration
	Path        string // of the SQLite file
	TopUsers    int    // how many users UserSamples names
	ExposeUsers bool
	Notice      func(string) // hears sentences for the log; nil = nobody
}

// A Ledger is an open ledger. Follow writes it; everything else reads what was
// committed, from memory.
type Ledger struct {
	config Config
	zone   *time.Location
	since  time.Time // lines before it are skipped; zero = none
	format *accesslog.Format
	db     *sql.DB
	tail   *tail.Follower

	revision int64 // of the last commit that was seen

	mu     sync.Mutex
	totals totals
	users  map[string]sums
	days   map[int64]int64 // bytes out by 15-minute bucket of the last day and a bit
	holes  map[string]int64
	lag    int64
	commit time.Time
}

// Open opens the ledger at c.Path, and makes one if there is none. One that is
// damaged is set aside, never overwritten, and a new one counts what logs are left.
func Open(ctx context.Context, c Config) (*Ledger, error) {
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	l := &Ledger{config: c}
	var err error
	if l.format, err = accesslog.ParseFormat(c.Format); err != nil {
		return nil, err
	}
	if l.zone, err = time.LoadLocation(c.Timezone); err != nil {
		return nil, fmt.Errorf("ledger: timezone %q: %w", c.Timezone, err)
	}
	follow := tail.Config{Patterns: c.Globs}
	switch c.Start {
	case "", "beginning":
	case "end":
		follow.FromEnd = true
	default:
		if l.since, err = time.ParseInLocation(time.DateOnly, c.Start, l.zone); err != nil {
			return nil, fmt.Errorf("ledger: start %q is neither beginning, end nor a date: write 2026-11-01", c.Start)
		}
		follow.Since = l.since
	}
	if l.db, err = openStore(ctx, c); err != nil {
		return nil, err
	}
	known, err := l.load(ctx)
	if err != nil {
		return nil, errors.Join(err, l.db.Close())
	}
	if len(known) > 0 { // whatever start says was done when the ledger began
		follow.FromEnd = false
	}
	if l.tail, err = tail.New(follow, known); err != nil {
		return nil, errors.Join(err, l.db.Close())
	}
	return l, nil
}

// Close lets go of the log and of the file. Follow must have returned.
func (l *Ledger) Close() error {
	l.tail.Close()
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("closing ledger %q: %w", l.config.Path, err)
	}
	return nil
}

const (
	poll       = 250 * time.Millisecond
	commitTime = time.Second // between commits, at most
	commitSize = 32 << 20    // bytes of lines between commits, at most
	retry      = 5 * time.Second
)

// Follow counts until ctx ends, and commits what it counted before it returns.
// What cannot be written is tried again: the position did not move, so nothing
// is lost. The error is that it cannot go on at all.
func (l *Ledger) Follow(ctx context.Context) error {
	b := newBatch(l)
	last := time.Now()
	for {
		ending := over(ctx)
		ev, ok := l.tail.Next(time.Now())
		if ok {
			b.take(ev)
		}
		if !b.empty() && (ending || b.size >= commitSize || time.Since(last) >= commitTime) {
			if !l.saved(ctx, b) {
				if ending {
					return fmt.Errorf("ledger %q: the last moments were not committed: they are counted at the next start", l.config.Path)
				}
				continue
			}
			b, last = newBatch(l), time.Now()
		}
		if ending {
			return nil
		}
		if !ok {
			l.setLag(l.tail.Lag())
			sleep(ctx, poll)
		}
	}
}

func over(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// saved commits b. If that is not possible now, it says so and waits a while.
func (l *Ledger) saved(ctx context.Context, b *batch) bool {
	err := l.save(b)
	if err != nil {
		l.config.Notice(err.Error())
		sleep(ctx, retry)
	}
	return err == nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (l *Ledger) setLag(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lag = n
}

// A batch is what was counted since the last commit.
type batch struct {
	ledger      *Ledger
	counter     *counter
	generations map[int64]tail.Generation
	holes       []Hole
	size        int
}

func newBatch(l *Ledger) *batch {
	b := &batch{ledger: l, counter: newCounter(l.format, l.config.Exclude), generations: map[int64]tail.Generation{}}
	if !l.since.IsZero() {
		b.counter.since = l.since.UnixMilli()
	}
	return b
}

func (b *batch) empty() bool { return len(b.generations) == 0 && len(b.holes) == 0 && b.size == 0 }

// take counts what an event brings.
func (b *batch) take(ev tail.Event) {
	if ev.Kind == tail.Trouble {
		b.ledger.config.Notice(ev.Err.Error())
		return
	}
	b.generations[ev.Generation.ID] = ev.Generation
	b.size += len(ev.Lines)
	switch ev.Kind {
	case tail.Lines:
		b.counter.latest = time.Now().Add(ahead).UnixMilli()
		b.counter.add(ev.Lines)
		for _, f := range b.counter.flaws {
			b.holes = append(b.holes, Hole{Kind: f.kind, Path: ev.Generation.Path, At: f.at(), Count: f.count, Detail: f.detail})
		}
		b.counter.flaws = b.counter.flaws[:0]
		b.holes = merged(b.holes)
	case tail.Finished, tail.Began:
	default:
		h := Hole{Kind: ev.Kind.String(), Path: ev.Generation.Path, At: time.Now(), Count: 1, From: ev.From, To: ev.To}
		if ev.Err != nil {
			h.Detail = ev.Err.Error()
		}
		b.holes = append(b.holes, h)
		b.ledger.config.Notice(fmt.Sprintf("billing: a hole in the ledger: log %q %s at byte %d", h.Path, h.Kind, h.From))
	}
}

// A Hole is a gap in what was counted. Its bytes are never guessed.
type Hole struct {
	Kind     string    `json:"kind"` // malformed, torn, long, truncated, rewritten, vanished, damaged, bad_time, set_aside
	Path     string    `json:"path"`
	At       time.Time `json:"at"` // in the log, by the line before it; where that is not known, when it was found
	From, To int64     `json:"-"`
	Count    int64     `json:"count"`
	Detail   string    `json:"detail,omitempty"`
}

// sums are what one user, or all of them, consumed.
type sums struct {
	Out, In, Requests int64
	Blind             bool // In does not hold all: some lines did not tell
}

// received is In as the tables hold it: NULL where not all of it is known.
func (s sums) received() sql.NullInt64 { return sql.NullInt64{Int64: s.In, Valid: !s.Blind} }

// totals are the sums of all lines of a ledger.
type totals struct {
	out, in int64
	results [len(accesslog.Results)]int64
	lines   map[string]int64 // counted, skipped, malformed
}

// excluded is users, given as they are shown, by their keys.
func excluded(users []string) map[string]bool {
	m := map[string]bool{}
	for _, u := range users {
		m[accesslog.ParseShown(u)] = true
	}
	return m
}
