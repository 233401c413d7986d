package tail

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// alone is how long a file that may be a copy must have been left alone until what it
// is a copy of would have been truncated: copytruncate does that at once.
const alone = 5 * time.Second

// kinship is what a file is to a generation.
type kinship uint8

const (
	unrelated kinship = iota
	same              // it holds what was read of it, and maybe more
	replica           // another file with its content is the one to read
	altered           // it starts like it and differs before the offset
	undecided         // it may be a copy in the making
)

// relate finds the generation that a file holds.
func (f *Follower) relate(x *file, now time.Time) (*Generation, kinship) {
	for _, g := range f.nearest(x) {
		if kin := f.kin(x, g); kin != unrelated {
			return g, kin
		}
	}
	for _, y := range f.files {
		// Two logs may start with the same line, not with the same 4096 bytes.
		alike := y.log == x.log || len(x.head) == headSize
		if !alike || y.gen.Offset != 0 || !sameStart(x.head, y.head) {
			continue
		}
		if kin := f.twins(x, y, now); kin != unrelated {
			return y.gen, kin
		}
	}
	return nil, unrelated
}

// twins says what a file is to another that begins alike, of which nothing was read
// yet: a copy, unless both go on to be there and one of them is written to, where no
// copies are put, or they are not equally long.
func (f *Follower) twins(x, y *file, now time.Time) kinship {
	alike := !x.written() && !y.written() && x.length() == y.length()
	switch {
	case f.first(), x.log != y.log, x.short, y.short, alike && x.zipped != y.zipped:
		return replica
	case !x.left(now) || !y.left(now):
		f.hesitate(y)
		return undecided
	case !alike:
		return unrelated
	}
	f.queue = append(f.queue, Event{Kind: Trouble, To: -1, Err: fmt.Errorf(
		"following %q: it begins like %q and is as long: it is taken for a copy, and counted once", x.path, y.path)})
	return replica
}

// left says that nobody writes the file, or that it is no copy in the making.
func (x *file) left(now time.Time) bool { return x.written() || now.Sub(x.modified) >= alone }

// length is that of the content modulo 2^32.
func (x *file) length() uint32 {
	if !x.zipped {
		return uint32(x.size)
	}
	size, _ := gzipSize(x.handle, x.size) // 0 is no log's
	return size
}

// nearest is the generations that a file may hold: those of its inode first, then
// its log's. The others' are asked too, because a name says little: rotation moves
// a file to another directory, and a configuration may spell a path anew.
func (f *Follower) nearest(x *file) []*Generation {
	var own, log, others []*Generation
	for _, g := range f.known {
		switch {
		case g.Head.Len == 0:
		case x.has(g):
			own = append(own, g)
		case g.Log == x.log:
			log = append(log, g)
		default:
			others = append(others, g)
		}
	}
	// Of several that begin alike it holds the one that says most of it.
	slices.SortStableFunc(log, func(a, b *Generation) int { return cmp.Compare(b.Head.Len, a.Head.Len) })
	return slices.Concat(own, log, others)
}

// has says that the generation was last read from this file, if the inode is not
// another file's by now.
func (x *file) has(g *Generation) bool { return g.Device == x.device && g.Inode == x.inode }

// kin holds a file against one generation.
func (f *Follower) kin(x *file, g *Generation) kinship {
	own := x.has(g)
	switch {
	case !g.Head.begins(x.head):
		return unrelated
	case g.State == Passed && g.Offset == 0:
		return replica
	case !own && f.elsewhere(g):
		// Two generations may start alike, short ones above all, and the path that is
		// written to is not where copies are put: what stands there after g was moved
		// away is the next.
		if x.named && x.written() && (g.Head.Len < headSize || g.Log == x.log && f.moved(g)) {
			return unrelated
		}
		return replica
	case x.zipped && g.State == Done && x.isWholly(g):
		return replica
	}
	return x.continues(g, own)
}

// elsewhere says that another file is known to hold g.
func (f *Follower) elsewhere(g *Generation) bool {
	for _, s := range f.seen {
		if s.gen == g && !s.again {
			return true
		}
	}
	return f.reading(g)
}

// moved says that the file that g was read from has a name, which is not the log's.
func (f *Follower) moved(g *Generation) bool {
	id := identity{g.Device, g.Inode}
	if s, ok := f.seen[id]; ok && s.gen == g {
		return true
	}
	for _, y := range f.files {
		if y.gen == g && y.identity == id {
			return y.named && !y.live()
		}
	}
	return false
}

// isWholly says that the file's content is as long as what was read of g.
func (x *file) isWholly(g *Generation) bool {
	size, err := gzipSize(x.handle, x.size)
	return err == nil && size == uint32(g.Offset)
}

// continues looks at the bytes before the offset.
func (x *file) continues(g *Generation, own bool) kinship {
	last := make([]byte, g.Tail.Len)
	n, _ := x.content.ReadAt(last, g.Offset-int64(len(last)))
	switch {
	case n == len(last) && g.Tail.begins(last):
		return same
	case n < len(last) && !own:
		return replica // made before the end of what was read
	case x.zipped:
		return replica
	case g.Head.Len < headSize, !own && g.Log != x.log:
		return unrelated
	default:
		return altered
	}
}

// sameStart says that two files hold the same as far as both go: one line at
// least, or all that is looked at.
func sameStart(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n]) && (n == headSize || bytes.IndexByte(a[:n], '\n') >= 0)
}
