package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"milepost/lib/fleet"
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

// A log behind links that are not followed is no fault, or whoever may write into squid's
// directory could keep the exporter from starting.
func TestALinkThatIsNotFollowed(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	if err := os.Symlink(log, log); err != nil {
		t.Fatal(err)
	}
	exit, out, faults := execute("check-config", usageFile(t, "milepost.yml", "billing:\n  access_log: ["+log+"]\n"))
	if exit != 0 || !strings.Contains(out, "warning: billing.access_log: nothing is counted of it: following "+strconv.Quote(log)+": more than 8 symbolic links lead on: name the file itself") {
		t.Errorf("exit %d: %s%s", exit, out, faults)
	}
}

// Why nothing is counted is told when it becomes another reason, and once each.
func TestWhyTheLedgerIsNotOpened(t *testing.T) {
	inTheWay := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Load(usageFile(t, "milepost.yml", "hosts: [{name: a, address: '::1', checks: {packet_loss: {}}}]\nbilling: {access_log: /nowhere/access.log, ledger: "+inTheWay+"/ledger.db}\n"), served(), validate)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	b, err := openBilling(f, t.TempDir(), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		situation string
		before    func() error
		told      int    // complaints so far
		want      string // the last line
	}{
		{"as it was", func() error { return nil }, 1, "not a directory"},
		{"another cause", func() error {
			return errors.Join(os.Remove(inTheWay), os.MkdirAll(filepath.Join(inTheWay, "ledger.db"), 0o700))
		}, 2, "ledger.db"},
		{"still", func() error { return nil }, 2, "ledger.db"},
		{"no cause any more", func() error { return os.Remove(filepath.Join(inTheWay, "ledger.db")) }, 2, "the ledger is open now"},
	} {
		if err := tt.before(); err != nil {
			t.Fatal(err)
		}
		b.reopen(t.Context())
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if strings.Count(said.String(), "NOTHING IS COUNTED") != tt.told || !strings.Contains(lines[len(lines)-1], tt.want) {
			t.Errorf("%s: want %d complaints and at last %s\n%s", tt.situation, tt.told, tt.want, said.String())
		}
	}
	if err := b.ledger.Load().Close(); err != nil {
		t.Error(err)
	}
}
