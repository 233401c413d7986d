package tail_test

import (
	"strings"
	"testing"

	"milepost/lib/tail"
)

func TestLogs(t *testing.T) {
	for _, row := range []struct{ situation, files, want string }{
		{"rotated ones", "a.log a.log.1 a.log.2.gz a.log-20261123 a.log-20261122.gz", "a.log a.log a.log a.log a.log"},
		{"rotated ones alone", "/x/a.log.1 /x/a.log.2.gz", "/x/a.log /x/a.log"},
		{"compressed", "a.log.gz", "a.log"},
		{"the extension last", "a.log a.1.log a.2.log.gz a-20261123.log", "a.log a.log a.log a.log"},
		{"workers", "a.1.log a.2.log a.1.log.1", "a.1.log a.2.log a.1.log"},
		{"names that end like rotated ones", "squid-1 squid-2", "squid-1 squid-2"},
		{"standard input", "-", "-"},
		{"two servers", "fra/a.log par/a.log", "fra/a.log par/a.log"},
	} {
		if got := strings.Join(tail.Logs(strings.Fields(row.files)), " "); got != row.want {
			t.Errorf("%s: %s: got %s, want %s", row.situation, row.files, got, row.want)
		}
	}
}
