package tail_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/tail"
)

// ordered is words without their order, which is only promised within a
// generation; hear sees to that.
func ordered(words string) string {
	all := strings.Fields(words)
	slices.Sort(all)
	return strings.Join(all, " ")
}

// pads is the lengths of lines that a script is played with: short files are
// known by all they hold, long ones by 4096 bytes. What is written in pieces,
// or cut, is short.
func pads(script string) []int {
	if strings.Contains(script, "~") || strings.Contains(script, "half") {
		return []int{0}
	}
	return []int{0, 5000}
}

func TestSituations(t *testing.T) {
	for _, row := range []struct{ situation, script, want string }{
		{"lines come one after the other", "+log a; look; +log b c; look; +log d; look", "a b c d"},
		{"there is no log yet", "look; +log a; look", `following "/log": no such file yet a`},
		{"a line is written in pieces", "~log a; look; ~log b; look; +log c; look; look", "abc"},
		{"an empty log", "+log; look; look; +log a; look", "a"},

		{"rotated by renaming", "+log a; look; mv log log.1; +log b; look", "a b"},
		{"written to after it was renamed", "+log a; look; mv log log.1; +log.1 b; look; +log c; look; +log.1 d; look", "a b c d"},
		{"written to after it was renamed, unseen", "+log a; look; mv log log.1; +log.1 b; +log c; look", "a b c"},
		{"written to a minute after it was rotated", "+log a; look; mv log log.1; +log b; wait; +log.1 c; look", "a b c"},
		{"removed, and no other comes", "+log a; look; rm log; wait", `a following "/log": no such file yet`},
		{"removed, and another comes", "+log a; look; rm log; look; +log b; look", `a following "/log": no such file yet b`},
		{"rotated twice between two looks", "+log a; look; +log b; mv log log.1; +log c; mv log.1 log.2; mv log log.1; +log d; look", "a b c d"},
		{"rotated and compressed at once", "+log a; look; +log b; mv log log.1; +log c; gz log.1; look", "a b c"},
		{"rotated, and compressed next time", "+log a; look; mv log log.1; +log b; wait; mv log.1 log.2; mv log log.1; gz log.2; +log c; wait", "a b c"},
		{"dates in the rotated names", "+log a; look; +log b; mv log log-20261123; +log c; look; gz log-20261123; wait", "a b c"},
		{"a file of one line that is rotated every time", "+log a; look; mv log log.1; +log b; look; mv log log.2; +log c; look; mv log log.3; +log d; look", "a b c d"},
		{"replaced by a shorter one", "+log a b c; look; +new d; mv new log; look", "a b c d"},
		{"replaced by a longer one", "+log a; look; +new b c d; mv new log; look", "a b c d"},
		{"removed and made again with the same inode", "+log a b; look; die; rm log; +log c; look; look", "a b c !vanished"},

		{"truncated", "+log a b; look; cut log; look; +log c; look", "a b !truncated c"},
		{"truncated and filled beyond", "+log a b; look; refill log c d e f; look", "a b !truncated c d e f"},
		{"truncated and filled to the same length", "+log a b; look; refill log c d; look; +log e; look", "a b !truncated c d e"},
		{"copied and truncated", "+log a b; look; cp log log.1; cut log; look; +log c; look", "a b !truncated c"},
		{"copied and truncated, lines in the copy", "+log a; look; +log b; cp log log.1; cut log; +log c; look", "a !truncated c b"},
		{"copied first, truncated later", "+log a; look; cp log log.1; look; +log b; look; cut log; +log c; look", "a b !truncated c"},

		{"copied, truncated, filled, rotated and compressed between two looks", "+log a; look; cp log log.1; cut log; +log b; mv log.1 log.2; mv log log.1; +log c; gz log.1; wait", "a b c !truncated"},
		{"the same, and once more", "+log a; +log b; look; cp log log.1; cut log; +log c; mv log.1 log.2; mv log log.1; +log d; gz log.1; +log e; mv log.2 log.3; mv log.1.gz log.2.gz; cp log log.1; cut log; +log f; wait", "a b c d e f !truncated"},

		{"the last line is torn", "+log a; ~log b; look; mv log log.1; +log c; look; wait", "a c torn:b"},
		{"the last line is torn, and mended in time", "~log a; look; mv log log.1; +log c; look; +log.1 b; look", "c ab"},
		{"the last line of the log itself waits", "+log a; ~log b; look; wait", "a"},

		{"started again", "+log a; look; die; +log b; look", "a b"},
		{"started again, nothing was stored", "+log a; peek; die; +log b; look", "a a b"},
		{"renamed while down", "+log a; look; die; +log b; mv log log.1; +log c; look", "a b c"},
		{"renamed and compressed while down", "+log a; look; die; +log b; mv log log.1; gz log.1; +log c; look", "a c b"},
		{"rotated thrice while down", "+log a; look; die; +log b; mv log log.3; gz log.3; +log c; mv log log.2; gz log.2; +log d; mv log log.1; +log e; look", "a d e b c"},
		{"gone while down", "+log a; look; die; rm log; +log b; look", "a b !vanished"},
		{"gone while down, no other yet", "+log a; look; die; rm log; look; +log b; look", `a following "/log": no such file yet b !vanished`},
		{"gone while down, and restored", "+log a b; cp log safe; look; die; rm log; +log c; look; +safe d; mv safe log.1; look", "a b c !vanished d"},
		{"truncated while down", "+log a b; look; die; refill log c; look", "a b c !vanished"},
		{"moved to another file system while down", "+log a; look; die; +log b; cp log new; rm log; mv new log; +log c; look", "a b c"},
		{"all was read before it was compressed while down", "+log a; look; mv log log.1; +log b; wait; die; gz log.1; look", "a b"},
		{"compressed, and started twice", "+log a b; mv log log.1; gz log.1; +log c; look; die; look; die; +log d; look", "c a b d"},

		{"rotated ones first", "+log a; mv log log.2; old log.2; +log b; mv log log.1; +log c; look", "a b c"},
		{"a copy and its compressed one", "+log.1 a b; zip log.1; +log c; look", "a b c"},
		{"a copy of what is being read", "+log a b; look; cp log log.bak; cp log log.1; look; +log c; look", "a b c"},
		{"an empty rotated one", "+log.1; +log a; look; wait", "a"},
		{"a compressed one that ends too soon", "+log.1 a b; gz log.1; half log.1.gz; +log c; look; whole log.1.gz; look", "c a b"},
		{"a compressed one that stays short", "+log.1 a b; gz log.1; half log.1.gz; +log c; look; wait", "c a !damaged"},
		{"a compressed one whose last line is torn", "+log.1 a; ~log.1 b; gz log.1; +log c; look", "c a torn:b"},
		{"compressed in another way", "+log.1.xz a; +log b; look", `following "/log.1.xz": only gzip is understood: gunzip it or let logrotate compress with gzip b`},

		{"a FIFO", "fifo log; look", `following "/log": it is a FIFO, not a regular file: name the file itself`},
		{"a symbolic link that a wildcard meets", "follow l[o]g; +other a; link other log; look", `following "/log": it is a symbolic link, not a regular file: name the file itself`},
		{"a symbolic link that is named", "dir data; +data/access.log a; link data/access.log log; look; +data/access.log b; look; mv data/access.log data/access.log.1; +data/access.log c; look; die; +data/access.log d; look", "a b c d"},
		{"the link leads to another file", "dir data; +data/one a; link data/one log; look; +data/one b; rm log; +data/two c; link data/two log; look; +data/two d; wait", "a b c d"},
		{"a link to a link", "+file a; link file one; link one log; look", "a"},
		{"links in a ring", "link log other; link other log; look", `following "/log": it is a symbolic link, not a regular file: name the file itself`},
		{"a link to a file that is not there", "link file log; look; +file a; look", `following "/file": no such file yet a`},
		{"a directory", "dir log; look; look", `following "/log": it is a directory, not a regular file: name the file itself`},
		{"a FIFO took its place", "+log a; look; mv log away; fifo log; look; rm log; +log b; look", `a following "/log": it is a FIFO, not a regular file: name the file itself b`},
	} {
		for _, pad := range pads(row.script) {
			t.Run(fmt.Sprintf("%s/%d", row.situation, pad), func(t *testing.T) {
				if got := newWorld(t, pad).play(row.script); ordered(got) != ordered(row.want) {
					t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
				}
			})
		}
	}
}

func TestWhereToBegin(t *testing.T) {
	day := 24 * time.Hour
	for _, row := range []struct {
		situation string
		fromEnd   bool
		since     time.Duration
		script    string
		want      string
	}{
		{"at the end", true, 0, "+log.1 x; +log a b; look; +log c; look", "!began !began c"},
		{"at the end, in the middle of a line", true, 0, "+log a; ~log b; look; +log c; look", "!began bc"},
		{"at the end, of which there is none", true, 0, "~log a; look; +log b; look", "ab"},
		{"at the end, compressed ones", true, 0, "+log.1 x; gz log.1; +log a; look; +log b; look; die; +log c; look", "!began !began b c"},
		{"at the end, then rotated", true, 0, "+log.1 x; +log a; look; +log b; mv log.1 log.2; mv log log.1; +log c; look; gz log.2; look", "!began !began b c"},
		{"since an hour ago", false, day / 48, "+log.2 x; old log.2; +log.1 a; +log b; look", "!began a b"},
		{"since an hour ago, the log itself is older", false, day / 48, "+log a; old log; look", "a"},
	} {
		for _, pad := range pads(row.script) {
			t.Run(fmt.Sprintf("%s/%d", row.situation, pad), func(t *testing.T) {
				w := newWorld(t, pad)
				w.config.FromEnd = row.fromEnd
				if row.since != 0 {
					w.config.Since = w.now.Add(-row.since)
				}
				if got := w.play(row.script); ordered(got) != ordered(row.want) {
					t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
				}
			})
		}
	}
}

func TestSeveralLogs(t *testing.T) {
	for _, row := range []struct{ situation, pattern, script, want string }{
		{"two workers", "bill.*.log", "+bill.1.log a; +bill.2.log b; look; mv bill.1.log bill.1.log.1; +bill.1.log c; +bill.2.log d; look", "a b c d"},
		{"the same lines in two logs", "*.log", "+a.log x; +b.log x; look; die; +a.log y; look", "x x y"},
		{"a pattern that matches the rotated ones too", "log*", "+log a; look; mv log log.1; +log b; wait; gz log.1; +log c; look", "a b c"},
		{"a log whose name ends like a rotated one", "squid-1", "+squid-1 a; look; mv squid-1 squid-1.1; +squid-1 b; look", "a b"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			w := newWorld(t, 0)
			w.config.Patterns = []string{w.path(row.pattern)}
			if got := w.play(row.script); ordered(got) != ordered(row.want) {
				t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
			}
		})
	}
}

// After a power cut the file system may have lost bytes that were read.
func TestBytesThatNeverReachedTheDisk(t *testing.T) {
	size := 2*5002 + 1 // in the third line
	for _, row := range []struct{ situation, script, want string }{
		{"seen before others are written", "cut log %d; look; +log d; look; +log e; look", "a b c !rewritten d e"},
		{"seen while down", "die; cut log %d; look; +log d; look; +log e; look", "a b c !rewritten d e"},
		{"seen after others are written", "die; cut log %d; +log d; look; +log e; look", "a b c !rewritten  e"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			w := newWorld(t, 5000)
			w.play("+log a b c; look")
			if got := w.play(fmt.Sprintf(row.script, size)); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", 3*tail.MaxLine+5)
	for _, row := range []struct{ situation, script, want string }{
		{"one between others", "+log a; +log LONG; +log b; look; +log c; look", "a !long b c"},
		{"one that is not whole yet", "+log a; ~log LONG; look; ~log LONG; look; +log; look; +log z b; look; die; +log c; look", "a !long b c"},
		{"one that is the first", "~log LONG; look; die; +log z b; look; mv log log.1; +log c; look", "!long b c"},
		{"one that is torn", "+log a; ~log LONG; look; mv log log.1; +log b; wait; die; +log c; look", "a b !long c"},
		{"one that is compressed", "+log.1 a; +log.1 LONG; +log.1 b; gz log.1; +log c; look", "a !long b c"},
		{"one that is cut", "~log LONG; look; cut log; look; +log a; look", "!truncated a"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			w := newWorld(t, 0)
			if got := w.play(strings.ReplaceAll(row.script, "LONG", long)); got != row.want {
				t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
			}
		})
	}
}

func TestLag(t *testing.T) {
	w := newWorld(t, 0)
	w.play("+log abc; look; ~log de; look")
	if got := w.f.Lag(); got != 2 {
		t.Errorf("lag %d, want the 2 bytes without a newline", got)
	}
}

func TestBadPattern(t *testing.T) {
	_, err := tail.New(tail.Config{Patterns: []string{"/var/log/["}}, nil)
	if err == nil || err.Error() != `reading the pattern "/var/log/[": syntax error in pattern` {
		t.Errorf("error %v", err)
	}
}
