package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/tail"
)

// holeKinds is every Kind of a Hole that is kept. Each is a counter from the start on: of one that
// began with its first hole, Prometheus would not see the increase.
var holeKinds = []string{"bad_time", "damaged", "long", "malformed", missing, "rewritten", "set_aside", "torn", "truncated", "vanished"}

// A Hole is a gap in what was counted. Its bytes are never guessed.
type Hole struct {
	Server string `json:"server"`
	Kind   string `json:"kind"` // of holeKinds, or noLog
	Path   string `json:"path"`
	// What was lost was logged between At and Until, by the lines around it. A
	// zero At says that nobody knows how long before.
	At    time.Time `json:"at,omitzero"`
	Until time.Time `json:"until"`
	// From and To are the bytes of the file, or the records by squid's own count
	// (missing): To is not in it, and -1 where nobody knows.
	From   int64  `json:"-"`
	To     int64  `json:"-"`
	Count  int64  `json:"count"`
	Detail string `json:"detail,omitempty"`
}

// A span is from when to when the lines of a generation were logged, in
// milliseconds; 0 = not known.
type span struct {
	log         string
	first, last int64
}

// with is s with the span of lines that follow.
func (s span) with(o span) span {
	s.log = o.log
	if s.first == 0 {
		s.first = o.first
	}
	if o.last != 0 {
		s.last = o.last
	}
	return s
}

// firstTime is when the first of lines was logged, in milliseconds; 0 = not known.
func firstTime(f *accesslog.Format, lines []byte) int64 {
	var l accesslog.Line
	for record := range bytes.Lines(lines) {
		if f.Parse(bytes.TrimSuffix(record, []byte{'\n'}), &l) == accesslog.None && l.Time >= earliest {
			return l.Time
		}
	}
	return 0
}

// lost is the hole that an event leaves; false if it leaves none.
func (l *Ledger) lost(ev tail.Event, now time.Time) (Hole, bool) {
	g := ev.Generation
	h := Hole{Kind: ev.Kind.String(), Path: g.Path, Until: now, Count: 1, From: ev.From, To: ev.To}
	if ev.Err != nil {
		h.Detail = ev.Err.Error()
	}
	read := l.spans[g.ID]
	switch ev.Kind {
	case tail.Torn, tail.Long:
		h.At = seconds(read.last)
		if read.last != 0 {
			h.Until = h.At
		}
	case tail.Truncated, tail.Rewritten, tail.Vanished, tail.Damaged:
		h.At = seconds(read.last)
		if next := l.nextOf(g); next != 0 {
			h.Until = seconds(next)
		}
	default:
		return Hole{}, false
	}
	if h.Until.Before(h.At) { // a clock that was set back
		h.Until = h.At
	}
	return h, true
}

// nextOf is when the first line of the generations after g was logged, as far
// as they were read.
func (l *Ledger) nextOf(g tail.Generation) int64 {
	var next int64
	for id, s := range l.spans {
		if id > g.ID && s.log == g.Log && s.first != 0 && (next == 0 || s.first < next) {
			next = s.first
		}
	}
	return next
}

// seconds is a time in milliseconds, to the second; zero if it is not known.
func seconds(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.Unix(ms/1000, 0).UTC()
}

// advice is what a person can do, so that a kind of hole is not made again.
var advice = map[string]string{
	"bad_time":  "the clock of squid's machine was far off: look at check_clock_offset",
	"damaged":   "a compressed log cannot be read to its end: was the disk full while it was written? bring back a whole copy, and it is counted",
	"long":      "no record of squid's is longer than a megabyte: see what else writes the log",
	"malformed": "these lines are not of the log's format: compare squid.conf's logformat with billing.format (usage --log: --log-format), and see that only one squid writes the log",
	missing:     "squid numbered records that the log has not: was its disk full, or is there another access_log?",
	noLog:       "no log was ever read: is access_log where squid writes, and may milepost read it?",
	"rewritten": "what was read already was changed: see what else writes the log",
	"set_aside": "a damaged ledger was replaced by one made of the logs that were left: bring back its last backup if one is newer than they are",
	"torn":      "squid, or its machine, was stopped in the middle of a record, or its disk was full",
	"truncated": "what was written while it was copied is lost: have logrotate rename it, and squid -k rotate run after it, in place of copytruncate",
	"vanished":  "it went before it was read to its end: have logrotate keep more files (rotate), or milepost run all the time",
}

// told is the hole in one sentence, for the log.
func (h Hole) told() string {
	where := fmt.Sprintf("log %q", h.Path)
	if h.From > 0 && h.Kind != missing {
		where += fmt.Sprintf(" at byte %d", h.From)
	}
	what := h.Kind
	if h.Detail != "" {
		what += " (" + accesslog.Shown(h.Detail) + ")"
	}
	return fmt.Sprintf("billing: a hole in the ledger: %s %s: %s: see usage --holes", where, what, advice[h.Kind])
}

// complain has the log say what could not be counted: of lines once an hour for a log and a
// kind, because there may be thousands.
func (l *Ledger) complain(h Hole) {
	if h.Count <= 0 { // records that were missing, and are there
		return
	}
	now := time.Now()
	of := place{kind: h.Kind, path: h.Path}
	if last, told := l.toldOf[of]; told && now.Sub(last) < time.Hour {
		return
	}
	if l.toldOf == nil || len(l.toldOf) > 1000 { // paths come and go
		l.toldOf = map[place]time.Time{}
	}
	l.toldOf[of] = now
	l.config.Notice(h.told())
}

// String is the hole in one line, for a person who asked for all.
func (h Hole) String() string {
	line := fmt.Sprintf("%d %s from %s to %s on %s", h.Count, h.Kind, instant(h.At), instant(h.Until), h.Server)
	if h.Path != "" {
		line += fmt.Sprintf(" in %q", h.Path)
	}
	if h.Detail != "" {
		line += ": " + accesslog.Shown(h.Detail)
	}
	return line
}

// A place is what holes have in common that are one: found again in the same
// quarter of an hour.
type place struct {
	server, kind, path, detail string
	from, quarter              int64
}

func (h Hole) place() place {
	p := place{h.Server, h.Kind, h.Path, h.Detail, h.From, 0}
	if !h.At.IsZero() {
		p.quarter = h.At.Unix() / bucketSize
	}
	return p
}

// merged adds up holes that are one.
func merged(holes []Hole) []Hole {
	if len(holes) < 2 {
		return holes
	}
	var all []Hole
	found := map[place]int{}
	for _, h := range holes {
		i, ok := found[h.place()]
		if !ok {
			found[h.place()] = len(all)
			all = append(all, h)
			continue
		}
		all[i].Count += h.Count
		if h.Until.After(all[i].Until) {
			all[i].Until = h.Until
		}
	}
	return all
}

// Incomplete is the holes in one line: how many of each kind.
func Incomplete(holes []Hole) string {
	counts := map[string]int64{}
	for _, h := range holes {
		counts[h.Kind] += h.Count
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return fmt.Sprintf("not everything could be counted (%s)", strings.Join(parts, ", "))
}
