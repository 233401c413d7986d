package accesslog_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"milepost/lib/accesslog"
)

// Who pays for what, by lines that a real squid wrote in the order of request.
var billed = []struct{ situation, result, who string }{
	{"a fetch is its user's", "miss", "alice"},
	{"so is one of a name with a space", "miss", "john smith"},
	{"with brackets and percent", "miss", "we[i]rd%x"},
	{"with a backslash", "miss", `dom\bob`},
	{"with a quote", "miss", `quo"te`},
	{"in UTF-8", "miss", "ünï"},
	{"with a tab", "miss", "t\tb"},
	{"of control characters", "miss", "\x01\x7f"},
	{"a login that squid did not take is nobody's", "denied", ""},
	{"what looks quoted is not", "miss", "a%20b"},
	{"a name that starts with a dash", "miss", "-dash"},
	{"a name with another format's separator", "miss", "a|b"},
	{"a name that spells a line's end", "miss", "x hier_direct/1.2.3.4 text/plain"},
	{"a name that spells an escape", "miss", `a\nb`},
	{"an upload", "miss", "alice"},
	{"a tunnel", "tunnel", "alice"},
	{"a download that was broken off, with squid's bytes", "aborted", "alice"},
	{"403 by an ACL after the login is the user's", "denied", "alice"},
	{"a tunnel to nowhere is a request of 0 bytes", "error", "alice"},
	{"a fetch from nowhere, with the bytes of squid's own page", "error", "alice"},
	{"407 without a name is nobody's", "denied", ""},
	{"407 with a name is nobody's, whose name it ever is", "denied", ""},
	{"407 with a name that spells a record", "denied", ""},
	{"407 for a tunnel", "denied", ""},
}

func TestBilledLines(t *testing.T) {
	for _, name := range []string{"native", "bill"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		format, err := accesslog.ParseFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		records := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(records) != len(billed) {
			t.Fatalf("%s: %d lines, want %d", name, len(records), len(billed))
		}
		for i, row := range billed {
			var l accesslog.Line
			if flaw := format.Parse([]byte(records[i]), &l); flaw != accesslog.None {
				t.Errorf("%s: %s: flaw %s in %q", name, row.situation, flaw, records[i])
				continue
			}
			if got := l.Result().String(); got != row.result || string(l.Who()) != row.who {
				t.Errorf("%s: %s: %s for %q, want %s for %q", name, row.situation, got, l.Who(), row.result, row.who)
			}
			fields := strings.Fields(records[i])
			if strconv.FormatInt(l.Sent, 10) != fields[4] || name == "bill" && strconv.FormatInt(l.Received, 10) != fields[5] {
				t.Errorf("%s: %s: %d bytes sent, %d received in %q", name, row.situation, l.Sent, l.Received, records[i])
			}
			if name == "bill" && l.Sequence != int64(i) {
				t.Errorf("%s: record %d, want %d", row.situation, l.Sequence, i)
			}
		}
	}
}

// Every format that squid wrote of the same requests bills the same.
func TestEveryFormatBillsTheSame(t *testing.T) {
	same(t, func(name string) string { return filepath.Join("testdata", name+".log") })
}
