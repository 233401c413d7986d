package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"milepost/lib/sqlitefile"
)

const (
	// beat is how often is published; also when there is nothing new, to say that
	// this proxy lives.
	beat = 10 * time.Second
	// quiet is for how long a stranger who writes as this server must be silent
	// until this ledger takes its place: the stranger is what this machine was
	// before its ledger was restored or made anew, or else another machine.
	quiet = 4 * beat
	// patience is how long one transaction may take.
	patience = time.Minute
)

// A publisher keeps the fleet's ledger up to date with this one.
type publisher struct {
	*Ledger
	central   Central
	target    string  // which fleet's ledger, without the user
	local     *sql.DB // a connection of its own
	remote    *sql.DB
	stranger  string // the stamp of one
	since     time.Time
	forgotten map[note]bool // of the list what was done
	passed    []note        // what the fleet's ledger forgets with this commit
	window    window        // what is under way
	opened    int64         // which of this ledger's files is local: one that is damaged is set aside
}

// Publish keeps the fleet's ledger up to date until ctx ends. What cannot be sent
// now is sent later, however much later.
func (l *Ledger) Publish(ctx context.Context) {
	c := l.config.Fleet
	p := &publisher{Ledger: l, central: c, target: c.target(), forgotten: map[note]bool{}}
	defer p.close()
	var said string
	for ctx.Err() == nil {
		text := ""
		if err := p.once(ctx); err != nil && ctx.Err() == nil {
			text = "billing: publishing: " + err.Error()
			p.close()
		}
		if text != said && text != "" {
			l.config.Notice(text)
		} else if text != said {
			l.config.Notice("billing: publishing goes on")
		}
		said = text
		l.setPublished(text == "", time.Now())
		sleep(ctx, beat)
	}
}

func (p *publisher) close() {
	for _, db := range []**sql.DB{&p.local, &p.remote} {
		if *db != nil {
			_ = (*db).Close() // nothing is buffered
			*db = nil
		}
	}
}

// once sends what is new.
func (p *publisher) once(ctx context.Context) (err error) {
	if n := p.openings.Load(); n != p.opened {
		if p.local != nil {
			_ = p.local.Close() // nothing is buffered
		}
		p.local, p.opened, p.forgotten = nil, n, map[note]bool{}
	}
	if p.local == nil {
		if p.local, err = sql.Open("sqlite", sqlitefile.Address(p.config.Path, writing())); err != nil {
			return explain(p.config.Path, err)
		}
		p.local.SetMaxOpenConns(1)
	}
	if p.remote == nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if p.remote, err = p.central.open(ctx); err != nil {
			return err
		}
	}
	for {
		more, err := p.send(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// A state is what is known of this ledger before something is sent.
type state struct {
	id, timezone     string
	revision, acked  int64
	pruned           int64 // what the fleet's ledger has no buckets of before, in seconds
	stamp, nextStamp string
}

func (p *publisher) state(ctx context.Context) (s state, err error) {
	_, err = p.local.ExecContext(ctx, "INSERT INTO published VALUES ($1, -1, '', '') ON CONFLICT DO NOTHING", p.target)
	if err != nil {
		return s, err
	}
	err = p.local.QueryRowContext(ctx, `SELECT ledger.id, ledger.timezone, ledger.revision, published.revision, stamp, next_stamp
		FROM ledger, published WHERE target = $1`, p.target).Scan(&s.id, &s.timezone, &s.revision, &s.acked, &s.stamp, &s.nextStamp)
	return s, err
}

// send is one transaction: some buckets with what they change of days and months.
// more says that others wait.
func (p *publisher) send(parent context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	s, err := p.state(ctx)
	if err != nil {
		return false, explain(p.config.Path, err)
	}
	// Whoever is killed between the two commits knows its own stamp again.
	stamp := rand.Text()
	if _, err := p.local.ExecContext(ctx, "UPDATE published SET next_stamp = $1 WHERE target = $2", stamp, p.target); err != nil {
		return false, explain(p.config.Path, err)
	}
	tx, err := p.remote.BeginTx(ctx, nil)
	if err != nil {
		return false, p.central.explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := p.claim(ctx, tx, &s); err != nil {
		return false, err
	}
	if err := p.passOn(ctx, tx, s); err != nil {
		return false, err
	}
	again, err := p.forget(ctx, tx, s)
	if err != nil {
		return false, err
	}
	w := window{upTo: s.acked, more: true}
	if !again { // else with other names, from the start
		if w, err = p.fill(ctx, tx, s, p.goesOn(s)); err != nil {
			return false, err
		}
	}
	upTo := w.upTo
	if w.more {
		upTo = s.acked
	}
	if _, err := tx.ExecContext(ctx, "UPDATE ledgers SET revision = $1, stamp = $2, seen = $3, timezone = $4 WHERE server = $5",
		upTo, stamp, time.Now().Unix(), s.timezone, p.config.Server); err != nil {
		return false, p.central.explain(err)
	}
	if err := tx.Commit(); err != nil {
		return false, p.central.explain(err)
	}
	if p.window = w; again {
		p.window = window{}
	}
	_, err = p.local.ExecContext(ctx, "UPDATE published SET revision = $1, stamp = $2, next_stamp = '' WHERE target = $3", upTo, stamp, p.target)
	if err != nil {
		return false, explain(p.config.Path, err)
	}
	if err := p.wasPassedOn(ctx); err != nil {
		return false, err
	}
	p.setUnsent(max(0, s.revision-upTo))
	if again {
		cancel()
		p.scrub(parent)
	}
	return w.more, nil
}

// goesOn is the window that is under way, or a new one.
func (p *publisher) goesOn(s state) window {
	if p.window.from == s.acked && p.window.more {
		return p.window
	}
	return window{from: s.acked, upTo: -1, after: -1}
}

// claim sees that this ledger is the server's, and locks it for the transaction.
func (p *publisher) claim(ctx context.Context, tx *sql.Tx, s *state) error {
	server := p.config.Server
	var ledger, stamp, zone string
	var revision, seen int64
	err := tx.QueryRowContext(ctx, "SELECT ledger, stamp, timezone, revision, seen, pruned FROM ledgers WHERE server = $1 FOR UPDATE", server).Scan(&ledger, &stamp, &zone, &revision, &seen, &s.pruned)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.acked = -1
		_, err := tx.ExecContext(ctx, "INSERT INTO ledgers (server, ledger, timezone, pruned, revision, stamp, seen) VALUES ($1, $2, $3, 0, -1, '', 0)", server, s.id, s.timezone)
		return p.central.explain(err)
	case err != nil:
		return p.central.explain(err)
	case ledger != s.id:
		return fmt.Errorf("server %q is another ledger's (%s, last seen %s), and this one is %s: nothing is sent, so that nothing is counted twice. If this machine took the other's place, run: milepost-exporter ledger adopt %s. If it is another machine, give it a billing.server of its own",
			server, ledger, time.Unix(seen, 0).UTC().Format(time.RFC3339), s.id, ledger)
	case stamp != "" && stamp != s.stamp && stamp != s.nextStamp:
		if stamp != p.stranger {
			p.stranger, p.since = stamp, time.Now()
		}
		if time.Since(p.since) < quiet {
			return fmt.Errorf("somebody else writes as server %q with a copy of this ledger: nothing is sent, so that nothing is counted twice. If that is another machine, give this one a billing.server of its own and a new ledger; if this ledger was restored, wait: it takes over when the other has been silent for %v", server, quiet)
		}
		s.acked = min(s.acked, revision) // of either side what is missing there
	}
	p.stranger = ""
	switch {
	case zone == s.timezone:
	case s.pruned > 0:
		return p.central.explain(fmt.Errorf("server %q: nothing is sent: %w", server, zoneIsKept(zone, s.timezone, s.pruned)))
	default:
		s.acked = -1
		return p.central.explain(rollUpCentral(ctx, tx, server, s.id, s.timezone))
	}
	return nil
}

// setPublished notes whether the last try went well.
func (l *Ledger) setPublished(ok bool, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served.publishing, l.served.publishedOK = true, ok
	if ok {
		l.served.published = at.UnixMilli()
	}
}

// setUnsent notes how many commits wait.
func (l *Ledger) setUnsent(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served.unsent = n
}
