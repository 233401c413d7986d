package accesslog

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// referees are formats written down a second time, as slowly as can be. The
// groups are named for what they are.
var referees = []struct{ format, expression string }{
	{"native", `^(?<s>[0-9]{1,10})\.(?<ms>[0-9]{3}) {1,6}[-.0-9]+ [^ ]+ (?<tag>[-@-_]+)/ {0,2}(?<status>[0-9]{1,15}) (?<sent>[0-9]{1,15}) [^ ]+ [^ ]+ (?<user>[^\x00-\x1f]+) [-@-_]+/[^\x00- /]+ [^ ]+$`},
	{"bill", `^(?<s>[0-9]{1,10})\.(?<ms>[0-9]{3}) {1,6}[-.0-9]+ [^ ]+ (?<tag>[-@-_]+)/ {0,2}(?<status>[0-9]{1,15}) (?<sent>[0-9]{1,15}) (?<received>[0-9]{1,15}) [^ ]+ (?<user>[^\x00-\x20]+) (?<sequence>[0-9]{1,15}) [-.0-9]+ [^\x00]+$`},
	{`%ts "%un" %>Hs %<st`, `^(?<s>[0-9]{1,10}) "(?<user>(?:[^"\\]|\\.)+)" (?<status>[0-9]{1,15}) (?<sent>[0-9]{1,15})$`},
	{`%>Hs|%<st|%[un|%Ss|%ts|%tu`, `^(?<status>[0-9]{1,15})\|(?<sent>[0-9]{1,15})\|(?<user>[^\x00-\x1f]+)\|(?<tag>[-@-_]+)\|(?<s>[0-9]{1,10})\|(?<ms>[0-9]{1,3})$`},
}

// FuzzLines holds what is read of any record against the expressions, and what
// is ordinary against what the layout reads.
func FuzzLines(f *testing.F) {
	for i, record := range []string{
		`1795426814.421     15 127.0.0.1 TCP_MISS/200 839 GET http://h/ bob HIER_DIRECT/127.0.0.1 text/html`,
		`1795426814.421     15 127.0.0.1 TCP_MISS/200 839 176 GET alice 0 1795426814.405 http://127.0.0.1:39130/`,
		`1795426814 "a \"b\" \\c" 200 7`,
		`200|7|a|b|TCP_MISS|1795426814|7`,
	} {
		f.Add(i, []byte(record))
	}
	f.Fuzz(func(t *testing.T, which int, record []byte) {
		referee := referees[uint(which)%uint(len(referees))]
		format, err := ParseFormat(referee.format)
		if err != nil {
			t.Fatal(err)
		}
		var slow, quick Line
		before := bytes.Clone(record)
		flaw := format.layout.parse(record, &slow)
		line, _, _ := bytes.Cut(record, []byte{'\n'})
		got := heard(&slow, format.layout.parse(line, &slow))
		for _, rest := range []string{"", "\n", "\n2", "\n" + strings.Repeat("3", 100)} { // what follows changes nothing
			first, next, flaw := format.Next(append(bytes.Clone(line), rest...), &quick)
			if said := heard(&quick, flaw); said != got || !bytes.Equal(first, line) || "\n"+string(next) != rest && rest != "" {
				t.Fatalf("%q is %s, and before %q it is %s", line, got, rest, said)
			}
		}
		if !bytes.Equal(before, record) {
			t.Fatal("the record was written to")
		}
		if rest := format.Rest(record); rest != nil && (len(rest) >= len(record) || !bytes.HasSuffix(record, rest)) {
			t.Fatalf("the rest %q is not the end of %q", rest, record)
		}
		if bytes.HasSuffix(record, []byte("]")) || bytes.ContainsRune(record, '\n') || flaw == Glued {
			return // the expressions do not know logged headers, nor what two records look like
		}
		m := regexp.MustCompile("(?s)" + referee.expression).FindSubmatch(record)
		if (m == nil) != (flaw != None) && !tooLarge(m) {
			t.Fatalf("%q has the flaw %s; does it match? %v", record, flaw, m != nil)
		}
		if flaw != None {
			return
		}
		for name, got := range map[string]string{
			"s": strconv.FormatInt(slow.Time/1000, 10), "ms": strconv.FormatInt(slow.Time%1000, 10), "tag": string(slow.Tag),
			"status": strconv.Itoa(slow.Status), "sent": strconv.FormatInt(slow.Sent, 10),
			"received": strconv.FormatInt(slow.Received, 10), "sequence": strconv.FormatInt(slow.Sequence, 10),
		} {
			i := regexp.MustCompile(referee.expression).SubexpIndex(name)
			if i < 0 {
				continue
			}
			want := string(m[i])
			if name != "tag" {
				want = strings.TrimLeft(want[:len(want)-1], "0") + want[len(want)-1:]
			}
			if got != want {
				t.Fatalf("%s of %q is %q, want %q", name, record, got, want)
			}
		}
	})
}

// tooLarge says that the record matched, but for a status that is none.
func tooLarge(m [][]byte) bool {
	for _, group := range m {
		if n, err := strconv.Atoi(string(group)); err == nil && n > 999 {
			return true
		}
	}
	return false
}

func heard(l *Line, flaw Flaw) string {
	if flaw != None {
		return flaw.String()
	}
	return fmt.Sprintf("%d %s/%d %d %d %d %q", l.Time, l.Tag, l.Status, l.Sent, l.Received, l.Sequence, l.User)
}

// FuzzCompile writes a record as squid would for any format that is understood,
// and reads it back.
func FuzzCompile(f *testing.F) {
	for _, spec := range []string{
		nativeSpec, billSpec, commonSpec, combinedSpec,
		`logformat x %ts.%03tu %>a %Ss %03>Hs %<st %>st "%un" "%{User-Agent}>h" %sn`,
		`%{%F %T %z}tl,%-10>Hs,%12<st,%#un`, `%/un %ts %>Hs %st %>st`, `%ts%Ss%>Hs %<st %'un %'{X}>h`,
		`"%ts %>Hs %<st %[un"`, `%`, `%{`, `%"`, `[%un] %tu`,
	} {
		f.Add(spec, "john \"x\" [a]\\b%41\tü", int64(839), true)
	}
	f.Fuzz(func(t *testing.T, spec, name string, sent int64, agent bool) {
		format, err := ParseFormat(spec)
		if err != nil || name == "" || name == "-" || strings.ContainsAny(name, "\n\r\x00") || sent < 0 || sent >= 1e14 {
			return
		}
		pieces := format.layout.fields
		var b strings.Builder
		for i := range pieces {
			f := &pieces[i]
			may := f.class.set()
			switch {
			case f.known.means != user:
			case f.class == word && !may.holds([]byte(name)): // no identd says that
				return
			case f.min >= len(name) && slices.Contains([]string{"", "-"}, strings.Trim(name, " ")): // padded, it is nobody
				return
			}
			b.WriteString(f.before)
			b.WriteString(squidWrites(f, name, sent, agent))
			if f.last {
				b.WriteString(f.after)
			}
		}
		if strings.ContainsAny(b.String(), "\n") || format.layout.first < len(pieces) && strings.ContainsAny(b.String(), "[]") {
			return
		}
		var l Line
		flaw := format.Parse([]byte(b.String()), &l)
		if flaw == Glued || flaw == Binary { // nobody pays
			return
		}
		if flaw != None {
			t.Fatalf("%q made %q: flaw %s", spec, b.String(), flaw)
		}
		if got := string(l.User); l.Sent != sent || got != name && strings.Trim(got, " ") != strings.Trim(name, " ") {
			t.Fatalf("%q made %q: %d bytes for %q, want %d for %q", spec, b.String(), l.Sent, got, sent, name)
		}
	})
}

// squidWrites is what a field looks like in a record.
func squidWrites(f *field, name string, sent int64, agent bool) string {
	value := "-"
	switch {
	case f.isClock():
		value = "23/Nov/2026:09:40:14 +0100"
		if f.arg != "" || f.known.name == "tg" {
			value = strings.NewReplacer("%s", "1795426814", "%Y", "2026", "%y", "26", "%m", "11", "%d", "23", "%H", "09", "%M", "40", "%S", "14", "%z", "+0100",
				"%j", "327", "%b", "Nov", "%B", "November", "%a", "Mon", "%A", "Monday", "%Z", "CET", "%%", "%").Replace(newDial(f.code).layout)
		}
		return value
	case f.known.means == user || f.class == text:
		value = name
	case f.class == escaped && agent:
		value = "Mozilla/5.0"
	}
	switch f.known.name {
	case "ts":
		value = "1795426814"
	case "tu":
		value = strings.Repeat("0", max(f.max, 3))
		if f.max == 0 {
			value = "000"
		}
	case "Hs", ">Hs":
		value = "200"
	case "Ss":
		value = "TCP_MISS"
	case "<st":
		value = strconv.FormatInt(sent, 10)
	case ">st", "sn":
		value = "176"
	case "st":
		value = strconv.FormatInt(sent+176, 10)
	}
	if value == name && (f.class != word || f.quoting != unquoted) { // squid quotes of itself all but an identd's name
		value = squidQuotes(f.quoting, value)
	}
	switch {
	case f.left:
		return fmt.Sprintf("%-*s", f.min, value)
	default:
		return fmt.Sprintf("%*s", f.min, value)
	}
}

func squidQuotes(q quoting, s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case q == mime && (c < ' ' || c >= 0x7f || strings.IndexByte("%[]", c) >= 0):
			fmt.Fprintf(&b, "%%%02x", c)
		case q == percent && (c <= ' ' || c >= 0x7f || c == '%' || strings.IndexByte(unsafeInURL, c) >= 0):
			fmt.Fprintf(&b, "%%%02X", c)
		case q == quotes && c == '\t':
			b.WriteString(`\t`)
		case q == mime && c == '\\', (q == quotes || q == shell) && (c == '\\' || c == '"'):
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteByte(c)
		}
	}
	if q == shell && strings.Contains(s, " ") {
		return `"` + b.String() + `"`
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	const ready = `logformat a %ts.%03tu %>a %Ss/%03>Hs %<st %#un`
	for _, row := range []struct{ situation, format, want string }{
		{"a line of squid.conf", ready, "a"},
		{"without its first words", `%ts.%03tu %>a %Ss/%03>Hs %<st %#un`, `%ts.%03tu %>a %Ss/%03>Hs %<st %#un`},
		{"in quotes", `logformat a "%ts %>Hs %<st \"%un\""`, "a"},
		{"squid's own, spelled out", "logformat x " + nativeSpec, "native"},
		{"the one for billing, spelled out", "logformat bill " + billSpec, "bill"},
		{"common", "common", "common"},
		{"combined", "combined", "combined"},
		{"every code of squid's", everyCode(), everyCode()},
		{"http:: and tls:: before codes", `%http::ts %http::>Hs %http::<st %#un %tls::>sni`, `%http::ts %http::>Hs %http::<st %#un %tls::>sni`},
		{"no user", `logformat a %ts %>Hs %<st`, `log format "a": it has no user: add %#un`},
		{"no bytes", `logformat a %ts %>Hs %un %st`, `log format "a": it has no bytes sent: add %<st`},
		{"no time", `logformat a %tu %>Hs %<st %un`, `log format "a": it has no time: add %ts.%03tu`},
		{"no status", `logformat a %ts %<st %un`, `log format "a": it has no status, without which a refused login looks like a user: add %>Hs`},
		{"nothing of all", "useragent", `log format "useragent": it has no bytes sent: add %<st; it has no status, without which a refused login looks like a user: add %>Hs; it has no user: add %#un`},
		{"a time of nowhere", `logformat a %{%F %T}tl %>Hs %<st %un`, `log format "a": its time "%Y-%m-%d %H:%M:%S" is of a zone that it does not tell: add %z, or %ts.%03tu`},
		{"a time without a date", `logformat a %{%T %z}tl %>Hs %<st %un`, `log format "a": its time "%H:%M:%S %z" is no date and time to the second: add %ts.%03tu`},
		{"a time as the locale has it", `logformat a %{%c}tg %>Hs %<st %un`, `log format "a": its time "%c" cannot be read: add %ts.%03tu`},
		{"a name cut short", `logformat a %ts %>Hs %<st %.8un`, `log format "a": %.8un cuts names short: leave its maximum width out`},
		{"two fields of any bytes", `logformat a %ts %>Hs %<st %un %'{X}>h end`, `log format "a": where %un ends and %'{X}>h begins cannot be told, because of the bytes that they may hold: put a space between, and write the one that clients fill as %#un`},
		{"several of any bytes", `logformat a %ts %>Hs %<st %un %'{X}>h %'{Y}>h %ru %'{Z}>h end`, `log format "a": where %un ends and %'{X}>h begins, or where %ru ends and %'{Z}>h begins, cannot be told, because of the bytes that they may hold: put a space between, and write the one that clients fill as %#un`},
		{"squid's own words of an error", `%ts.%03tu %un %err_code/%err_detail %>Hs %<st`, `%ts.%03tu %un %err_code/%err_detail %>Hs %<st`},
		{"the same on the left", `%ts.%03tu %err_code/%err_detail %>Hs %<st %un`, `%ts.%03tu %err_code/%err_detail %>Hs %<st %un`},
		{"numbers side by side", `logformat a %ts %>Hs%<st %#un`, `log format "a": where %>Hs ends and %<st begins cannot be told, because of the bytes that they may hold: put a space between, and write the one that clients fill as %#un`},
		{"no code", `%ts %xy %un`, `log format "%ts %xy %un": "%xy" is no code of squid's (byte 5)`},
		{"a % at the end", `%ts %`, `log format "%ts %": "%" is no code of squid's (byte 5)`},
		{"a quote that stays open", `logformat a "%ts`, `log format: the quote " that opens the format is never closed`},
		{"a name alone", `logformat a%`, `log format: logformat a% says nothing: write logformat NAME and what squid.conf has after it`},
	} {
		f, err := ParseFormat(row.format)
		got := fmt.Sprint(err)
		if err == nil {
			got = f.String()
		}
		if got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.situation, got, row.want)
		}
	}
}

// everyCode is a format that has each code that is no user once, escaped where
// clients choose what is in it.
func everyCode() string {
	var b strings.Builder
	b.WriteString("%#un")
	for _, c := range codes {
		if c.means != user {
			b.WriteString(" %#" + c.name)
		}
	}
	return b.String()
}

func TestLinesOfOtherFormats(t *testing.T) {
	for _, row := range []struct{ format, record, want string }{
		{`%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh`, `192.0.2.1 - john smith [23/Nov/2026:09:40:14 +0100] "GET http://h/ HTTP/1.1" 200 839 TCP_MISS:HIER_DIRECT`, `1795423214000 TCP_MISS/200 839 0 0 "john smith"`},
		{"common", `::1 - - [23/Nov/2026:09:40:14 +0000] "GET http://h/"quote HTTP/1.1" 407 839 TCP_DENIED:HIER_NONE`, `1795426814000 TCP_DENIED/407 839 0 0 ""`},
		{"combined", `::1 - we%5bird [23/Nov/2026:09:40:14 -0330] "GET http://h/ HTTP/1.1" 200 839 "x" y" "a "b" TCP_HIT/x" TCP_MISS:HIER_NONE`, `1795439414000 TCP_MISS/200 839 0 0 "we[ird"`},
		{`%ts.%.6tu|%>Hs|%<st|%"un`, `1795426814.123456|200|7|a "b`, `1795426814123 /200 7 0 0 "a \"b"`},
		{`%ts "%un" %>Hs %<st`, `1795426814 "a \"b\" \\c" 200 7`, `1795426814000 /200 7 0 0 "a \"b\" \\c"`},
		{`%ts %/un %>Hs %<st`, `1795426814 "a \"b" 200 7`, `1795426814000 /200 7 0 0 "a \"b"`},
		{`%ts %/un %>Hs %<st`, `1795426814 a\"b 200 7`, `1795426814000 /200 7 0 0 "a\"b"`},
		{`%ts %un %>Hs %<st`, "1795426814 a \tb 7 200 7", `1795426814000 /200 7 0 0 "a \tb 7"`},
		{`%ts %-8>Hs %8<st %#un`, `1795426814 200            839 a`, `1795426814000 /200 839 0 0 "a"`},
		{`%ts %>Hs %st %<st %un`, `1795426814 200 1000 839 a`, `1795426814000 /200 839 161 0 "a"`},
		{`%ts %>Hs %st %>st %un`, `1795426814 200 1000 161 a`, `1795426814000 /200 839 161 0 "a"`},
		{`%ts %>Hs %st %>st %un`, `1795426814 200 100 161 a`, `bytes`},
		{`%ts.%03tu %un %err_code/%err_detail %>Hs %<st`, `1795426814.123 john smith ERR_CLIENT_GONE/errno=104 200 7`, `1795426814123 /200 7 0 0 "john smith"`},
		{`%ts.%03tu %un %err_code/%err_detail %>Hs %<st`, `1795426814.123 a ERR_SECURE_CONNECT_FAIL/SQUID_TLS_ERR_CONNECT+TLS_LIB_ERR=1408F10B+TLS_IO_ERR=1 503 7`, `1795426814123 /503 7 0 0 "a"`},
		{`%ts.%03tu %err_code/%err_detail %>Hs %<st %un`, `1795426814.123 -/- 200 7 a b`, `1795426814123 /200 7 0 0 "a b"`},
		{`%ul %un %ts %>Hs %<st`, `a a 1795426814 200 7`, `fields`},
		{`%#ul %ue %ts %>Hs %<st`, `a x y 1795426814 200 7`, `1795426814000 /200 7 0 0 "a"`},
		{`%{%d.%m.%y %k}tg %ts %>Hs %<st %#un 100%%`, `23.11.26  9 1795426814 200 7 a 100%`, `1795426814000 /200 7 0 0 "a"`},
		{`%{%A %e %B %Y %R:%S %Z%z}tl %>Hs %<st %#un`, `Monday  3 November 2026 09:40:14 CET+0100 200 7 a`, `1793695214000 /200 7 0 0 "a"`},
		{`%ts %>Hs %<st "%{User-Agent}>h" %#un`, `1795426814 200 7 "a \"1795426814 200 7 \"" b`, `1795426814000 /200 7 0 0 "b"`},
		{`%ts %>Hs %<st %un`, `1795426814 200 8 a1795426815 200 7 b`, `glued`},
		{`%ts %>Hs %<st %#un %ru`, `1795426814 200 8 a h`, `1795426814000 /200 8 0 0 "a"`},
		{`%ts %>Hs %<st %#un %ru`, `1795426814 200 8 a http1795426815 200 7 b h`, `glued`},
		{`%ts %>Hs %<st %#un %sn`, `1795426814 200 8 a x`, `fields`},
		{`%ts %>Hs %<st %#un %sn`, `1795426814 2000 8 a 7`, `status`},
	} {
		f, err := ParseFormat(row.format)
		if err != nil {
			if !strings.Contains(row.format, "%ul %un") {
				t.Error(err)
			}
			continue
		}
		var l Line
		if got := heard(&l, f.Parse([]byte(row.record), &l)); got == "none" || heard(&l, f.Parse([]byte(row.record), &l)) != row.want {
			t.Errorf("%s\ngot  %s\nwant %s", row.format, got, row.want)
		}
	}
}
