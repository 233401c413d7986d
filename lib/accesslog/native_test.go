package accesslog_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"milepost/lib/accesslog"
)

// said is a line in the words that a test reads.
func said(l *accesslog.Line) string {
	user := "nobody"
	if who := l.Who(); who != nil {
		user = fmt.Sprintf("%q", who)
	}
	return fmt.Sprintf("%d %s %d bytes for %s", l.Time, l.Result(), l.Sent, user)
}

func TestNativeLines(t *testing.T) {
	// Squid 5.7 wrote these.
	for _, row := range []struct{ situation, record, want string }{
		{
			"a fetch", `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://127.0.0.1:39130/ alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814421 miss 839 bytes for "alice"`,
		},
		{
			"a revalidated hit", `1795426814.451      1 127.0.0.1 TCP_REFRESH_UNMODIFIED/200 1195 GET http://127.0.0.1:39130/squid.conf alice HIER_DIRECT/127.0.0.1 application/octet-stream`,
			`1795426814451 hit 1195 bytes for "alice"`,
		},
		{
			"a hit in memory", `1795426814.460      0 127.0.0.1 TCP_MEM_HIT/200 100328 GET http://127.0.0.1:39130/ alice HIER_NONE/- text/html`,
			`1795426814460 hit 100328 bytes for "alice"`,
		},
		{
			"a client of IPv6", `1795426814.571      3 ::1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814571 miss 838 bytes for "alice"`,
		},
		{
			"an origin of IPv6", `1795426814.571      3 ::1 TCP_MISS/200 838 GET http://[::1]:39130/ alice HIER_DIRECT/::1 text/html`,
			`1795426814571 miss 838 bytes for "alice"`,
		},
		{
			"nobody", `1795426814.471      1 127.0.0.1 TCP_DENIED/407 3544 GET http://127.0.0.1:39130/ - HIER_NONE/- text/html`,
			`1795426814471 denied 3544 bytes for nobody`,
		},
		{
			"a wrong password names its victim", `1795426814.462      1 127.0.0.1 TCP_DENIED/407 3544 GET http://127.0.0.1:39130/ alice HIER_NONE/- text/html`,
			`1795426814462 denied 3544 bytes for nobody`,
		},
		{
			"an ACL after the login", `1795426814.581      1 127.0.0.1 TCP_DENIED/403 3428 GET http://blocked.test/ alice HIER_NONE/- text/html`,
			`1795426814581 denied 3428 bytes for "alice"`,
		},
		{
			"a tunnel", `1795426814.599      1 127.0.0.1 TCP_TUNNEL/200 2300000039 CONNECT 127.0.0.1:39130 alice HIER_DIRECT/127.0.0.1 -`,
			`1795426814599 tunnel 2300000039 bytes for "alice"`,
		},
		{
			"a websocket", `1795426814.599    912 127.0.0.1 TCP_TUNNEL/101 70000 GET http://127.0.0.1:39130/ws alice HIER_DIRECT/127.0.0.1 -`,
			`1795426814599 tunnel 70000 bytes for "alice"`,
		},
		{
			"a good tunnel of squid 6.0 to 6.6", `1795426814.599    912 127.0.0.1 TCP_TUNNEL/500 200039 CONNECT 127.0.0.1:39130 alice HIER_DIRECT/127.0.0.1 -`,
			`1795426814599 tunnel 200039 bytes for "alice"`,
		},
		{
			"a tunnel that squid 6 could not open", `1795426814.599    912 127.0.0.1 TCP_TUNNEL/503 0 CONNECT 127.0.0.1:1 alice HIER_NONE/- -`,
			`1795426814599 error 0 bytes for "alice"`,
		},
		{
			"a tunnel to nowhere", `1795426814.610      1 127.0.0.1 NONE_NONE/503 0 CONNECT 127.0.0.1:1 alice HIER_DIRECT/127.0.0.1 -`,
			`1795426814610 error 0 bytes for "alice"`,
		},
		{
			"an origin that refuses", `1795426814.591      1 127.0.0.1 TCP_MISS/503 3458 GET http://127.0.0.1:1/ alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814591 error 3458 bytes for "alice"`,
		},
		{
			"an origin's 404 is a fetch", `1795426814.653      1 127.0.0.1 TCP_MISS/404 628 GET http://127.0.0.1:39130/after alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814653 miss 628 bytes for "alice"`,
		},
		{
			"the client left in mid-download", `1795426814.700    112 127.0.0.1 TCP_MISS_ABORTED/200 200253 GET http://127.0.0.1:39130/big alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814700 aborted 200253 bytes for "alice"`,
		},
		{
			"the client left in mid-upload", `1795426814.700    112 127.0.0.1 TCP_MISS_ABORTED/000 0 POST http://127.0.0.1:39130/big alice HIER_DIRECT/127.0.0.1 -`,
			`1795426814700 aborted 0 bytes for "alice"`,
		},
		{
			"a health check", `1795426814.700      0 127.0.0.1 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -`,
			`1795426814700 error 0 bytes for nobody`,
		},
		{
			"garbage", `1795426814.700      0 127.0.0.1 NONE_NONE/400 3400 - error:invalid-request - HIER_NONE/- text/html`,
			`1795426814700 error 3400 bytes for nobody`,
		},
		{
			"a clock stepped back during the request", `1795426814.700    -31 127.0.0.1 TCP_MISS/200 1 GET http://h/ alice HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814700 miss 1 bytes for "alice"`,
		},
		{
			"another cache's query", `1795426814.700      0 127.0.0.1 UDP_MISS/000 60 ICP_QUERY http://h/ - HIER_NONE/- -`,
			`1795426814700 other 60 bytes for nobody`,
		},
		{
			"a space in the user", `1795426814.481      2 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ john smith HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814481 miss 838 bytes for "john smith"`,
		},
		{
			"brackets and percent in the user", `1795426814.497      2 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ we%5bi%5drd%25x HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814497 miss 838 bytes for "we[i]rd%x"`,
		},
		{
			"a backslash in the user", `1795426814.510      1 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ dom\\bob HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814510 miss 838 bytes for "dom\\bob"`,
		},
		{
			"UTF-8 in the user", `1795426814.521      1 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ %c3%bcn%c3%af HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814521 miss 838 bytes for "ünï"`,
		},
		{
			"a tab in the user", `1795426814.534      2 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ t%09b HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814534 miss 838 bytes for "t\tb"`,
		},
		{
			"a quote in the user", `1795426814.542      1 127.0.0.1 TCP_REFRESH_MODIFIED/200 838 GET http://127.0.0.1:39130/ quo"te HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814542 miss 838 bytes for "quo\"te"`,
		},
		{
			"line ends in the user", `1795426814.542      1 127.0.0.1 TCP_MISS/200 838 GET http://127.0.0.1:39130/ a\r\nb HIER_DIRECT/127.0.0.1 text/html`,
			`1795426814542 miss 838 bytes for "a\r\nb"`,
		},
		{
			"a refused user who spells a line's end", `1795426814.550      0 127.0.0.1 TCP_DENIED/407 3544 GET http://127.0.0.1:39130/ x hier_direct/1.2.3.4 text/plain HIER_NONE/- text/html`,
			`1795426814550 denied 3544 bytes for nobody`,
		},
		{
			"logged headers", `1795426814.610      1 127.0.0.1 NONE_NONE/503 0 CONNECT 127.0.0.1:1 john smith HIER_DIRECT/127.0.0.1 - [User-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\nHost: 127.0.0.1:1\r\n] []`,
			`1795426814610 error 0 bytes for "john smith"`,
		},
		{
			"headers that hold a forged record", `1795426814.610      1 127.0.0.1 TCP_MISS/200 7 GET http://h/ alice HIER_DIRECT/127.0.0.1 - [X: 1795426814.700      0 1.1.1.1 TCP_MISS/200 999 GET http://h/ eve HIER_NONE/- -\r\n] [HTTP/1.1 200 OK\r\n\r\n]`,
			`1795426814610 miss 7 bytes for "alice"`,
		},
		{
			"a content type in brackets", `1795426814.610      1 127.0.0.1 TCP_MISS/200 7 GET http://[::1]/ alice HIER_DIRECT/127.0.0.1 [x]`,
			`1795426814610 miss 7 bytes for "alice"`,
		},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var l accesslog.Line
			if flaw := accesslog.Native().Parse([]byte(row.record), &l); flaw != accesslog.None {
				t.Fatalf("flaw %s, want %s", flaw, row.want)
			}
			if got := said(&l); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

const (
	good    = `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/ bob HIER_DIRECT/127.0.0.1 text/html`
	goodIs  = `1795426814421 miss 839 bytes for "bob"`
	refused = `1795426814.421     15 127.0.0.1 TCP_DENIED/407 3544 GET http://h/`
	forged  = `1795426814.999     15 1.1.1.1 TCP_MISS/200 999999 GET http://h/ victim`
)

func TestDamagedRecords(t *testing.T) {
	long := "http://h/" + strings.Repeat("a", 8300)
	cut := func(record string) string { return record[:8191] }
	fetch := func(url string) string {
		return `1795426814.400      5 127.0.0.1 TCP_MISS/200 5 GET ` + url + ` eve HIER_DIRECT/127.0.0.1 text/html`
	}
	for _, row := range []struct{ situation, record, flaw, rest string }{
		{"nothing", "", "empty", ""},
		{"text", "hello world", "time", ""},
		{"a time of eleven digits", "1" + good, "glued", goodIs},
		{"cut in the time", "1795426814.4", "time", ""},
		{"cut in the result", "1795426814.421     15 127.0.0.1 TCP_MI", "status", ""},
		{"cut in the bytes", "1795426814.421     15 127.0.0.1 TCP_MISS/200 83", "bytes", ""},
		{"bytes that are none", "1795426814.421     15 127.0.0.1 TCP_MISS/200 x839 GET http://h/ bob HIER_DIRECT/127.0.0.1 text/html", "bytes", ""},
		{"more bytes than there are", "1795426814.421     15 127.0.0.1 TCP_MISS/200 9223372036854775807 GET http://h/ bob HIER_DIRECT/127.0.0.1 text/html", "bytes", ""},
		{"cut in the URL", "1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h", "fields", ""},
		{"cut in the user", "1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/ john smi", "fields", ""},
		{"cut before the content type", strings.TrimSuffix(good, " text/html"), "fields", ""},
		{"no user at all", `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/ HIER_DIRECT/127.0.0.1 text/html`, "fields", ""},
		{"NULs of a file with a hole", "\x00\x00\x00\x00.421 15 127.0.0.1", "binary", ""},
		{"NULs before a whole record", "\x00\x00\x00\x00" + good, "binary", goodIs},
		{"a control character in the user", strings.Replace(good, "bob", "b\x01b", 1), "binary", ""},
		{"torn in the time, then a record", "1795426814.4" + good, "glued", goodIs},
		{"torn in the result, then a record", "1795426814.421     15 127.0.0.1 TCP_MI" + good, "glued", goodIs},
		{"torn in the URL, then a record", "1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/17" + good, "glued", goodIs},
		{"torn in the user, then a record", "1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/ al" + good, "glued", goodIs},
		{"torn in the content type, then a record", good[:len(good)-3] + good, "glued", goodIs},
		{"a record without its newline, then a record", good + good, "glued", goodIs},
		{"cut at 8191 by squid 5 with stdio", cut(fetch(long)) + "\x00" + good, "glued", goodIs},
		{"cut at 8191 by squid 5 with its daemon", cut(fetch(long)) + good, "glued", goodIs},
		{"cut at 8191 within the user", cut(fetch(long[:8191-66])) + "\x00" + good, "glued", goodIs},
		{"cut at 8191, a login refused, stdio", cut(refused+long+" eve HIER_NONE/- -") + "\x00" + good, "glued", goodIs},
		{"a refused name that spells a record", refused + " " + forged + " HIER_NONE/- text/html", "glued", ""},
		{"a refused name that spells a record's end and a record", refused + " x HIER_NONE/- -" + forged + " HIER_NONE/- text/html", "glued", ""},
		{"a refused name that spells a record, cut by NUL", refused + " " + forged + "\x00" + good, "glued", goodIs},
		{"torn within logged headers", good + " [X: " + forged + " HIER_NONE/- -" + good, "glued", ""},
		{"100 kB of one letter", strings.Repeat("x", 100_000), "time", ""},
		{"100 kB of URL is a line", fetch("http://h/" + strings.Repeat("a", 100_000)), "none", ""},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var l accesslog.Line
			f := accesslog.Native()
			if flaw := f.Parse([]byte(row.record), &l); flaw.String() != row.flaw {
				t.Errorf("flaw %s, want %s (%s)", flaw, row.flaw, said(&l))
			}
			rest, got := f.Rest([]byte(row.record)), ""
			if rest != nil {
				if flaw := f.Parse(rest, &l); flaw != accesslog.None {
					t.Fatalf("the rest %.120q has the flaw %s", rest, flaw)
				}
				got = said(&l)
			}
			if got != row.rest {
				t.Errorf("rest %q, want %q", got, row.rest)
			}
		})
	}
}

func TestFormatNames(t *testing.T) {
	for _, row := range []struct{ name, want string }{
		{"native", "native"},
		{"squid", "native"},
		{"nativ", `log format "nativ" is not known: write native, bill, or what squid.conf has after logformat`},
	} {
		f, err := accesslog.ParseFormat(row.name)
		got := fmt.Sprint(err)
		if err == nil {
			got = f.String()
		}
		if got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	for format, records := range map[string][]string{
		"native": {good, strings.Replace(good, "bob", "%c3%bcn%c3%af", 1), strings.Replace(good, "bob", "john smith", 1), "torn", good + good},
		"bill":   {`1795426814.421     15 127.0.0.1 TCP_MISS/200 839 176 GET alice 0 1795426814.405 http://h/`, `1795426814.421     15 127.0.0.1 TCP_MISS/200 839 176 GET %C3%BC 0 1795426814.405 http://h/`},
		"common": {`::1 - we%5bird [23/Nov/2026:09:40:14 -0330] "GET http://h/ HTTP/1.1" 200 839 TCP_MISS:HIER_NONE`},
		`%ts.%03tu %>Hs %<st "%un" "%{User-Agent}>h" %sn`: {`1795426814.421 200 839 "a \"b\"" "Mozilla/5.0 (\"x\")" 7`},
	} {
		f, err := accesslog.ParseFormat(format)
		if err != nil {
			t.Fatal(err)
		}
		var all [][]byte
		for _, r := range records {
			all = append(all, []byte(r))
		}
		var l accesslog.Line
		n := testing.AllocsPerRun(100, func() {
			for _, r := range all {
				f.Parse(r, &l)
				_ = l.Result()
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}

// quoteMime is squid's QuoteMimeBlob (src/format/Quoting.cc).
func quoteMime(user []byte) string {
	var b strings.Builder
	for _, c := range user {
		switch {
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c <= 0x1f || c >= 0x7f || c == '%' || c == '[' || c == ']':
			fmt.Fprintf(&b, "%%%02x", c)
		case c == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Whatever the user is called and whatever was fetched, the bytes are the user's.
func FuzzUserIsFound(f *testing.F) {
	f.Add([]byte("alice"), "http://h/", int64(1))
	f.Add([]byte(`dom\bob [x] 100% ünï`), "http://[::1]/?", int64(2300000039))
	f.Add([]byte("x HIER_DIRECT/1.2.3.4 text/plain"), "h:443", int64(0))
	format := accesslog.Native()
	f.Fuzz(func(t *testing.T, user []byte, url string, sent int64) {
		url = strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, url)
		if len(user) == 0 || string(user) == "-" || url == "" || sent < 0 || sent > 1e15-1 {
			return
		}
		record := "1795426814.421     15 127.0.0.1 TCP_MISS/200 " + strconv.FormatInt(sent, 10) +
			" GET " + url + " " + quoteMime(user) + " HIER_DIRECT/127.0.0.1 text/html"
		var l accesslog.Line
		switch flaw := format.Parse([]byte(record), &l); {
		case flaw == accesslog.Glued: // the user or the URL spells a record: nobody pays
		case flaw != accesslog.None:
			t.Fatalf("flaw %s in %q", flaw, record)
		case !bytes.Equal(l.User, user) || l.Sent != sent:
			t.Fatalf("%d bytes for %q, want %d for %q", l.Sent, l.User, sent, user)
		}
	})
}
