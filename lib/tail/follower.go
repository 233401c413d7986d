package tail

import (
	"cmp"
	"slices"
	"time"
)

// A Config says what is followed.
type Config struct {
	// Patterns are the logs' paths, with wildcards as filepath.Match knows them.
	// Rotated and gzipped generations beside them belong to them.
	Patterns []string
	// FromEnd passes over everything that is there at the first look.
	FromEnd bool
	// Since passes over rotated files that were last written before it. Zero is never.
	Since time.Time
	// Quiet is how long a rotated file must be silent, its successor being
	// there, until it is believed to be over. Zero is a minute.
	Quiet time.Duration
}

// rescan is how often the directories are read.
const rescan = time.Second

// A Follower is the reader's state machine. It starts no goroutine, never
// waits and reads no clock: who owns it calls Next, and waits where there is
// nothing. It is not safe for concurrent use.
type Follower struct {
	config   Config
	patterns []string // config's, their links followed
	absent   []string // config's of which no log was there to be read
	known    []*Generation
	files    []*file // held open, in the order they are read
	seen     map[identity]sight
	troubles map[string]string    // what was said, by path
	missing  map[int64]int        // for how many scans an open generation was not found
	waiting  map[string]time.Time // when the oldest rotated file that cannot be told yet was written, by log
	lastID   int64
	scanned  time.Time // zero before the first scan
	queue    []Event
	buffer   []byte
}

// A sight is what a file that is not held was known to be.
type sight struct {
	size     int64
	modified time.Time
	gen      *Generation // nil if it was not settled
	again    bool        // what else held gen is gone: it must be looked at again
}

// New follows c. known is every Generation that was stored so far; it is not kept.
func New(c Config, known []Generation) (*Follower, error) {
	if err := checkPatterns(c.Patterns); err != nil {
		return nil, err
	}
	f := &Follower{
		config:   c,
		seen:     map[identity]sight{},
		troubles: map[string]string{},
		missing:  map[int64]int{},
		buffer:   make([]byte, tailSize+MaxLine),
	}
	f.config.Patterns = cleaned(c.Patterns)
	if f.config.Quiet == 0 {
		f.config.Quiet = time.Minute
	}
	for _, g := range known {
		f.known = append(f.known, &g)
		f.lastID = max(f.lastID, g.ID)
	}
	return f, nil
}

// Next is the next event; false if nothing happened since the last one. now
// needs its monotonic reading only to compare with other nows.
func (f *Follower) Next(now time.Time) (Event, bool) {
	if f.scanned.IsZero() || now.Sub(f.scanned) >= rescan {
		f.scan(now)
		f.scanned = now
	}
	if len(f.queue) > 0 {
		ev := f.queue[0]
		f.queue = f.queue[1:]
		return ev, true
	}
	for _, x := range f.files {
		if since, wait := f.waiting[x.log]; wait && x.gen.Offset == 0 && !x.modified.Before(since) {
			continue // what is older comes first
		}
		if ev, ok := f.read(x, now); ok {
			return ev, true
		}
	}
	return Event{}, false
}

// Lag is how many bytes are known to be there and were not read.
func (f *Follower) Lag() int64 {
	var n int64
	for _, x := range f.files {
		n += x.lag()
	}
	return n
}

// Absent is the patterns of which no log that is written to could be read at the last look.
func (f *Follower) Absent() []string { return f.absent }

// Close lets go of every file.
func (f *Follower) Close() {
	for _, x := range f.files {
		x.handle.Close()
	}
	f.files = nil
}

// read is the next event of one file.
func (f *Follower) read(x *file, now time.Time) (Event, bool) {
	if err := x.stat(now); err != nil {
		return f.trouble(x.path, err)
	}
	if x.drained {
		return f.over(x, now)
	}
	ev, none := x.next(f.buffer)
	switch {
	case none:
		return f.over(x, now)
	case ev.Kind == Truncated:
		f.lose(x.gen)
		f.renew(x, now)
	case ev.Kind == Trouble:
		return f.trouble(x.path, ev.Err)
	case ev.Kind == Damaged:
		return f.finish(x, ev), true
	}
	return ev, true
}

// renew goes on with a file that was truncated: with a new generation, unless
// another file holds what was written to it since. It may have been copied once
// more before anybody looked.
func (f *Follower) renew(x *file, now time.Time) {
	x.head, _ = x.start()
	x.gen = &Generation{Offset: -1} // x is a copy of nothing while it is looked at
	switch g, kin := f.relate(x, now); kin {
	case same:
		x.gen = g
		g.State, g.Path, g.Device, g.Inode = Open, x.path, x.device, x.inode
	case replica, undecided:
		x.gen = g
		f.release(x)
		f.reconsider(g)
	default:
		x.gen = f.begin(x.sighting)
	}
}

// over ends a file that nobody will write to any more.
func (f *Follower) over(x *file, now time.Time) (Event, bool) {
	quiet := now.Sub(x.grew) >= f.config.Quiet
	switch {
	case x.zipped && x.short:
		if !quiet { // its gzip may still be at work
			return Event{}, false
		}
		return f.finish(x, x.unreadable(errShort)), true
	case !x.zipped && (!quiet || !f.succeeded(x)):
		return Event{}, false
	case x.partial > 0 || x.long > 0:
		return x.rest(f.buffer), true
	case x.gen.Offset == 0: // nothing was ever in it
		f.release(x)
		return Event{}, false
	default:
		return f.finish(x, Event{Kind: Finished, From: x.gen.Offset, To: x.gen.Offset}), true
	}
}

// succeeded says that the log's path is another file's now.
func (f *Follower) succeeded(x *file) bool {
	return slices.ContainsFunc(f.files, func(y *file) bool {
		return y != x && y.log == x.log && y.named && y.live()
	}) && !(x.named && x.live())
}

// finish is ev with its generation done, whose file is let go.
func (f *Follower) finish(x *file, ev Event) Event {
	x.gen.State = Done
	ev.Generation = *x.gen
	f.release(x)
	return ev
}

// release lets go of a file and remembers it, so that only a change brings it back.
func (f *Follower) release(x *file) {
	x.handle.Close()
	f.seen[x.identity] = sight{size: x.size, modified: x.modified, gen: x.gen}
	f.files = slices.DeleteFunc(slices.Clone(f.files), func(y *file) bool { return y == x })
}

// hold starts to read x as g.
func (f *Follower) hold(x *file, g *Generation, now time.Time) {
	g.Path, g.Device, g.Inode = x.path, x.device, x.inode
	x.gen, x.grew = g, now
	delete(f.seen, x.identity)
	delete(f.missing, g.ID)
	f.files = append(f.files, x)
	// Rotated files first: they are the next to be deleted.
	slices.SortStableFunc(f.files, func(a, b *file) int {
		if a.live() != b.live() {
			if a.live() {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.modified.UnixNano(), b.modified.UnixNano()), cmp.Compare(a.age(), b.age()))
	})
}

// begin is a new generation.
func (f *Follower) begin(s sighting) *Generation {
	f.lastID++
	g := &Generation{ID: f.lastID, Log: s.log, Path: s.path, Device: s.device, Inode: s.inode, State: Open}
	f.known = append(f.known, g)
	return g
}

// trouble is an event the first time that path has it.
func (f *Follower) trouble(path string, err error) (Event, bool) {
	if f.troubles[path] == err.Error() {
		return Event{}, false
	}
	f.troubles[path] = err.Error()
	return Event{Kind: Trouble, To: -1, Err: err}, true
}
