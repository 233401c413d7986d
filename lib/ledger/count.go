package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"milepost/lib/accesslog"
)

// chunk is how much of a log is read at a time.
const chunk = 1 << 20

// Count counts logs, plain or compressed by gzip, without a ledger. progress
// hears how many bytes of the files are done.
func Count(ctx context.Context, files []string, c Config, q Query, progress func(done, total int64)) ([]Row, []Hole, error) {
	r, err := newReport(q)
	if err != nil {
		return nil, nil, err
	}
	if c.Format == "" {
		c.Format = "native"
	}
	format, err := accesslog.ParseFormat(c.Format)
	if err != nil {
		return nil, nil, err
	}
	var total, done int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, nil, fmt.Errorf("counting: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, nil, fmt.Errorf("counting %q: not a regular file", f)
		}
		total += info.Size()
	}
	var holes []Hole
	counter := newCounter(format, c.Exclude)
	counter.period = r.query.period()
	for _, f := range files {
		hole, err := counter.file(ctx, f, func(n int) {
			done += int64(n)
			if progress != nil {
				progress(done, total)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if hole != nil {
			holes = append(holes, *hole)
		}
	}
	for _, f := range counter.flaws {
		h := Hole{Server: c.Server, Kind: f.kind, Count: f.count, Detail: f.detail, At: f.at(), Until: f.until()}
		if q.touches(h) {
			holes = append(holes, h)
		}
	}
	for bucket, all := range counter.sums {
		for user, s := range all {
			r.add(c.Server, user, bucket, *s)
		}
	}
	return r.sorted(), merged(holes), nil
}

// file counts one file. A compressed one that ends too soon leaves a hole.
func (c *counter) file(ctx context.Context, path string, read func(int)) (*Hole, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("counting: %w", err)
	}
	defer f.Close()
	var in io.Reader = &metered{f, read}
	if magic := make([]byte, 2); strings.HasSuffix(path, ".gz") || first(f, magic) && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(bufio.NewReaderSize(in, chunk))
		if err != nil {
			return nil, fmt.Errorf("counting %q: %w", path, err)
		}
		in = zip
	}
	buffer, kept := make([]byte, 2*chunk), 0
	for ctx.Err() == nil {
		if kept == len(buffer) { // a line of megabytes is no line
			c.flawed("long", path)
			kept = 0
		}
		n, err := in.Read(buffer[kept:])
		kept += n
		end := bytes.LastIndexByte(buffer[:kept], '\n') + 1
		c.add(buffer[:end])
		kept = copy(buffer, buffer[end:kept])
		switch {
		case errors.Is(err, io.EOF):
			c.add(buffer[:kept]) // a last line without its newline
			return nil, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &Hole{Kind: "damaged", Path: path, At: seconds(c.before), Until: time.Now().UTC().Truncate(time.Second), Count: 1, Detail: "the compressed file ends too soon"}, nil
		case err != nil:
			return nil, fmt.Errorf("counting %q: %w", path, err)
		}
	}
	return nil, ctx.Err()
}

func first(f *os.File, magic []byte) bool {
	n, _ := f.ReadAt(magic, 0)
	return n == len(magic)
}

// metered tells how much was read.
type metered struct {
	r    io.Reader
	read func(int)
}

// Read reads and tells.
func (m *metered) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.read(n)
	return n, err
}
