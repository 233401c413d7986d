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
	"os"
	"sync"
	"sync/atomic"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/secret"
	"milepost/lib/tail"
)

// Config says what is counted and where it is kept.
type Config struct {
	Server      string   // this machine's name in the ledger
	Globs       []string // the access log
	Format      string   // as accesslog.ParseFormat takes it
	Start       string   // "beginning", "end", or a date: what of the logs is counted that were there before the ledger
	Exclude     []string // users that are left out
	Timezone    string   // of the daily and monthly sums
	KeepBuckets time.Duration
	Path        string       // of the SQLite file
	TopUsers    int          // how many users UserSamples names; 0 = all
	Pseudonyms  secret.Value // the key that hides users' names in UserSamples; none = they are shown
	Fleet       Central      // where Publish brings the sums, and old buckets wait until it has; its URL is "" if that is nowhere
	Notice      func(string) // hears sentences for the log; nil = nobody

	// For tests: as tail.Config has it, and how long until a commit, at most.
	quiet, commitTime time.Duration
	still             bool   // nothing wakes the follower: synctest's clock cannot wait for the kernel
	armed             func() // hears that the follower waits to be woken; nil = nobody
}

// A Ledger is an open ledger. Follow writes it; everything else reads what was
// committed, from memory.
type Ledger struct {
	config Config
	zone   *time.Location
	since  time.Time // lines before it are skipped; zero = none
	format *accesslog.Format

	// What belongs to Follow. reopen renews it.
	db        *sql.DB
	file      os.FileInfo // what db was when it was opened
	tail      *tail.Follower
	spans     map[int64]span        // of the lines of each generation, by its ID
	sequences map[string]*sequences // by log
	revision  int64                 // of the last commit that was seen
	found     bool                  // it is kept that there is a log
	away      map[string]time.Time  // since when logs are not there
	gone      []string              // those that are away for long
	renames   int64                 // how many of them forgot a name
	damages   int                   // how often it was found damaged since the last commit
	said      string                // by repeat
	saidAt    time.Time
	toldOf    map[place]time.Time // by complain

	openings atomic.Int64 // how often db was opened
	mu       sync.Mutex
	served   served
}

// Open opens the ledger at c.Path, and makes one if there is none. One that is
// damaged is set aside, never overwritten, and a new one counts what logs are left.
func Open(ctx context.Context, c Config) (*Ledger, error) {
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	if c.armed == nil {
		c.armed = func() {}
	}
	if c.commitTime == 0 {
		c.commitTime = soon
	}
	l := &Ledger{config: c}
	var err error
	if l.format, err = accesslog.ParseFormat(c.Format); err != nil {
		return nil, err
	}
	if l.zone, err = time.LoadLocation(c.Timezone); err != nil {
		return nil, fmt.Errorf("ledger: timezone %q: %w", c.Timezone, err)
	}
	if l.since, _, err = ParseStart(c.Start, l.zone); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := l.reopen(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// ParseStart reads where counting begins: "beginning" (or nothing), "end", or a
// day, whose first moment it gives.
func ParseStart(text string, zone *time.Location) (since time.Time, fromEnd bool, err error) {
	switch text {
	case "", "beginning":
		return time.Time{}, false, nil
	case "end":
		return time.Time{}, true, nil
	}
	if since, err = ParseMoment(text, zone); err != nil {
		return since, false, fmt.Errorf("start %q is neither beginning, end nor a date: write 2026-11-01", text)
	}
	return since, false, nil
}

// reopen opens the file, and the logs where it says that they were read to.
func (l *Ledger) reopen(ctx context.Context) (err error) {
	if err := l.Close(); err != nil {
		return err
	}
	if l.db, err = openStore(ctx, l.config, l.damages); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	l.openings.Add(1)
	if l.file, err = os.Stat(l.config.Path); err != nil {
		return fmt.Errorf("opening ledger: %w", err)
	}
	known, err := l.load(ctx)
	if err != nil {
		return explain(l.config.Path, err)
	}
	_, fromEnd, err := ParseStart(l.config.Start, l.zone)
	if err != nil {
		return err
	}
	// Whatever start says was done when the ledger began.
	follow := tail.Config{Patterns: l.config.Globs, FromEnd: fromEnd && len(known) == 0, Since: l.since, Quiet: l.config.quiet}
	l.tail, err = tail.New(follow, known)
	return err
}

// Close lets go of the log and of the file. Follow must have returned.
func (l *Ledger) Close() error {
	if l.tail != nil {
		l.tail.Close()
		l.tail = nil
	}
	if l.db == nil {
		return nil
	}
	err := l.db.Close()
	l.db = nil
	if err != nil {
		return fmt.Errorf("closing ledger %q: %w", l.config.Path, err)
	}
	return nil
}
