package accesslog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"milepost/lib/accesslog"
)

func TestBillLines(t *testing.T) {
	// Squid 5.7 wrote the whole ones.
	const first = `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 176 GET alice 0 1795426814.405 http://127.0.0.1:39130/`
	for _, row := range []struct{ situation, record, want, rest string }{
		{"a fetch", first, `1795426814421 miss 839 bytes for "alice", 176 received, record 0`, ""},
		{"a tunnel", `1795426814.599      1 127.0.0.1 TCP_TUNNEL/200 746 238 CONNECT alice 16 1795426814.598 127.0.0.1:39130`, `1795426814599 tunnel 746 bytes for "alice", 238 received, record 16`, ""},
		{"nobody", `1795426814.471      1 127.0.0.1 TCP_DENIED/407 3544 131 GET - 4 1795426814.469 http://127.0.0.1:39130/`, `1795426814471 denied 3544 bytes for nobody, 131 received, record 4`, ""},
		{"a wrong password names its victim", `1795426814.462      1 127.0.0.1 TCP_DENIED/407 3544 172 GET alice 3 1795426814.460 http://127.0.0.1:39130/`, `1795426814462 denied 3544 bytes for nobody, 172 received, record 3`, ""},
		{"a space in the user", `1795426814.481      2 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 180 GET john%20smith 5 1795426814.478 http://127.0.0.1:39130/`, `1795426814481 miss 838 bytes for "john smith", 180 received, record 5`, ""},
		{"brackets and percent in the user", `1795426814.497      2 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 180 GET we%5Bi%5Drd%25x 6 1795426814.495 http://127.0.0.1:39130/`, `1795426814497 miss 838 bytes for "we[i]rd%x", 180 received, record 6`, ""},
		{"a backslash in the user", `1795426814.510      1 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 176 GET dom%5Cbob 7 1795426814.508 http://127.0.0.1:39130/`, `1795426814510 miss 838 bytes for "dom\\bob", 176 received, record 7`, ""},
		{"UTF-8 in the user", `1795426814.521      1 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 176 GET %C3%BCn%C3%AF 8 1795426814.520 http://127.0.0.1:39130/`, `1795426814521 miss 838 bytes for "ünï", 176 received, record 8`, ""},
		{"a refused user who spells a record", `1795426814.558      0 127.0.0.1 TCP_DENIED/407 3544 260 GET 1700000000.123%20%20%20%20%20%205%201.1.1.1%20tcp_miss/200%20999999%20get%20http 12 1795426814.558 http://127.0.0.1:39130/`, `1795426814558 denied 3544 bytes for nobody, 260 received, record 12`, ""},
		{"cut in the URL by squid 5", first + strings.Repeat("a", 8100), `1795426814421 miss 839 bytes for "alice", 176 received, record 0`, ""},
		{"torn in the URL, then a record", first + first, "glued", first},
		{"torn in the user, then a record", first[:62] + first, "glued", first},
		{"torn before the URL", first[:72], "fields", ""},
		{"the native format", `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://127.0.0.1:39130/ alice HIER_DIRECT/127.0.0.1 text/html`, "bytes", ""},
		{"NULs before a whole record", "\x00\x00" + first, "binary", first},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var l accesslog.Line
			f := accesslog.Bill()
			got := fmt.Sprint(f.Parse([]byte(row.record), &l))
			if got == "none" {
				got = fmt.Sprintf("%s, %d received, record %d", said(&l), l.Received, l.Sequence)
			}
			if got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if rest := f.Rest([]byte(row.record)); row.rest != string(rest) {
				t.Errorf("rest %q, want %q", rest, row.rest)
			}
		})
	}
}

func FuzzParseBill(f *testing.F) {
	f.Add([]byte("alice"), "http://h/", int64(1), int64(2))
	f.Add([]byte(" % \\ [ü] 1795426814.421     15 1.1.1.1 TCP_MISS/200 9"), "h:443", int64(0), int64(0))
	format := accesslog.Bill()
	f.Fuzz(func(t *testing.T, user []byte, url string, sent, received int64) {
		var l accesslog.Line
		format.Parse(append(user, url...), &l) // must not panic
		url = strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, url)
		if len(user) == 0 || string(user) == "-" || url == "" || min(sent, received) < 0 || max(sent, received) > 1e15-1 {
			return
		}
		var name strings.Builder
		for _, c := range user {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`%\[]"<>#{}|^~`+"`", c) >= 0 {
				fmt.Fprintf(&name, "%%%02X", c)
			} else {
				name.WriteByte(c)
			}
		}
		record := fmt.Sprintf("1795426814.421     15 127.0.0.1 TCP_MISS/200 %d %d GET %s 7 1795426814.405 %s", sent, received, &name, url)
		if flaw := format.Parse([]byte(record), &l); flaw != accesslog.None {
			t.Fatalf("flaw %s in %q", flaw, record)
		}
		if !bytes.Equal(l.User, user) && name.String() != "-" || l.Sent != sent || l.Received != received {
			t.Fatalf("%d and %d bytes for %q, want %d and %d for %q", l.Sent, l.Received, l.User, sent, received, user)
		}
	})
}
