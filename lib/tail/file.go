package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// MaxLine is the longest line that is read, in bytes: over a hundred times
// what squid 5 writes. A longer one is passed over.
const MaxLine = 1 << 20

// A file is one that is held open and read.
type file struct {
	sighting        // as it was last seen
	named    bool   // it still had a name at the last scan
	head     []byte // the first bytes of the content, 4096 at most
	gen      *Generation

	handle  *os.File
	content io.ReaderAt // what is in it, decompressed
	zipped  bool

	grew    time.Time // when it was last seen to grow
	drained bool      // everything there was is read
	short   bool      // it is compressed and its end is missing
	partial int64     // how many bytes follow the last newline
	long    int64     // how many bytes of a line beyond MaxLine were looked at
}

// take opens the file at path and reads its head.
func take(path string) (*file, error) {
	handle, s, err := open(path)
	if err != nil {
		return nil, err
	}
	x := &file{sighting: s, named: true, handle: handle, content: handle, zipped: isGzip(handle)}
	if x.zipped {
		x.content = &unzipped{file: handle}
	}
	x.head, err = x.start()
	x.short = errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !atEnd(err) && !x.zipped { // what is corrupt inside, next finds out
		handle.Close()
		return nil, fmt.Errorf("following %q: %w", path, cause(err))
	}
	return x, nil
}

// start reads the first bytes of the content.
func (x *file) start() ([]byte, error) {
	head := make([]byte, headSize)
	n, err := x.content.ReadAt(head, 0)
	return head[:n], err
}

// atEnd says that there is no more for now.
func atEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// stat notes how long the file is now.
func (x *file) stat(now time.Time) error {
	info, err := x.handle.Stat()
	if err != nil {
		return fmt.Errorf("following %q: %w", x.path, cause(err))
	}
	// The time too: a file may be truncated and filled to the length it had.
	if info.Size() != x.size || !info.ModTime().Equal(x.modified) {
		x.grew, x.drained = now, false
	}
	x.size, x.modified = info.Size(), info.ModTime()
	return nil
}

// next reads on into b, which has room for MaxLine and a tail. none is true if
// there is nothing, or nothing whole, to be had now.
func (x *file) next(b []byte) (ev Event, none bool) {
	for {
		at := x.gen.Offset + x.long
		back := min(at, tailSize)
		n, err := x.content.ReadAt(b[:back+MaxLine], at-back)
		if err != nil && !atEnd(err) {
			return x.unreadable(err), false
		}
		got := b[:n]
		if int64(n) < back || x.long == 0 && !x.gen.Tail.begins(got) {
			return x.cut(), false
		}
		fresh := got[back:]
		x.drained = len(fresh) < MaxLine
		x.short = errors.Is(err, io.ErrUnexpectedEOF)
		if at < headSize {
			x.head = append(x.head[:at], fresh[:min(len(fresh), int(headSize-at))]...)
		}
		if ev, ok := x.whole(at, got, fresh); ok {
			return ev, false
		}
		x.partial = int64(len(fresh))
		if x.long > 0 || !x.drained {
			x.long += int64(len(fresh))
		}
		if x.drained {
			return Event{}, true
		}
	}
}

// whole consumes the whole lines of fresh, which is the end of got and starts
// at the offset at.
func (x *file) whole(at int64, got, fresh []byte) (Event, bool) {
	kind, end := Lines, bytes.LastIndexByte(fresh, '\n')+1
	if x.long > 0 {
		kind, end = Long, bytes.IndexByte(fresh, '\n')+1
	}
	if end == 0 {
		return Event{}, false
	}
	if kind == Long {
		x.drained = false // lines may follow
	}
	from := x.gen.Offset
	x.gen.State = Open
	x.gen.advance(at+int64(end), x.head, got[:len(got)-len(fresh)+end])
	x.partial, x.long = int64(len(fresh)-end), 0
	ev := Event{Kind: kind, Generation: *x.gen, From: from, To: x.gen.Offset}
	if kind == Lines {
		ev.Lines = fresh[:end]
	}
	return ev, true
}

// rest consumes what follows the last newline of a generation that is over.
func (x *file) rest(b []byte) Event {
	kind, from, to := Torn, x.gen.Offset, x.gen.Offset+x.partial
	if x.long > 0 {
		kind, to = Long, x.gen.Offset+x.long
	}
	back := min(to, tailSize+min(to-from, MaxLine))
	n, _ := x.content.ReadAt(b[:back], to-back) // it was read a moment ago
	x.gen.advance(to, x.head, b[:n])
	x.partial, x.long = 0, 0
	ev := Event{Kind: kind, Generation: *x.gen, From: from, To: to}
	if kind == Torn {
		ev.Lines = b[max(0, int64(n)-(to-from)):n]
	}
	return ev
}

// cut is what became of a file that does not hold what was read from it: it
// was truncated, and starts a new generation, or it was written anew in parts.
func (x *file) cut() Event {
	x.long, x.partial, x.drained = 0, 0, false
	head, _ := x.start()
	if x.gen.Head.Len > 0 && x.gen.Head.begins(head) {
		x.head = head
		return x.rewritten()
	}
	ev := Event{Kind: Truncated, From: x.gen.Offset, To: -1}
	x.gen.State, x.gen.Device, x.gen.Inode = Lost, 0, 0
	ev.Generation = *x.gen
	return ev
}

// rewritten goes on in a file that starts as ever and then differs: after a
// power cut the last bytes may never have reached the disk. It is not read
// again from its start, which was counted; what was written between where it
// differs and the offset is lost.
func (x *file) rewritten() Event {
	from, to := min(x.size, x.gen.Offset), x.gen.Offset
	last := make([]byte, min(from, tailSize))
	n, _ := x.content.ReadAt(last, from-int64(len(last)))
	x.gen.advance(from, x.head, last[:n])
	x.gen.State = Open
	return Event{Kind: Rewritten, Generation: *x.gen, From: from, To: to}
}

// unreadable is a read that failed. Compressed content that is corrupt stays so.
func (x *file) unreadable(err error) Event {
	x.drained = true
	ev := Event{
		Kind: Trouble, Generation: *x.gen, From: x.gen.Offset, To: -1,
		Err: fmt.Errorf("reading %q: %w", x.path, cause(err)),
	}
	if x.zipped {
		ev.Kind = Damaged
	}
	return ev
}

// lag is how many bytes are known to wait. Of a compressed file only its own
// length is known.
func (x *file) lag() int64 {
	switch {
	case x.drained && x.zipped:
		return 0
	case x.zipped:
		return x.size
	default:
		return max(0, x.size-x.gen.Offset)
	}
}
