package tail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

var errShort = errors.New("the compressed file ends too soon")

// settle is how long a short file must have been left alone before it is
// taken for a generation: it may be a copy that is still being written.
const settle = 2 * time.Second

// scan reads the directories: which file is which generation.
func (f *Follower) scan(now time.Time) {
	f.patterns = resolved(f.config.Patterns)
	found, troubles := list(f.patterns)
	if len(found) == 0 && len(troubles) == 0 {
		for _, p := range f.patterns {
			troubles[p] = fmt.Errorf("following %q: no such file yet", p)
		}
	}
	here := map[identity]sighting{}
	for _, s := range found {
		here[s.identity] = s
	}
	f.rename(here)
	for id := range f.seen {
		if _, ok := here[id]; !ok {
			delete(f.seen, id)
		}
	}
	for _, x := range f.files {
		if x.gen.Offset == 0 { // others are held against what it starts with now
			x.head, _ = x.start()
		}
	}
	said := len(troubles)
	sure := true
	f.waiting = map[string]time.Time{}
	for _, x := range f.strangers(found, troubles) {
		if !f.place(x, now) {
			sure = false
			f.hesitate(x)
		}
	}
	f.look(found, troubles)
	if sure && len(troubles) == said {
		f.miss()
	}
	f.complain(troubles)
}

// look notes of which patterns no log is there, or none that can be read.
func (f *Follower) look(found []sighting, troubles map[string]error) {
	f.absent = nil
	for i, pattern := range f.patterns {
		there := slices.ContainsFunc(found, func(s sighting) bool {
			return s.live() && troubles[s.path] == nil && matched([]string{pattern}, s.log)
		})
		if !there {
			f.absent = append(f.absent, f.config.Patterns[i])
		}
	}
}

// hesitate holds back what is not older than a file that cannot be told yet.
func (f *Follower) hesitate(x *file) {
	if oldest, ok := f.waiting[x.log]; !ok || x.modified.Before(oldest) {
		f.waiting[x.log] = x.modified
	}
}

// rename tells every held file its name, which rotation changes.
func (f *Follower) rename(here map[identity]sighting) {
	for _, x := range f.files {
		s, ok := here[x.identity]
		if x.named = ok; ok {
			x.path, x.gen.Path = s.path, s.path
		}
	}
}

// strangers opens the files that are neither held nor unchanged. Those with a
// known inode come first, and plain ones before compressed ones: of several
// copies of one generation the first is read.
func (f *Follower) strangers(found []sighting, troubles map[string]error) []*file {
	var familiar, plain, zipped []*file
	for _, s := range found {
		if f.held(s.identity) || f.unchanged(s) {
			continue
		}
		x, err := take(s.path)
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) {
				troubles[s.path] = err
			}
			continue
		}
		x.log = s.log
		switch {
		case f.held(x.identity): // renamed over s.path meanwhile
			x.handle.Close()
		case x.zipped:
			zipped = append(zipped, x)
		case f.hasInode(x):
			familiar = append(familiar, x)
		default:
			plain = append(plain, x)
		}
	}
	return append(append(familiar, plain...), zipped...)
}

func (f *Follower) held(id identity) bool {
	for _, x := range f.files {
		if x.identity == id {
			return true
		}
	}
	return false
}

func (f *Follower) unchanged(s sighting) bool {
	was, ok := f.seen[s.identity]
	return ok && was.gen != nil && !was.again && was.size == s.size && was.modified.Equal(s.modified)
}

func (f *Follower) hasInode(x *file) bool {
	for _, g := range f.known {
		if x.has(g) {
			return true
		}
	}
	return false
}

// place finds the generation of a stranger and reads it, or lets it be. It is
// false if that cannot be told yet.
func (f *Follower) place(x *file, now time.Time) bool {
	g, kin := f.relate(x, now)
	if was := f.seen[x.identity]; kin == unrelated && was.gen != nil && was.size == x.size && was.modified.Equal(x.modified) {
		g, kin = was.gen, replica // too short a copy to be known by its prints
	}
	if kin == undecided || kin == unrelated && !x.written() && f.unsettled(x, now) {
		f.seen[x.identity] = sight{size: x.size, modified: x.modified}
		x.handle.Close()
		return x.size == 0
	}
	if kin != unrelated {
		f.belong(x, g)
	}
	switch kin {
	case unrelated:
		f.welcome(x, now)
	case replica:
		f.ignore(x, g)
	case same:
		if f.nothingNew(x, g) {
			f.ignore(x, g)
			break
		}
		if g.State == Done || g.State == Lost {
			g.State = Open
		}
		f.hold(x, g, now)
	case altered:
		f.hold(x, g, now)
		f.queue = append(f.queue, x.rewritten())
	}
	return true
}

// belong settles which log a file and the generation in it are of: the one that it
// was written as, wherever rotation put it, unless nobody follows that name any more.
func (f *Follower) belong(x *file, g *Generation) {
	if matched(f.patterns, g.Log) {
		x.log = g.Log
	} else {
		g.Log = x.log
	}
}

// unsettled says that a file may be a copy of which too little is written to
// tell of what.
func (f *Follower) unsettled(x *file, now time.Time) bool {
	was, ok := f.seen[x.identity]
	still := ok && was.size == x.size && was.modified.Equal(x.modified)
	age := now.Sub(x.modified)
	switch {
	case x.size == 0:
		return true
	case f.first(): // it is passed over, whatever it is a copy of
		return false
	case x.short:
		return age < f.config.Quiet
	default:
		return x.size < headSize && age < settle && !still
	}
}

// nothingNew says that a rotated file was read to its end before.
func (f *Follower) nothingNew(x *file, g *Generation) bool {
	return !x.live() && g.State == Done && !x.zipped && x.size == g.Offset
}

// ignore lets go of a file that is g's but need not be read.
func (f *Follower) ignore(x *file, g *Generation) {
	x.handle.Close()
	f.seen[x.identity] = sight{size: x.size, modified: x.modified, gen: g}
}

// welcome starts a new generation, or passes over one that was there before
// the reader was to begin.
func (f *Follower) welcome(x *file, now time.Time) {
	first := f.first()
	g := f.begin(x.sighting)
	switch {
	case first && x.live() && !x.zipped:
		f.hold(x, g, now)
		if x.toEnd() {
			f.queue = append(f.queue, Event{Kind: Began, Generation: *g, To: g.Offset})
		}
	case !x.live() && (first || x.modified.Before(f.config.Since)):
		g.State, g.Head = Passed, printOf(x.head)
		f.ignore(x, g)
		f.queue = append(f.queue, Event{Kind: Began, Generation: *g, To: -1})
	default:
		f.hold(x, g, now)
	}
}

// first says that this is the look that passes over everything.
func (f *Follower) first() bool { return f.config.FromEnd && f.scanned.IsZero() }

// toEnd moves a file's generation behind its last newline; false if it has none.
func (x *file) toEnd() bool {
	size := min(x.size, tailSize+MaxLine)
	last := make([]byte, size)
	n, _ := x.handle.ReadAt(last, x.size-size)
	end := bytes.LastIndexByte(last[:n], '\n') + 1
	if end == 0 {
		return false
	}
	x.gen.advance(x.size-size+int64(end), x.head, last[:end])
	return true
}

// miss gives up generations whose file is nowhere, though the log goes on.
func (f *Follower) miss() {
	for _, g := range f.known {
		if g.State != Open || g.Offset == 0 || f.reading(g) || !f.continued(g) {
			continue
		}
		// Between reading a directory and looking at a file it may be renamed.
		if f.missing[g.ID]++; f.missing[g.ID] < 2 {
			continue
		}
		f.lose(g)
		f.queue = append(f.queue, Event{Kind: Vanished, Generation: *g, From: g.Offset, To: -1})
	}
}

// lose looks again at the files that were copies of g: one may be all that is left.
func (f *Follower) lose(g *Generation) {
	g.State = Lost
	f.reconsider(g)
}

// reconsider looks again at the files that were taken for g.
func (f *Follower) reconsider(g *Generation) {
	for id, s := range f.seen {
		if s.gen == g {
			s.again = true
			f.seen[id] = s
		}
	}
}

func (f *Follower) reading(g *Generation) bool {
	for _, x := range f.files {
		if x.gen == g {
			return true
		}
	}
	return false
}

// continued says that a later generation of g's log is being read.
func (f *Follower) continued(g *Generation) bool {
	for _, x := range f.files {
		if x.log == g.Log && x.gen != g {
			return true
		}
	}
	return false
}

// complain queues the troubles that are new, and forgets those that are over.
func (f *Follower) complain(troubles map[string]error) {
	for path := range f.troubles {
		if _, still := troubles[path]; !still && !f.holdsPath(path) {
			delete(f.troubles, path)
		}
	}
	for path, err := range troubles {
		if ev, ok := f.trouble(path, err); ok {
			f.queue = append(f.queue, ev)
		}
	}
}

func (f *Follower) holdsPath(path string) bool {
	for _, x := range f.files {
		if x.path == path {
			return true
		}
	}
	return false
}
