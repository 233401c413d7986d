package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What serve would refuse of billing, check-config refuses with its place.
func TestFaultsOfBilling(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"start: yesterday", `:3:10: billing: start "yesterday" is neither beginning, end nor a date: write 2026-11-01`},
		{"timezone: Mars/Olympus", `:3:13: billing: timezone "Mars/Olympus" is unknown`},
		{"timezone: Local", `:3:13: billing: timezone "Local" is unknown`},
		{"ledger: postgres://u:geheim@db/x", ":3:11: billing: ledger: the URL carries a password: put it into publish_password_file or PGPASSFILE"},
		{"ledger: mysql://db/x", `:3:11: billing: ledger "mysql://db/x" is no URL of a PostgreSQL`},
		{"publish: /var/lib/x", `:3:12: billing: publish "/var/lib/x" is no URL of a PostgreSQL: write postgres://user@host/database`},
		{"keep_buckets: -1h", `:3:17: billing: keep_buckets: duration "-1h"`},
		{"top_users: -1", ":3:14: billing: top_users is less than nothing: 0 names all"},
		{"format: \"%ts nonsense\"", ":3:11: billing: "},
		{"cache_manager: proxy.example.net:3128", "only this machine's squid is asked: write 127.0.0.1:3128"},
	} {
		file := usageFile(t, "milepost.yml", "billing:\n  access_log: [/nowhere]\n  "+row.line+"\n")
		exit, _, faults := execute("check-config", file)
		if exit != 1 || !strings.Contains(faults, row.want) || strings.Contains(faults, "geheim") {
			t.Errorf("%s: exit %d: %s", row.line, exit, faults)
		}
	}
}

// A log behind links that are not followed is refused before anybody waits for its bytes.
func TestALinkThatIsNotFollowed(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.Symlink(log, log); err != nil {
		t.Fatal(err)
	}
	exit, _, faults := execute("check-config", usageFile(t, "milepost.yml", "billing:\n  access_log: ["+log+"]\n"))
	if exit != 1 || !strings.Contains(faults, "billing: access_log: following "+strconv.Quote(log)+": more than 8 symbolic links lead on: name the file itself") {
		t.Errorf("exit %d: %s", exit, faults)
	}
}
