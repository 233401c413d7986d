package ledger

import (
	"cmp"
	"time"

	"milepost/lib/accesslog"
)

// bucketSize is how long a base bucket is, in seconds: hours could not form a
// local day where the zone is off by 30 or 45 minutes.
const bucketSize = 15 * 60

// Times outside are absurd: they count into the totals and leave a hole.
const (
	earliest = 978307200000 // 2001-01-01 in milliseconds: before squid's present format
	ahead    = 24 * time.Hour
)

// badTime is the bucket of lines whose time is absurd.
const badTime = 0

// A counter sums lines. It allocates only for a user's first line in a bucket.
type counter struct {
	format  *accesslog.Format
	exclude map[string]bool
	line    accesslog.Line
	period  period
	sums    map[int64]*tally // by bucket
	current *tally           // of the bucket of the line before
	starts  int64            // when that bucket starts, in seconds
	ends    int64
	seeds   seeds    // of all tallies
	owed    [64]owed // to current
	owing   int      // how many
	names   []byte   // of what is owed: users that had to be decoded
	totals  totals
	flaws   []flaw
	// numbers of the log whose lines are added; nil = they are not followed.
	numbers numbers
	since   int64 // milliseconds: what is earlier is skipped; 0 = nothing is
	latest  int64 // milliseconds: what is later is absurd
	before  int64 // milliseconds: the time of the last line whose time is not absurd; 0 = there was none
}

// numbers follow squid's own count of the records of a log (%sn): in the order they
// were written (sequences), or in parts (streaks).
type numbers interface {
	// saw takes a record's number. count is as sequences tell it.
	saw(n, at int64) (from, when, count int64)
	// broke takes a malformed record, whose number nobody knows.
	broke()
}

// A flaw is lines that could not be counted as they stand.
type flaw struct {
	kind, detail string
	count        int64
	before       int64 // milliseconds: the time of the line before, or 0
	after        int64 // the same of the next line with a time, where there is none before
	from, to     int64 // missing: squid's own numbers
}

// at is when in the log the flaw is, by the line beside it; zero = not known.
func (f flaw) at() time.Time { return seconds(cmp.Or(f.before, f.after)) }

// until is the same, and now if it is not known.
func (f flaw) until() time.Time {
	if at := f.at(); !at.IsZero() {
		return at
	}
	return time.Now().UTC().Truncate(time.Second)
}

func newCounter(f *accesslog.Format, exclude []string) *counter {
	return &counter{
		seeds: newSeeds(), format: f, exclude: excluded(exclude), period: quarters, sums: map[int64]*tally{},
		totals: totals{lines: map[string]int64{}}, latest: time.Now().Add(ahead).UnixMilli(),
	}
}

// add counts whole lines.
func (c *counter) add(lines []byte) {
	var counted, skipped int64
	for len(lines) > 0 {
		var record []byte
		var flaw accesslog.Flaw
		record, lines, flaw = c.format.Next(lines, &c.line)
		for flaw != accesslog.None && record != nil {
			if flaw != accesslog.Empty {
				c.flawed("malformed", flaw.String())
				if c.numbers != nil {
					c.numbers.broke()
				}
			}
			if record = c.format.Rest(record); record != nil { // what was glued to a torn record
				flaw = c.format.Parse(record, &c.line)
			}
		}
		switch {
		case flaw != accesslog.None:
		case c.count():
			counted++
		default:
			skipped++
		}
	}
	c.settle()
	c.totals.lines["counted"] += counted
	c.totals.lines["skipped"] += skipped
}

// count is one well-formed line; false if its user is left out, or it is of
// before counting began.
func (c *counter) count() bool {
	l := &c.line
	if c.numbers != nil {
		c.follow(l)
	}
	absurd := l.Time < earliest || l.Time > c.latest
	if !absurd {
		if l.Time < c.since {
			return false
		}
		if c.before == 0 {
			c.date(l.Time)
		}
		c.before = l.Time
	}
	c.totals.out += l.Sent
	if c.format.HasReceived {
		c.totals.in += l.Received
	}
	c.totals.results[l.Result()]++
	who := l.Who()
	if len(c.exclude) > 0 && c.exclude[string(who)] {
		return false
	}
	switch at := l.Time / 1000; {
	case absurd:
		c.flawed("bad_time", "")
		c.enter(badTime, 0, 0)
	case at < c.starts || at >= c.ends:
		c.enter(c.period(at))
	}
	c.owe(who)
	return true
}

// owe notes what the line adds to the sums of a user.
func (c *counter) owe(who []byte) {
	if c.line.Decoded() { // the next line's user would be written over it
		at := len(c.names)
		c.names = append(c.names, who...)
		who = c.names[at:]
	}
	o := &c.owed[c.owing]
	o.name, o.prefix = who, prefixOf(who)
	o.hash = c.seeds.hash(who, &o.prefix)
	o.sent, o.received = c.line.Sent, c.line.Received
	if c.owing++; c.owing == len(c.owed) {
		c.settle()
	}
}

// settle adds what is owed.
func (c *counter) settle() {
	if c.owing > 0 {
		c.current.pay(c.owed[:c.owing], !c.format.HasReceived)
		c.owing, c.names = 0, c.names[:0]
	}
}

// follow notes the records that are missing before l, or found to be there.
func (c *counter) follow(l *accesslog.Line) {
	if from, when, count := c.numbers.saw(l.Sequence, l.Time); count != 0 {
		c.flaws = append(c.flaws, flaw{kind: missing, count: count, before: when, from: from, to: from + max(count, 0)})
	}
}

// enter makes a bucket the current one.
func (c *counter) enter(bucket, starts, ends int64) {
	c.settle()
	c.starts, c.ends = starts, ends
	if c.current = c.sums[bucket]; c.current == nil {
		c.current = newTally(c.seeds)
		c.sums[bucket] = c.current
	}
}

// date tells the flaws before the first line with a time when they were.
func (c *counter) date(at int64) {
	for i := range c.flaws {
		if f := &c.flaws[i]; f.before == 0 && f.kind != missing {
			f.after = at
		}
	}
}

// flawed notes a flaw, together with others of its kind.
func (c *counter) flawed(kind, detail string) {
	if kind == "malformed" {
		c.totals.lines[kind]++
	}
	for i := range c.flaws { // there are but some kinds of them
		if f := &c.flaws[i]; f.kind == kind && f.detail == detail && f.before/1000/bucketSize == c.before/1000/bucketSize {
			f.count++
			return
		}
	}
	c.flaws = append(c.flaws, flaw{kind: kind, detail: detail, count: 1, before: c.before})
}
