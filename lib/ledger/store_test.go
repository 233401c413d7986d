package ledger

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/sqlitefile"
)

// A ledger of the first schema is brought up to date; a copy of it is kept.
func TestUpgrade(t *testing.T) {
	c := config(t.TempDir())
	c.Timezone = "Asia/Tokyo"
	db, err := sql.Open("sqlite", sqlitefile.Address(c.Path, writing()))
	if err != nil {
		t.Fatal(err)
	}
	exec1(t, db, upgrades()[0]+`
		INSERT INTO ledger VALUES ('THEID', 'Asia/Tokyo', 7, 0);
		INSERT INTO usage VALUES ('a', 'alice', 1793451600, 5, NULL, 1), ('a', 'alice', 1793458800, 7, NULL, 2);
		INSERT INTO usage_daily VALUES ('a', 'alice', '2026-10-31', 5, NULL, 1), ('a', 'alice', '2026-11-01', 7, NULL, 2);
		INSERT INTO users VALUES ('a', 'alice', 12, 0, 3);
		INSERT INTO totals VALUES ('a', 'out', 12);
		INSERT INTO holes VALUES ('a', 'malformed', '/x', 1793451600, 0, 0, 1, 'time'), ('a', 'malformed', '/x', 1793451601, 0, 0, 2, 'time');
		PRAGMA user_version = 1;`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Usage(t.Context(), c.Path, Query{}); err == nil || !strings.Contains(err.Error(), "its schema is version 1, and this milepost reads 4: the exporter brings it up to date when it starts") {
		t.Errorf("%v", err)
	}
	l := follow(t, c)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	rows, holes, err := Usage(t.Context(), c.Path, Query{Zone: tokyo, By: []string{"month"}})
	if err != nil || fmt.Sprint(rows) != "[{[2026-10] 5 <nil> 1} {[2026-11] 7 <nil> 2}]" || len(holes) != 1 || holes[0].Count != 3 {
		t.Errorf("%v %v %v", rows, holes, err)
	}
	kept, err := filepath.Glob(c.Path + ".v1-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%q %v", kept, err)
	}
	old, err := sql.Open("sqlite", kept[0])
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var version, out int
	if err := old.QueryRow("SELECT (SELECT user_version FROM pragma_user_version), sum(bytes_out) FROM usage").Scan(&version, &out); err != nil || version != 1 || out != 12 {
		t.Errorf("the copy has version %d and %d bytes, %v", version, out, err)
	}
}

func TestAnotherTimezone(t *testing.T) {
	c := config(t.TempDir())
	late := time.Date(2026, 10, 31, 23, 30, 0, 0, time.UTC)
	write(t, c.Globs[0], line(late, "TCP_MISS", 200, 7, "alice")+line(late.Add(-time.Hour), "TCP_MISS", 200, 5, "alice"))
	follow(t, c).Close()
	c.Timezone = "Europe/Berlin" // one hour ahead
	l := follow(t, c)
	var days, months string
	if err := l.db.QueryRow("SELECT (SELECT group_concat(day || ' ' || bytes_out, ', ') FROM usage_daily), (SELECT group_concat(month || ' ' || bytes_out, ', ') FROM usage_monthly)").Scan(&days, &months); err != nil {
		t.Fatal(err)
	}
	if days != "2026-10-31 5, 2026-11-01 7" || months != "2026-10 5, 2026-11 7" {
		t.Errorf("%s; %s", days, months)
	}
	exec1(t, l.db, "UPDATE ledger SET pruned = 1793458800")
	l.Close()
	c.Timezone = "Asia/Tokyo"
	want := "its days before 2026-10-31 are those of Europe/Berlin, and the quarters of an hour that would tell those of Asia/Tokyo are pruned: billing.timezone must stay Europe/Berlin, or name another ledger"
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// Who reads leaves the directory as it was, be it one that cannot be written.
func TestReadersLeaveNothing(t *testing.T) {
	for _, row := range []struct {
		situation string
		mode      os.FileMode
	}{{"a directory that can be written", 0o700}, {"one that cannot", 0o500}} {
		c := config(t.TempDir())
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice"))
		follow(t, c).Close()
		before, _ := filepath.Glob(filepath.Join(filepath.Dir(c.Path), "*"))
		if err := os.Chmod(filepath.Dir(c.Path), row.mode); err != nil {
			t.Fatal(err)
		}
		if got := usage(t, c, "user"); got["alice"] != "7/1" {
			t.Errorf("%s: %v", row.situation, got)
		}
		if err := os.Chmod(filepath.Dir(c.Path), 0o700); err != nil {
			t.Fatal(err)
		}
		after, _ := filepath.Glob(filepath.Join(filepath.Dir(c.Path), "*"))
		if fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%s: %q became %q", row.situation, before, after)
		}
	}
}

// What is told of the users without a name is a counter: it never falls, whoever
// comes to the top, and be the exporter started again in between.
func TestTheOthersNeverFall(t *testing.T) {
	c := config(t.TempDir())
	c.TopUsers = 1
	others := func(l *Ledger) (bytes, requests float64) {
		for s := range l.UserSamples() {
			switch {
			case s.Labels[3] != other:
			case s.Metric == "squid_user_bytes_total":
				bytes = s.Value
			default:
				requests = s.Value
			}
		}
		return bytes, requests
	}
	var lastBytes, lastRequests float64
	for _, row := range []struct {
		situation, user string
		bytes           int64
		requests        int
		want            string
	}{
		{"the first user", "alice", 100, 1, "0 0"},
		{"another, with many small requests", "bob", 2, 45, "90 45"},
		{"who comes to the top: of the others alice's one request is left", "bob", 50, 1, "100 45"},
		{"they grow again, and are not seen to for a while", "carol", 1, 40, "140 45"},
		{"until they have caught up", "carol", 1, 5, "145 46"},
		{"two change places", "alice", 500, 1, "185 91"},
	} {
		for range row.requests {
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, row.bytes, row.user))
		}
		l := follow(t, c)
		bytes, requests := others(l)
		if got := fmt.Sprint(bytes, requests); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
		if bytes < lastBytes || requests < lastRequests {
			t.Errorf("%s: they fell", row.situation)
		}
		lastBytes, lastRequests = bytes, requests
		l.Close()
	}
	c.TopUsers = 3 // everybody has a name now
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "bob"))
	l := follow(t, c)
	defer l.Close()
	if got := fmt.Sprint(others(l)); got != "185 91" {
		t.Errorf("with names for all: %s", got)
	}
}

// Who used how much is not for everybody, wherever the ledger lies.
func TestWhoMayReadTheLedger(t *testing.T) {
	c := config(t.TempDir())
	said := ""
	c.Notice = func(text string) { said += text }
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	follow(t, c).Close()
	backup := c.Path + ".backup"
	if err := Backup(t.Context(), c.Path, backup); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.Path, backup} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(c.Path, 0o644); err != nil || said != "" {
		t.Fatal(err, said)
	}
	follow(t, c).Close()
	if info, err := os.Stat(c.Path); err != nil || info.Mode().Perm() != 0o640 || !strings.Contains(said, "could be read by everybody") {
		t.Errorf("%v %v %s", info.Mode(), err, said)
	}
}
