// Package history keeps what became of hosts: how many seconds each was in which
// state, how its packets fared, and every change of state with its evidence. It
// counts time, never checks, so that neither a retry nor another interval changes
// an uptime; and what nobody measured is unknown, neither up nor down.
//
// It lives in one SQLite file of at most 250 kB a host: minutes for 30 hours, five
// minutes for ten days, hours for 400 days. What is asked every round, the sums of
// 24 hours and 90 days, is in memory, so that a disk that is slow, full or broken
// costs the history and never the status.
package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/sqlitefile"
)

// Lengths in seconds.
const (
	minute = 60
	hour   = 3600
	day    = 86400
)

// A History is what is known of the past. The zero History, and what Open returns
// with an error, forgets everything at the end of the process; all else works.
type History struct {
	path   string
	db     atomic.Pointer[sql.DB] // nil: there is no file
	opened int64                  // what is told of the time before comes from the file
	notice func(string)           // told what a person should know
	broken atomic.Bool            // the file is damaged: the next Flush begins another

	writing sync.Mutex       // one Flush at a time
	ids     map[string]int64 // of hosts; of Flush alone
	packed  int64            // the hour in which blocks were last packed; of Flush alone
	aside   string           // where the damaged file is, until there is another; of Flush alone

	mu      sync.Mutex
	tracks  map[string]*track
	news    []Transition // not on the disk yet
	recent  []Transition // the newest of all hosts, in order
	size    int64        // bytes of the file
	commit  time.Time    // of the newest
	refused int64        // commits that failed
	spoilt  []spoilt     // blocks that cannot be read: the next Flush drops them
}

// Open opens or begins the history at path. A damaged one is set aside, now or when
// that shows. notice is told, in a sentence, what a person should know; nil = nobody. With an error comes
// a History that keeps everything in memory alone. What was before now is not known
// until Load.
func Open(ctx context.Context, path string, now time.Time, notice func(string)) (*History, error) {
	say := func(text string) {
		if notice != nil {
			notice("history: " + text)
		}
	}
	h, err := begin(ctx, path, now, say)
	if damaged(err) {
		aside, err := sqlitefile.SetAside(path)
		if err != nil {
			return h, err
		}
		say(fmt.Sprintf("%q cannot be read; it was kept as %q, and a new one begins: uptimes start from nothing", path, aside))
		return begin(ctx, path, now, say)
	}
	return h, err
}

func begin(ctx context.Context, path string, now time.Time, notice func(string)) (*History, error) {
	db, err := open(ctx, path, notice)
	if err != nil {
		return &History{path: path}, err
	}
	h := &History{path: path, ids: map[string]int64{}, notice: notice, opened: floor(now.Unix(), minute)}
	h.db.Store(db)
	if err := h.loadRecent(ctx); err != nil {
		return &History{path: path}, errors.Join(explain(path, err), db.Close())
	}
	h.measure(ctx, now)
	return h, nil
}

// Close writes nothing: Flush does.
func (h *History) Close() error {
	if db := h.db.Load(); db != nil {
		return db.Close()
	}
	return nil
}

// State says that the host was in the state from from to to, which is now. What
// was said of the last two hours may be told anew so; before that it stands.
func (h *History) State(host string, from, to time.Time, state hoststate.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.track(host, to).put(from.Unix(), to.Unix(), state)
}

// Latency is what the host took to answer, at a time in the last two hours.
func (h *History) Latency(host string, at time.Time, took time.Duration) {
	if took <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.track(host, at).measure(floor(at.Unix(), minute))
	m.took += took
	m.n++
}

// Pings is what became of the packets of the round that ended at at, a time in the
// last two hours. Those of several rounds within a minute are added up.
func (h *History) Pings(host string, at time.Time, p Pings) {
	if p.Sent == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.track(host, at).measure(floor(at.Unix(), minute))
	if m.pings.Sent > 0 {
		p = MergePings(m.pings, p)
	}
	m.pings = p
}

// track is the host's, made if need be.
func (h *History) track(host string, now time.Time) *track {
	t := h.tracks[host]
	if t == nil {
		if h.tracks == nil {
			h.tracks = map[string]*track{}
		}
		t = newTrack(max(now.Unix()-amendable, h.opened))
		h.tracks[host] = t
	}
	return t
}
