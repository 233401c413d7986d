package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/crew"
)

// Count counts logs, plain or compressed by gzip, without a ledger; "-" is
// standard input. It keeps every processor busy that it may use. progress hears
// how many bytes of the files are done; of input whose length nobody knows,
// the total has none. c.Notice hears of logs that are named twice, and of lines that
// are still being written.
func Count(ctx context.Context, files []string, c Config, q Query, progress func(done, total int64)) ([]Row, []Hole, error) {
	if err := errors.Join(q.validate(), q.inSeconds()); err != nil {
		return nil, nil, err
	}
	if c.Notice == nil {
		c.Notice = func(string) {}
	}
	files, err := distinct(ctx, files, c.Notice)
	if err != nil {
		return nil, nil, err
	}
	pieces, err := divide(files, pieceSize)
	if err != nil {
		return nil, nil, err
	}
	return countPieces(ctx, pieces, c, q, progress)
}

// countPieces counts logs that are cut up.
func countPieces(ctx context.Context, pieces []*piece, c Config, q Query, progress func(done, total int64)) ([]Row, []Hole, error) {
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
	m := meter{progress: progress}
	for _, p := range pieces {
		m.total += p.size()
	}
	counters := make([]*counter, min(runtime.GOMAXPROCS(0), len(pieces)))
	for i := range counters {
		counters[i] = newCounter(format, c.Exclude)
		counters[i].period = r.query.period()
	}
	if err := countAll(ctx, counters, pieces, &m); err != nil {
		return nil, nil, err
	}
	for _, counter := range counters {
		for bucket, all := range counter.sums {
			for user, s := range all.all() {
				r.add(c.Server, user, bucket, *s)
			}
		}
	}
	for _, p := range pieces {
		if p.unfinished {
			c.Notice(fmt.Sprintf("%q ends within a line, which squid may be writing yet: it is not counted", p.path))
		}
	}
	var holes []Hole
	for _, h := range append(holesOf(pieces), missingIn(pieces)...) {
		if h.Server = c.Server; q.touches(h) {
			holes = append(holes, h)
		}
	}
	return r.sorted(), merged(holes), nil
}

// countAll lets each counter take the next piece until there is none.
func countAll(ctx context.Context, counters []*counter, pieces []*piece, m *meter) error {
	next := make(chan *piece, len(pieces))
	for _, p := range pieces {
		next <- p
	}
	close(next)
	faults := make([]error, len(counters))
	var counting crew.Crew
	for i, c := range counters {
		counting.Go(func() {
			for p := range next {
				if faults[i] = p.count(ctx, c, m); faults[i] != nil {
					for range next { // nobody need go on
					}
				}
			}
		})
	}
	counting.Wait()
	return errors.Join(faults...)
}

// holesOf is what could not be counted, in the order of the logs: when it was
// is told by the line before, which may be in the piece before.
func holesOf(pieces []*piece) []Hole {
	var holes []Hole
	var before int64
	for _, p := range pieces {
		if p.from == 0 {
			before = 0
		}
		for _, f := range p.flaws {
			if f.before == 0 {
				f.before = before
			}
			holes = append(holes, Hole{Kind: f.kind, Count: f.count, Detail: f.detail, At: f.at(), Until: f.until()})
		}
		if p.before != 0 {
			before = p.before
		}
		if p.damaged {
			holes = append(holes, Hole{
				Kind: "damaged", Path: p.path, At: seconds(before), Until: time.Now().UTC().Truncate(time.Second),
				Count: 1, Detail: "the compressed file ends too soon",
			})
		}
	}
	return holes
}

// A meter tells how far the counters are.
type meter struct {
	progress    func(done, total int64) // nil = nobody wants to know
	mu          sync.Mutex
	done, total int64
}

func (m *meter) add(n int64) {
	if m.progress == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.progress(m.done, m.total)
}

// metered is a reader whose bytes a meter hears of.
type metered struct {
	io.Reader
	meter *meter
}

// Read reads and tells.
func (r metered) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.meter.add(int64(n))
	return n, err
}

// openLog opens a log. Its size is -1 if it is a stream.
func openLog(path string) (f *os.File, size int64, err error) {
	if path == "-" {
		return os.Stdin, -1, nil
	}
	if f, err = os.Open(path); err != nil {
		return nil, 0, fmt.Errorf("counting: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("counting: %w", err)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("counting %q: not a regular file: write - and pipe it in", path)
	default:
		return f, info.Size(), nil
	}
	return nil, 0, errors.Join(err, f.Close())
}
