package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"milepost/lib/tail"
)

const (
	// Commits come once in soon, or, where they take long because users are many,
	// so seldom that they take no more than a share of the time; but once in late.
	soon  = time.Second
	late  = 10 * time.Second
	share = 50
	// From idleAfter on nothing is read but once in idlePoll, unless something happens.
	idleAfter = 2 * time.Second
	idlePoll  = time.Second
	poll      = 250 * time.Millisecond
	// Between commits are at most so many bytes of lines, or rows that a commit
	// writes: it costs as much as counting 500 bytes for each, whatever was added to it.
	commitSize = 512 << 20
	commitRows = 60_000
	retry      = 5 * time.Second
	// standby is for how long the other writer of a ledger must be silent until
	// this one goes on.
	standby = 30 * time.Second
	// unseen is for how long a log must be away until that is told.
	unseen = 30 * time.Second
)

// Follow counts until ctx ends, and commits what it counted before it returns.
// What cannot be written is tried again: the position did not move, so nothing
// is lost. Of two processes with one ledger, one counts and the other stands by.
// The error is that the last moments could not be written.
func (l *Ledger) Follow(ctx context.Context) error {
	for {
		err := l.count(ctx)
		switch {
		case errors.Is(err, errRenamed):
		case fenced(err):
			l.setCounting(false)
			l.config.Notice(fmt.Sprintf("billing: COUNTING HAS STOPPED here: ledger %q: %v: nothing is lost, and this process goes on when the other has been silent for %v", l.config.Path, err, standby))
			if !l.takeOver(ctx) { // whoever writes counts what this one did not
				return nil
			}
			l.config.Notice(fmt.Sprintf("billing: counting goes on here: nobody else writes ledger %q", l.config.Path))
			continue
		case damaged(err) && !over(ctx):
			l.damages++
			l.setCounting(false)
			l.repeat("billing: " + err.Error())
		default:
			return err
		}
		if !l.again(ctx) {
			return nil
		}
	}
}

// again opens the ledger anew, as soon as that can be done; false if ctx ended first.
func (l *Ledger) again(ctx context.Context) bool {
	for !over(ctx) {
		err := l.reopen(ctx)
		if err == nil {
			return true
		}
		l.setCounting(false)
		l.repeat("billing: " + err.Error())
		sleep(ctx, retry)
	}
	return false
}

// count follows until ctx ends, or until somebody else has written the ledger.
func (l *Ledger) count(ctx context.Context) error {
	b := newBatch(l)
	last, grew, every := time.Now(), time.Now(), l.config.commitTime
	l.away, l.gone, l.found = map[string]time.Time{}, nil, false
	watch := l.watch()
	defer watch.Close()
	for {
		ending := over(ctx)
		some := true
		if !b.large() { // while a large one cannot be written nothing more is read
			var ev tail.Event
			if ev, some = l.tail.Next(time.Now()); some {
				b.take(ev)
				grew = time.Now()
			}
		}
		if !b.empty() && (ending || b.large() || time.Since(last) >= every) {
			begun := time.Now()
			switch err := l.save(b); {
			case fenced(err), errors.Is(err, errRenamed), damaged(err):
				return err
			case err != nil && ending:
				return fmt.Errorf("%w: the last moments were not committed: they are counted at the next start", err)
			case err != nil:
				l.repeat("billing: " + err.Error())
				l.setCounting(false)
				l.setLag(l.tail.Lag() + int64(b.size))
				renew(l.db, err)
				sleep(ctx, retry)
				continue
			}
			l.setCounting(len(l.gone) == 0)
			l.damages = 0
			b, last, every = newBatch(l), time.Now(), l.pause(time.Since(begun))
		}
		if ending {
			return nil
		}
		if !some {
			l.lookout(ctx)
			l.setLag(l.tail.Lag())
			if b.empty() && time.Since(grew) > idleAfter {
				if errors.Is(l.overtaken(ctx, l.db), errRenamed) {
					return errRenamed
				}
				l.config.armed()
				watch.Wait(ctx, idlePoll)
			} else {
				sleep(ctx, poll)
			}
		}
	}
}

// lookout tells that a log is not there any more, or cannot be read, when it has been so
// for longer than any rotation takes, and that it is there again.
func (l *Ledger) lookout(ctx context.Context) {
	absent := l.tail.Absent()
	if len(absent) < len(l.config.Globs) && !l.found {
		l.found = l.note(ctx) == nil // else again at the next look
	}
	now := time.Now()
	maps.DeleteFunc(l.away, func(log string, _ time.Time) bool { return !slices.Contains(absent, log) })
	var gone []string
	for _, log := range absent {
		since, known := l.away[log]
		if !known {
			l.away[log], since = now, now
		}
		if now.Sub(since) > unseen {
			gone = append(gone, log)
		}
	}
	if slices.Equal(gone, l.gone) {
		return
	}
	l.gone = gone
	l.setCounting(len(gone) == 0)
	if len(gone) == 0 {
		l.config.Notice("billing: counting goes on: the log is there again")
		return
	}
	l.config.Notice(fmt.Sprintf("billing: NOTHING IS COUNTED of %q: no log that can be read has been there for %v: is it where squid writes, and may this user read it?", gone, unseen))
}

// note keeps that there was a log, which may be empty for long: see neverRead.
func (l *Ledger) note(ctx context.Context) error {
	_, err := l.db.ExecContext(ctx, "INSERT INTO totals VALUES ($1,'found',1) ON CONFLICT DO NOTHING", l.config.Server)
	return err
}

// pause is for how long is counted until the next commit, when one took so long.
func (l *Ledger) pause(took time.Duration) time.Duration {
	if l.config.commitTime < soon { // as tests want it
		return l.config.commitTime
	}
	return min(max(share*took, l.config.commitTime), max(l.config.commitTime, late))
}

// watch wakes an idle follower.
func (l *Ledger) watch() *tail.Watch {
	if l.config.still {
		return nil
	}
	return tail.NewWatch(l.config.Globs)
}

func over(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// takeOver waits until nobody else writes the ledger, and opens it anew; false if
// ctx ended first.
func (l *Ledger) takeOver(ctx context.Context) bool {
	seen, since := int64(-1), time.Now()
	for {
		sleep(ctx, retry)
		if over(ctx) {
			return false
		}
		revision, err := revisionOf(ctx, l.config.Path)
		if err != nil {
			l.repeat("billing: " + err.Error())
		}
		if err != nil || revision != seen {
			seen, since = revision, time.Now()
		}
		if time.Since(since) < standby {
			continue
		}
		if err := l.reopen(ctx); err != nil {
			l.repeat("billing: " + err.Error())
			since = time.Now()
			continue
		}
		return true
	}
}

// revisionOf is how often the ledger at path was committed.
func revisionOf(ctx context.Context, path string) (revision int64, err error) {
	db, err := openRead(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return -2, nil // if it stays away, a new one is made
	}
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT revision FROM ledger").Scan(&revision)
	return revision, err
}

// repeat says what is said again and again once a minute.
func (l *Ledger) repeat(text string) {
	if text == l.said && time.Since(l.saidAt) < time.Minute {
		return
	}
	l.said, l.saidAt = text, time.Now()
	l.config.Notice(text)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
