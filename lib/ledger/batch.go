package ledger

import (
	"time"

	"milepost/lib/tail"
)

// A batch is what was counted since the last commit.
type batch struct {
	ledger      *Ledger
	counter     *counter
	generations map[int64]tail.Generation
	spans       map[int64]span
	logs        map[string]bool // whose sequences moved
	holes       []Hole
	size        int
}

func newBatch(l *Ledger) *batch {
	b := &batch{
		ledger: l, counter: newCounter(l.format, l.config.Exclude),
		generations: map[int64]tail.Generation{}, spans: map[int64]span{}, logs: map[string]bool{},
	}
	if !l.since.IsZero() {
		b.counter.since = l.since.UnixMilli()
	}
	return b
}

func (b *batch) empty() bool { return len(b.generations) == 0 && len(b.holes) == 0 && b.size == 0 }

// large says that b should be committed, whenever the last commit was.
func (b *batch) large() bool {
	rows := 0
	for _, t := range b.counter.sums {
		rows += len(t.users)
	}
	return b.size >= commitSize || rows >= commitRows
}

// take counts what an event brings.
func (b *batch) take(ev tail.Event) {
	if ev.Kind == tail.Trouble {
		b.ledger.config.Notice(ev.Err.Error())
		return
	}
	b.generations[ev.Generation.ID] = ev.Generation
	switch ev.Kind {
	case tail.Lines:
		b.count(ev)
	default:
		now := time.Now().UTC().Truncate(time.Second)
		if h, ok := b.ledger.lost(ev, now); ok {
			h.Server = b.ledger.config.Server
			b.holes = append(b.holes, h)
			b.ledger.complain(h)
		}
	}
}

// count adds up lines, and notes what of them could not be.
func (b *batch) count(ev tail.Event) {
	l, c, g := b.ledger, b.counter, ev.Generation
	b.size += len(ev.Lines)
	c.latest = time.Now().Add(ahead).UnixMilli()
	if l.format.HasSequence {
		b.logs[g.Log] = true
		if l.sequences[g.Log] == nil {
			l.sequences[g.Log] = &sequences{}
		}
		c.numbers = l.sequences[g.Log]
	}
	c.add(ev.Lines)
	read := l.spans[g.ID].with(span{g.Log, firstTime(l.format, ev.Lines), c.before})
	l.spans[g.ID], b.spans[g.ID] = read, read
	for _, f := range c.flaws {
		path := g.Path
		if f.kind == missing {
			path = g.Log // squid counts on when the file is another
		}
		h := Hole{
			Server: l.config.Server, Kind: f.kind, Path: path, At: f.at(), Until: f.until(),
			From: f.from, To: f.to, Count: f.count, Detail: f.detail,
		}
		b.holes = append(b.holes, h)
		l.complain(h)
	}
	c.flaws = c.flaws[:0]
	b.holes = merged(b.holes)
}
