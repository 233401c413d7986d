package tail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// MaxLine is the longest line that is read, in bytes: sixteen times what squid writes.
const MaxLine = 1 << 20

// errGone is the error of a file that was renamed or deleted before it was opened.
var errGone = errors.New("no such file any more")

// A file is one that is held open.
type file struct {
	sighting
	handle  *os.File
	content io.ReaderAt // of the handle, decompressed
	zipped  bool

	gen     *Generation
	head    []byte    // the first bytes of the content
	grew    time.Time // when it was last seen to be longer
	partial int       // bytes of a last line that has no newline yet
	long    int       // bytes of a line that is being passed over
	short   bool      // it is compressed and ends too soon
	drained bool      // it is compressed and was read to its end
	named   bool      // the last scan found it
}

// take opens the file at path.
func take(path string) (*file, error) {
	handle, s, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	if err != nil {
		return nil, err
	}
	x := &file{sighting: s, handle: handle, content: handle, zipped: isGzip(handle), named: true}
	if x.zipped {
		x.content = &unzipped{file: handle}
	}
	x.see()
	return x, nil
}

// see reads the head, as long as it is not all there.
func (x *file) see() {
	if len(x.head) == headSize {
		return
	}
	head := make([]byte, headSize)
	n, _ := x.content.ReadAt(head, 0) // what cannot be read now is found out by next
	x.head = head[:n]
}

// stat looks how long the file is.
func (x *file) stat(now time.Time) error {
	info, err := x.handle.Stat()
	if err != nil {
		return fmt.Errorf("following %q: %w", x.path, cause(err))
	}
	if info.Size() != x.size {
		x.grew = now
	}
	x.size, x.modified = info.Size(), info.ModTime()
	return nil
}

// lag is how many bytes are there and were not read.
func (x *file) lag() int64 {
	if x.zipped {
		return 0 // nobody knows before it is decompressed
	}
	return max(0, x.size-x.gen.Offset)
}

// next reads on; none says that there is nothing.
func (x *file) next(buffer []byte) (ev Event, none bool) {
	g := x.gen
	if !x.zipped && x.size < g.Offset {
		g.State = Lost
		return Event{Kind: Truncated, Generation: *g, From: g.Offset, To: -1}, false
	}
	before, fresh, err := x.read(buffer)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		x.short = true
	case err != nil && !errors.Is(err, io.EOF) && x.zipped:
		return x.unreadable(err), false
	case err != nil && !errors.Is(err, io.EOF):
		return Event{Kind: Trouble, To: -1, Err: fmt.Errorf("reading %q: %w", x.path, cause(err))}, false
	case x.zipped && errors.Is(err, io.EOF):
		x.drained = bytes.IndexByte(fresh, '\n') < 0
	}
	if !g.Tail.begins(before) {
		return x.rewritten(), false
	}
	x.partial = 0
	switch end := bytes.LastIndexByte(fresh, '\n') + 1; {
	case x.long > 0 && len(fresh) > 0:
		return x.pass(buffer, len(before), fresh), false
	case end > 0:
		from := g.Offset
		x.consume(buffer[:len(before)+end], end)
		return Event{Kind: Lines, Generation: *g, From: from, To: g.Offset, Lines: fresh[:end]}, false
	case len(fresh) == MaxLine:
		return x.pass(buffer, len(before), fresh), false
	default:
		x.partial = len(fresh)
		return Event{}, true
	}
}

// read fills the buffer with what was consumed last, to know the file by, and
// with what follows.
func (x *file) read(buffer []byte) (before, fresh []byte, err error) {
	known := x.gen.Tail.Len
	n, err := x.content.ReadAt(buffer[:known+MaxLine], x.gen.Offset-int64(known))
	if n < known {
		return buffer[:n], nil, err
	}
	return buffer[:known], buffer[known:n], err
}

// consume moves the generation behind n more bytes, the last ones of upTo.
func (x *file) consume(upTo []byte, n int) {
	x.see()
	x.gen.State = Open
	x.gen.advance(x.gen.Offset+int64(n), x.head, upTo)
}

// pass passes over a line that is too long, up to its newline if that is there.
func (x *file) pass(buffer []byte, known int, fresh []byte) Event {
	n := len(fresh)
	x.long += n
	if end := bytes.IndexByte(fresh, '\n') + 1; end > 0 {
		n, x.long = end, 0
	}
	from := x.gen.Offset
	x.consume(buffer[:known+n], n)
	return Event{Kind: Long, Generation: *x.gen, From: from, To: x.gen.Offset}
}

// rest is the last line of a generation that is over, which has no newline.
func (x *file) rest(buffer []byte) Event {
	before, fresh, _ := x.read(buffer) // it was read a moment ago
	kind, from := Torn, x.gen.Offset
	if x.long > 0 {
		kind = Long
	}
	x.consume(buffer[:len(before)+len(fresh)], len(fresh))
	x.partial, x.long = 0, 0
	return Event{Kind: kind, Generation: *x.gen, From: from, To: x.gen.Offset, Lines: fresh}
}

// rewritten takes a file as it is now for its generation: somebody wrote it anew
// while nobody looked. What stands before the offset was not read and is not
// known; reading goes on behind the next newline.
func (x *file) rewritten() Event {
	g := x.gen
	from := g.Offset
	x.head = nil
	x.see()
	b := make([]byte, MaxLine)
	n, _ := x.content.ReadAt(b, max(0, from-1))
	skip := bytes.IndexByte(b[:n], '\n') + 1
	to := max(0, from-1) + int64(skip)
	g.Head, g.Tail, g.State = Print{}, Print{}, Open
	g.advance(to, x.head, b[:skip])
	return Event{Kind: Rewritten, Generation: *g, From: from, To: to}
}

// unreadable is a compressed generation that ends in the middle.
func (x *file) unreadable(err error) Event {
	return Event{
		Kind: Damaged, Generation: *x.gen, From: x.gen.Offset, To: -1,
		Err: fmt.Errorf("reading compressed log %q: %w", x.path, err),
	}
}
