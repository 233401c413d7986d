package accesslog_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"milepost/lib/accesslog"
)

func TestShown(t *testing.T) {
	for _, row := range []struct{ situation, key, want string }{
		{"a plain name", "alice", "alice"},
		{"nobody", "", ""},
		{"a space", "john smith", "john smith"},
		{"UTF-8", "ünï", "ünï"},
		{"a tab", "t\tb", "t%09b"},
		{"DEL and C1", "a\x7f\u0085", "a%7F%C2%85"},
		{"no UTF-8", "a\xff\xc3", "a%FF%C3"},
		{"the replacement character itself", "a\uFFFD", "a\uFFFD"},
		{"percent and no digits", "100%", "100%"},
		{"percent and one digit", "5%5", "5%5"},
		{"percent and digits", "we%5Bird", "we%255Bird"},
		{"percent and small digits", "%ff", "%25ff"},
		{"percent twice", "%%41", "%%2541"},
		{"percent before a hidden byte", "%\x01", "%%01"},
		{"percent, digit, hidden byte", "%4\xff", "%4%FF"},
	} {
		if got := accesslog.Shown(row.key); got != row.want {
			t.Errorf("%s: got %q, want %q", row.situation, got, row.want)
		}
		if got := accesslog.ParseShown(row.want); got != row.key {
			t.Errorf("%s: back to %q, want %q", row.situation, got, row.key)
		}
	}
}

func FuzzShown(f *testing.F) {
	for _, s := range []string{"alice", "%41", "%%41", "\x00\xff%", "ünï\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		shown := accesslog.Shown(key)
		if back := accesslog.ParseShown(shown); back != key {
			t.Fatalf("%q is shown as %q and read back as %q", key, shown, back)
		}
		if !utf8.ValidString(shown) {
			t.Fatalf("%q is shown as %q: not UTF-8", key, shown)
		}
		for _, r := range shown {
			if unicode.IsControl(r) {
				t.Fatalf("%q is shown as %q: a control character", key, shown)
			}
		}
	})
}
