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
	"os"
)

// A candidate is a log that somebody named.
type candidate struct {
	path   string
	info   os.FileInfo
	zipped bool
	size   int64 // of the content, modulo 2^32 if it is compressed; -1 of a stream
}

// distinct is the logs less those that are named twice: under another name, or as a
// copy, compressed or not, with the same content. notice hears of each. What is
// counted of a log and its compressed copy is the log.
func distinct(ctx context.Context, files []string, notice func(string)) ([]string, error) {
	var all []candidate
	for _, path := range files {
		c, err := look(path)
		if err != nil {
			return nil, err
		}
		i, how, err := c.twin(ctx, all)
		switch {
		case err != nil:
			return nil, err
		case i < 0:
			all = append(all, c)
			continue
		case all[i].zipped && !c.zipped:
			c, all[i] = all[i], c
		}
		notice(fmt.Sprintf("%q %s %q: it is counted once", c.path, how, all[i].path))
	}
	var paths []string
	for _, c := range all {
		paths = append(paths, c.path)
	}
	return paths, nil
}

// look opens a log to see what it is.
func look(path string) (c candidate, err error) {
	f, size, err := openLog(path)
	if err != nil {
		return c, err
	}
	if f != os.Stdin {
		defer f.Close()
	}
	c = candidate{path: path, size: size}
	if c.info, err = f.Stat(); err != nil || size < 0 {
		return c, err
	}
	c.zipped, c.size, err = measure(f, size)
	return c, err
}

// measure says whether a log is compressed, and how long its content is (RFC 1952,
// 2.3.1: ISIZE).
func measure(f *os.File, size int64) (zipped bool, length int64, err error) {
	var magic, last [4]byte
	if n, _ := f.ReadAt(magic[:], 0); n < len(magic) || magic[0] != 0x1f || magic[1] != 0x8b {
		return false, size, nil
	}
	if _, err := f.ReadAt(last[:], size-int64(len(last))); err != nil {
		return true, 0, fmt.Errorf("counting: %w", err)
	}
	return true, int64(last[0]) | int64(last[1])<<8 | int64(last[2])<<16 | int64(last[3])<<24, nil
}

// twin is the one of others that holds what c does, and how; -1 if there is none.
func (c candidate) twin(ctx context.Context, others []candidate) (i int, how string, err error) {
	for i, o := range others {
		if os.SameFile(c.info, o.info) {
			return i, "is the same file as", nil
		}
		if !c.alike(o) {
			continue
		}
		if same, err := sameContent(ctx, c, o); same || err != nil {
			return i, "holds the same as", err
		}
	}
	return -1, "", nil
}

// alike says that it is worth reading both: that they are equally long, or that one may
// be the other's compressed copy in the making.
func (c candidate) alike(o candidate) bool {
	switch {
	case c.size < 0 || o.size < 0:
		return false
	case c.path+".gz" == o.path || o.path+".gz" == c.path:
		return true
	case c.zipped || o.zipped:
		return c.size > 0 && c.size&math.MaxUint32 == o.size&math.MaxUint32
	default:
		return c.size > 0 && c.size == o.size
	}
}

// sameContent compares two logs. One that is compressed and ends too soon is the same as
// far as it goes.
func sameContent(ctx context.Context, a, b candidate) (bool, error) {
	var readers [2]io.Reader
	for i, c := range []candidate{a, b} {
		f, _, err := openLog(c.path)
		if err != nil {
			return false, err
		}
		defer f.Close()
		readers[i] = f
		if c.zipped {
			if readers[i], err = gzip.NewReader(bufio.NewReaderSize(f, chunkSize)); err != nil {
				return false, nil // counting it says what is wrong
			}
		}
	}
	x, y := make([]byte, chunkSize), make([]byte, chunkSize)
	for some := false; ctx.Err() == nil; some = true {
		n, errX := fill(readers[0], x)
		m, errY := fill(readers[1], y)
		k := min(n, m)
		cut := n <= m && errors.Is(errX, io.ErrUnexpectedEOF) || m <= n && errors.Is(errY, io.ErrUnexpectedEOF)
		switch {
		case !bytes.Equal(x[:k], y[:k]), n != m && !cut:
			return false, nil
		case cut:
			return some || k > 0, nil
		case errX != nil || errY != nil:
			return errors.Is(errX, io.EOF) && errors.Is(errY, io.EOF), nil
		}
	}
	return false, ctx.Err()
}

// fill reads until b is full. Unlike io.ReadFull it tells an end from content that is cut.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = r.Read(b[n:])
		n += k
	}
	return n, err
}
