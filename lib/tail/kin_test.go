package tail_test

import "testing"

// A file is known by its inode and its content, whatever its name: rotation may give
// it one that does not begin with the log's, and a configuration another spelling.
func TestNamesSayLittle(t *testing.T) {
	for _, row := range []struct{ situation, script, want string }{
		{"the extension last", "follow a.log; +a.log a; look; mv a.log a.1.log; +a.log b; look; die; +a.log c; look", "a b c"},
		{"the extension last, rotated while down", "follow a.log; +a.log a; look; die; +a.log b; mv a.log a.1.log; +a.log c; look", "a b c"},
		{"the extension last, compressed while down", "follow a.log; +a.log a; look; die; +a.log b; mv a.log a.1.log; gz a.1.log; +a.log c; look", "a b c"},
		{"the extension last, dated and compressed while down", "follow a.log; +a.log a; look; die; +a.log b; mv a.log a-20261123.log; gz a-20261123.log; +a.log c; look; die; look", "a b c"},
		{"the extension last, copied and truncated", "follow a.log; +a.log a; look; +a.log b; cp a.log a-20261123.log; cut a.log; +a.log c; look; die; look", "a !truncated c b"},
		{"the extension last, for a wildcard", "follow a*.log; +a.log a; look; mv a.log a-20261123.log; +a.log b; wait; die; look; gz a-20261123.log; wait", "a b"},
		{"the extension last, numbers for a wildcard", "follow a*.log; +a.log a; look; mv a.log a.1.log; +a.log b; look; die; look; mv a.1.log a.2.log; mv a.log a.1.log; +a.log c; look; die; look", "a b c"},
		{"the extension last, numbers compressed for a wildcard", "follow a*.log*; +a.log a; look; mv a.log a.1.log; +a.log b; wait; die; gz a.1.log; look; die; look", "a b"},
		{"a dot in a wildcard", "follow a[.]log; +a.log a; look; die; +a.log b; mv a.log a.log.1; +a.log c; look", "a b c"},
		{"another log that is not beside by name", "follow a.log; +a.log a; +a-2.log x; +ab.1.log x; look", "a"},
		{"compressed in another way, the extension last", "follow a.log; +a.log a; +a.1.log.xz x; +a-2.log.xz x; look", `following "/a.1.log.xz": only gzip is understood: gunzip it or let logrotate compress with gzip a`},

		{"another directory", "dir old; follow log old/*; +log a; look; mv log old/log.1; +log b; look; die; +log c; look", "a b c"},
		{"another directory, rotated while down", "dir old; follow log old/*; +log a; look; die; +log b; mv log old/log-20261123; +log c; look; die; look", "a b c"},
		{"another directory, compressed while down", "dir old; follow log old/*; +log a; look; die; +log b; mv log old/log.1; gz old/log.1; +log c; look; die; look", "a b c"},
		{"another directory, compressed when all was read", "dir old; follow log old/*; +log a; look; mv log old/log.1; +log b; wait; gz old/log.1; wait; die; look", "a b"},
		{"another directory, another name", "dir old; follow log old/*; +log a; look; +log b; mv log old/monday; +log c; wait; die; look; mv old/monday old/tuesday; wait; die; look", "a b c"},
		{"another directory, copied and truncated", "dir old; follow log old/*; +log a; look; +log b; cp log old/log.1; cut log; +log c; look; die; look", "a !truncated c b"},
		{"another directory, written to after it was finished", "dir old; follow log old/*; +log a; look; mv log old/log.1; +log b; wait; die; +old/log.1 c; look", "a b c"},

		{"spelled anew", "follow log; +log a; look; follow ./log; die; +log b; look", "a b"},
		{"spelled anew through another directory", "dir old; follow log; +log a; look; follow old/../log; die; +log b; look; mv log log.1; +log c; look; die; look", "a b c"},
		{"the directory's other name", "dir old; follow old/log; +old/log a; look; link old new; follow new/log; die; +old/log b; look; mv old/log old/log.1; +old/log c; wait; die; look", "a b c"},
		{"by a wildcard from now on", "+log a; mv log log.1; +log b; look; follow l*; die; +log c; look", "a b c"},
		{"renamed with its configuration", "follow a.log; +a.log a; look; mv a.log b.log; follow b.log; die; +b.log b; look; mv b.log b.log.1; +b.log c; look", "a b c"},
	} {
		for _, pad := range pads(row.script) {
			t.Run(row.situation, func(t *testing.T) {
				if got := newWorld(t, pad).play(row.script); ordered(got) != ordered(row.want) {
					t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
				}
			})
		}
	}
}

// Two logs may begin with the same line. Those that begin with the same 4096 bytes are
// one, told twice.
func TestTwins(t *testing.T) {
	const script = "follow *.log; +a.log x; +b.log x; look; die; +a.log y; +b.log y; look; mv a.log a.log.1; gz a.log.1; +a.log z; look; die; look"
	for pad, want := range map[int]string{0: "x x y y z", 5000: "x y z"} {
		if got := newWorld(t, pad).play(script); ordered(got) != want {
			t.Errorf("lines of %d bytes: %s, want %s", pad, got, want)
		}
	}
}

// A program may write to a new log what it wrote to the last, to the byte: that is the
// next generation, however much of it is alike.
func TestSameAgain(t *testing.T) {
	for _, row := range []struct{ situation, script, want string }{
		{"the same lines", "+log a; look; mv log log.1; +log a; look; +log b; wait", "a a b"},
		{"the same lines and others", "+log a b; look; mv log log.1; +log a c; look; +log d; wait", "a b a c d"},
		{"the same lines, rotated while down", "+log a b; look; die; mv log log.1; +log a c; wait; die; +log d; look", "a b a c d"},
		{"the same lines three times", "+log a; look; mv log log.1; +log a; look; mv log.1 log.2; mv log log.1; +log a; wait; die; look", "a a a"},
		{"the same lines, rotated and compressed", "+log a; look; mv log log.1; +log a; wait; gz log.1; wait; die; look", "a a"},
	} {
		for _, pad := range pads(row.script) {
			t.Run(row.situation, func(t *testing.T) {
				if got := newWorld(t, pad).play(row.script); ordered(got) != ordered(row.want) {
					t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
				}
			})
		}
	}
}

// Where the reader begins, files that begin alike are told by being left alone: a copy's
// original is truncated at once.
func TestAlikeAtTheStart(t *testing.T) {
	const copied = `following "/log.2": it begins like "/log.1" and is as long: it is taken for a copy, and counted once`
	for _, row := range []struct{ situation, script, want string }{
		{"the same in both", "+log.1 a b; +log a b; wait", "a a b b"},
		{"the same in both, the rotated one written later", "+log a b; +log.1 a b; wait", "a a b b"},
		{"the same in both, and the log goes on", "+log.1 a b; +log a b; wait; +log c; wait; die; look", "a a b b c"},
		{"the same in both, and both go on", "+log.1 a b; +log a b; wait; +log c; +log.1 d; wait; die; look", "a a b b c d"},
		{"the same in both, left alone before", "+log.1 a b; old log.1; +log a b; look", "a a b b"},
		{"the log's lines are the first of the rotated one's", "+log.1 a b; +log a; wait", "a a b"},
		{"the rotated one's lines are the first of the log's", "+log.1 a; +log a b; wait; die; wait", "a a b"},
		{"the same first line", "+log.1 a b; +log a c; wait; die; +log d; look", "a a b c d"},
		{"two rotated ones, one longer", "+log.2 a b; +log.1 a; +log c; wait; die; wait", "a a b c"},
		{"three generations", "+log.2 a b; gz log.2; +log.1 a b; +log a b c; wait", "a a b b c"},
		{"a copy in the making", "+log a b; cp log log.1; look; cut log; +log c; wait", "a b c"},
		{"a copy in the making, killed meanwhile", "+log a b; cp log log.1; look; die; cut log; +log c; wait; die; wait", "a b c"},
		{"two rotated ones that are the same", "+log.2 a; cp log.2 log.1; +log b; wait", copied + " a b"},
	} {
		for _, pad := range pads(row.script) {
			t.Run(row.situation, func(t *testing.T) {
				if got := newWorld(t, pad).play(row.script); ordered(got) != ordered(row.want) {
					t.Errorf("%s\ngot  %s\nwant %s", row.script, got, row.want)
				}
			})
		}
	}
}
