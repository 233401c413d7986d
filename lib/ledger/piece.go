package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"milepost/lib/tail"
)

const (
	// pieceSize is how much of a log one counter takes at a time.
	pieceSize = 16 << 20
	// chunkSize is how much of it is read at a time: what a processor's own cache holds.
	chunkSize = 128 << 10
	// maxLine is more bytes than a line of a log has.
	maxLine = 2 << 20
)

// A piece is the lines of a log that start in a part of it, and, when it is
// counted, what is wrong with them.
type piece struct {
	path     string
	from, to int64 // to is math.MaxInt64 for the last of a log
	known    int64 // size of the log; -1 of a stream
	zipped   bool
	over     bool // by its name nobody writes to it any more

	flaws      []flaw
	numbers    streaks
	before     int64 // milliseconds: the time of its last line; 0 = it has none
	damaged    bool  // it is compressed, and ends too soon
	unfinished bool  // its last line is not all there yet
}

// size is how many bytes of the log are the piece's.
func (p *piece) size() int64 { return max(0, min(p.to, p.known)-p.from) }

// divide cuts logs into pieces of that size. What is compressed, and a stream, is one piece.
func divide(files []string, size int64) ([]*piece, error) {
	var pieces []*piece
	for _, path := range files {
		whole := &piece{path: path, to: math.MaxInt64, over: tail.Logs([]string{path})[0] != path}
		f, length, err := openLog(path)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, whole)
		whole.known = length
		if length < 0 {
			continue
		}
		magic := make([]byte, 6)
		n, _ := f.ReadAt(magic, 0)
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("counting: %w", err)
		}
		if whole.zipped, err = isZipped(path, magic[:n]); err != nil {
			return nil, err
		}
		if whole.zipped || strings.HasSuffix(path, ".gz") {
			whole.zipped = true
			continue
		}
		for last := whole; last.from+size < length; {
			last.to = last.from + size
			last = &piece{path: path, known: length, from: last.to, to: math.MaxInt64, over: whole.over}
			pieces = append(pieces, last)
		}
	}
	return pieces, nil
}

// isZipped knows gzip by its first bytes (RFC 1952, 2.3.1), and refuses what
// else compresses logs.
func isZipped(path string, magic []byte) (bool, error) {
	for program, begins := range map[string]string{"xz": "\xfd7zXZ\x00", "zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh"} {
		if bytes.HasPrefix(magic, []byte(begins)) {
			return false, fmt.Errorf("counting %q: it is compressed by %s: pipe it in, %s -dc FILE | milepost-exporter usage --log -", path, program, program)
		}
	}
	return bytes.HasPrefix(magic, []byte("\x1f\x8b")), nil
}

// count adds the piece's lines to c.
func (p *piece) count(ctx context.Context, c *counter, m *meter) error {
	f, _, err := openLog(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	c.flaws, c.before = nil, 0
	if c.format.HasSequence {
		c.numbers = &p.numbers
	}
	defer func() { p.flaws, p.before = c.flaws, c.before }()
	l := lines{reader: f, to: p.to, over: p.over || p.zipped}
	defer func() { p.unfinished = l.unfinished }()
	switch {
	case p.known < 0:
		stream := bufio.NewReaderSize(metered{f, m}, chunkSize)
		l.reader = stream
		magic, _ := stream.Peek(6)
		if p.zipped, err = isZipped(p.path, magic); err != nil {
			return err
		}
	case p.zipped:
		l.reader = bufio.NewReaderSize(metered{f, m}, chunkSize)
	case p.from > 0: // from the end of the line before
		l.reader = io.NewSectionReader(f, p.from-1, math.MaxInt64-p.from)
		l.at, l.skip = p.from-1, true
		fallthrough
	default:
		defer m.add(p.size())
	}
	if p.zipped {
		switch l.reader, err = gzip.NewReader(l.reader); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			p.damaged = true
			return nil
		case err != nil:
			return fmt.Errorf("counting %q: %w", p.path, err)
		}
	}
	switch err := l.count(ctx, c); {
	case p.zipped && errors.Is(err, io.ErrUnexpectedEOF):
		p.damaged = true
		return nil
	case err != nil && ctx.Err() == nil:
		return fmt.Errorf("counting %q: %w", p.path, err)
	default:
		return err
	}
}

// lines are those that a reader has.
type lines struct {
	reader io.Reader
	at, to int64 // where the buffer's bytes are in the log; a line that starts at or after to is not counted
	skip   bool  // what is there ends a line that is not counted
	buffer []byte
	kept   int // bytes of buffer that are not counted yet

	over       bool // nobody writes them any more
	unfinished bool // the last one is not all there yet
}

// count adds the lines to c.
func (l *lines) count(ctx context.Context, c *counter) error {
	l.buffer = make([]byte, chunkSize)
	for ctx.Err() == nil {
		if l.kept == len(l.buffer) {
			l.lengthen(c)
		}
		n, err := l.reader.Read(l.buffer[l.kept:])
		l.kept += n
		if over := l.take(c); over {
			return nil
		}
		if errors.Is(err, io.EOF) {
			if !l.skip && l.kept > 0 {
				l.last(c, l.buffer[:l.kept])
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// last counts a last line without its newline, if it is all there. If not, squid may be
// writing it; where it does not any more, the line was torn.
func (l *lines) last(c *counter, record []byte) {
	switch {
	case c.format.Whole(record, &c.line):
		c.add(record)
	case l.over:
		c.flawed("torn", "")
		if c.numbers != nil {
			c.numbers.broke()
		}
	default:
		l.unfinished = true
	}
}

// lengthen makes room for a long line. One of megabytes is none.
func (l *lines) lengthen(c *counter) {
	if len(l.buffer) < maxLine {
		l.buffer = append(l.buffer, make([]byte, len(l.buffer))...)
		return
	}
	if !l.skip {
		c.flawed("long", "")
	}
	l.skip = true
	l.drop(l.kept)
}

// take counts the whole lines that are there; true if no more are wanted.
func (l *lines) take(c *counter) (over bool) {
	if l.skip {
		end := bytes.IndexByte(l.buffer[:l.kept], '\n') + 1
		if end == 0 {
			l.drop(l.kept)
			return false
		}
		l.drop(end)
		l.skip = false
	}
	if l.at >= l.to {
		return true
	}
	end := bytes.LastIndexByte(l.buffer[:l.kept], '\n') + 1
	if l.at+int64(end) >= l.to { // the last line is the one that has the byte before to
		end = int(l.to - 1 - l.at)
		end += bytes.IndexByte(l.buffer[end:l.kept], '\n') + 1
		over = true
	}
	c.add(l.buffer[:end])
	l.drop(end)
	return over
}

// drop forgets the first n bytes that are there.
func (l *lines) drop(n int) {
	l.kept = copy(l.buffer, l.buffer[n:l.kept])
	l.at += int64(n)
}
