package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/sqlitefile"
)

// Times that cannot be are a hole; their bytes are in the sums of all time, and in no day's.
func TestAbsurdTimesAreHoles(t *testing.T) {
	c := config(t.TempDir())
	future := time.Now().Add(48 * time.Hour)
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")+line(time.Unix(5, 0), "TCP_MISS", 200, 20, "alice")+
		line(future, "TCP_MISS", 200, 300, "alice")+line(noon.Add(time.Hour), "TCP_MISS", 200, 4000, "alice"))
	l := follow(t, c)
	defer l.Close()
	if got := usage(t, c, "user", "day"); fmt.Sprint(got) != "map[alice 2026-11-20:4001/2 alice unknown:320/2]" {
		t.Errorf("%v", got)
	}
	for _, row := range []struct {
		situation string
		q         Query
		bytes     int64
		want      string
	}{
		{"all", Query{}, 4321, "2 bad_time 12:00"},
		{"the hour that they stand in", Query{From: noon, To: noon.Add(time.Hour)}, 1, "2 bad_time 12:00"},
		{"another", Query{From: noon.Add(time.Hour)}, 4000, ""},
	} {
		for what, count := range map[string]func() ([]Row, []Hole, error){
			"ledger": func() ([]Row, []Hole, error) { return Usage(t.Context(), c.Path, row.q) },
			"logs":   func() ([]Row, []Hole, error) { return Count(t.Context(), c.Globs, c, row.q, nil) },
		} {
			rows, holes, err := count()
			var said []string
			for _, h := range holes {
				said = append(said, fmt.Sprintf("%d %s %s", h.Count, h.Kind, h.At.Format("15:04")))
			}
			if err != nil || len(rows) != 1 || rows[0].BytesOut != row.bytes || strings.Join(said, ", ") != row.want {
				t.Errorf("%s, of the %s: %v %q %v", row.situation, what, rows, said, err)
			}
		}
	}
	if n := sample(l, "ledger_holes_total", "kind", "bad_time"); n != 2 {
		t.Errorf("the metric tells of %v", n)
	}
}

// Who rotates by copying is told what that costs, and what to do.
func TestCopytruncateIsWarnedOf(t *testing.T) {
	c := config(t.TempDir())
	var notices []string
	c.Notice = func(s string) { notices = append(notices, s) }
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	l := follow(t, c)
	defer l.Close()
	copyFile(t, c.Globs[0], c.Globs[0]+".1")
	if err := os.Truncate(c.Globs[0], 0); err != nil {
		t.Fatal(err)
	}
	drain(t, l)
	want := "truncated: what was written while it was copied is lost: have logrotate rename it, and squid -k rotate run after it, in place of copytruncate: see usage --holes"
	if len(notices) != 1 || !strings.Contains(notices[0], want) {
		t.Errorf("%q", notices)
	}
	if n := sample(l, "ledger_holes_total", "kind", "truncated"); n != 1 {
		t.Errorf("%v holes", n)
	}
}

// What is committed is on the disk: a power cut takes nothing of it.
func TestCommitsAreOnTheDisk(t *testing.T) {
	l := follow(t, config(t.TempDir()))
	defer l.Close()
	for range 2 { // a new connection too
		var journal string
		var synchronous int
		if err := l.db.QueryRow("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&journal, &synchronous); err != nil || journal != "wal" || synchronous != 2 {
			t.Errorf("journal_mode %s, synchronous %d, want wal and 2, which is FULL: %v", journal, synchronous, err)
		}
		l.db.SetMaxIdleConns(0)
		l.db.SetMaxIdleConns(1)
	}
}

// A ledger of which one page is damaged is found so, kept as it is, and made anew from
// the logs that are left.
func TestADamagedPage(t *testing.T) {
	c := config(t.TempDir())
	gone := c.Globs[0] + ".1"
	for i := range 3000 {
		write(t, gone, line(noon.Add(-time.Hour), "TCP_MISS", 200, 1, fmt.Sprint("user", i)))
	}
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice"))
	follow(t, c).Close()
	text, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	page := len(text) / 2 / 4096 * 4096
	copy(text[page:], strings.Repeat("\xff", 512))
	if err := os.WriteFile(c.Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	remove(t, gone)
	if err := Check(t.Context(), c.Path); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("ledger %q: ", c.Path)) {
		t.Errorf("the check found %v", err)
	}
	var notices []string
	c.Notice = func(s string) { notices = append(notices, s) }
	l := follow(t, c)
	defer l.Close()
	aside, _ := filepath.Glob(c.Path + ".damaged-*")
	if len(aside) != 1 || len(notices) != 1 || !strings.Contains(notices[0], "LEDGER DAMAGED") {
		t.Fatalf("%q %q", aside, notices)
	}
	kept, err := os.ReadFile(aside[0])
	if err != nil || sha256.Sum256(kept) != sha256.Sum256(text) {
		t.Errorf("what was kept is not what was there: %v", err)
	}
	if got := usage(t, c); got[""] != "7/1" {
		t.Errorf("of the log that is left: %v", got)
	}
	_, holes, err := Usage(t.Context(), c.Path, Query{To: noon})
	if err != nil || len(holes) != 1 || holes[0].Kind != "set_aside" || holes[0].Path != aside[0] || !holes[0].Until.Equal(noon) {
		t.Errorf("%v %v", holes, err)
	}
	if err := Check(t.Context(), c.Path); err != nil {
		t.Error(err)
	}
}

// An upgrade that cannot be made leaves the ledger as it was.
func TestAnUpgradeThatFails(t *testing.T) {
	c := config(t.TempDir())
	db, err := sql.Open("sqlite", sqlitefile.Address(c.Path, writing()))
	if err != nil {
		t.Fatal(err)
	}
	exec1(t, db, upgrades()[0]+`
		INSERT INTO ledger VALUES ('THEID', 'UTC', 7, 0);
		INSERT INTO usage VALUES ('a', 'alice', 1793451600, 5, NULL, 1);
		INSERT INTO usage_daily VALUES ('a', 'alice', '2026-10-31', 5, NULL, 1);
		INSERT INTO users VALUES ('a', 'alice', 5, 0, 1);
		CREATE TABLE sequences (in_the_way TEXT); -- the last but one that the second schema makes
		PRAGMA user_version = 1;`)
	tables := func() string {
		var all string
		if err := db.QueryRow("SELECT (SELECT user_version FROM pragma_user_version) || ': ' || group_concat(sql, '; ') FROM sqlite_schema").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := tables()
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "table sequences already exists") {
		t.Errorf("%v", err)
	}
	if after := tables(); after != before {
		t.Errorf("the tables were\n%s\nand are\n%s", before, after)
	}
	if copies, _ := filepath.Glob(c.Path + ".v1-*"); len(copies) != 0 {
		t.Errorf("%q are left", copies)
	}
	exec1(t, db, "DROP TABLE sequences")
	db.Close()
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got := usage(t, c, "user", "month"); fmt.Sprint(got) != "map[alice 2026-10:5/1]" {
		t.Errorf("%v", got)
	}
}

// A user's counter says since when it counts, and a restart does not change it.
func TestSinceWhenAUserIsCounted(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	var before []time.Time
	for range 2 {
		l := follow(t, c)
		var since []time.Time
		for s := range l.UserSamples() {
			since = append(since, s.Since)
		}
		l.Close()
		if len(since) != 2 || time.Since(since[0]) > time.Hour || !since[0].Equal(since[1]) || before != nil && !slices.EqualFunc(before, since, time.Time.Equal) {
			t.Errorf("since %v, before %v", since, before)
		}
		before = since
	}
}

func TestCountingBeginsAtTheEnd(t *testing.T) {
	c := config(t.TempDir())
	c.Start = "end"
	write(t, c.Globs[0]+".1", line(noon, "TCP_MISS", 200, 10, "alice"))
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 20, "alice"))
	for i := range 3 { // and what begins then is counted from its start
		follow(t, c).Close()
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 300, "alice"))
		if i == 1 {
			if err := os.Rename(c.Globs[0], c.Globs[0]+".2"); err != nil {
				t.Fatal(err)
			}
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 4000, "alice"))
		}
	}
	follow(t, c).Close()
	if got := usage(t, c, "user"); got["alice"] != "4900/4" {
		t.Errorf("%v", got)
	}
}

// A spreadsheet runs what begins with one of four characters; the names of users are
// anybody's to choose.
func TestNamesThatASpreadsheetWouldRun(t *testing.T) {
	for _, row := range []struct{ user, cell string }{
		{"=cmd()", "'=cmd()"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@sum", "'@sum"},
		{"a=b", "a=b"},
		{"", ""},
		{"'x", "'x"},
		{"=a,b", `"'=a,b"`},
	} {
		for raw, want := range map[bool]string{false: row.cell, true: strings.Replace(row.cell, "'"+row.user, row.user, 1)} {
			if row.user == "=a,b" && raw {
				want = `"=a,b"`
			}
			var b strings.Builder
			if err := (Output{Format: "csv", By: []string{"user"}, Raw: raw}).Write(&b, []Row{{Keys: []string{row.user}, BytesOut: 7}}, nil); err != nil {
				t.Fatal(err)
			}
			if _, line, _ := strings.Cut(b.String(), "\r\n"); line != want+",7,,0\r\n" {
				t.Errorf("raw %v: %q is %q, want %q", raw, row.user, line, want)
			}
		}
	}
}

// A ledger that may be read and not written answers, and says why it does not count.
func TestAReadOnlyLedger(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	l := follow(t, c)
	defer l.Close()
	exec1(t, l.db, "PRAGMA query_only = 1") // as root a file's mode says nothing
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Follow(ctx); err == nil || !strings.Contains(err.Error(), "the last moments were not committed: they are counted at the next start") {
		t.Errorf("%v", err)
	}
	if got := usage(t, c); got[""] != "1/1" {
		t.Errorf("%v", got)
	}
	l.Close()
	follow(t, c).Close()
	if got := usage(t, c); got[""] != "2/2" {
		t.Errorf("at the next start: %v", got)
	}
}

// The log says what could not be counted and what to do, once for a log and a kind.
func TestHolesAreTold(t *testing.T) {
	c := config(t.TempDir())
	var notices []string
	c.Notice = func(s string) { notices = append(notices, s) }
	bad := "\x01\x02 binary\n" + strings.Repeat("cut off\n", 100)
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")+bad)
	l := follow(t, c)
	defer l.Close()
	write(t, c.Globs[0], bad)
	drain(t, l)
	want := `billing: a hole in the ledger: log "` + c.Globs[0] + `" malformed (binary): these lines are not of the log's format: compare squid.conf's logformat with billing.format`
	if len(notices) != 1 || !strings.HasPrefix(notices[0], want) {
		t.Errorf("%q", notices)
	}
}

// Whatever leaves a hole has advice.
func TestEveryHoleHasAdvice(t *testing.T) {
	for _, kind := range holeKinds {
		if advice[kind] == "" {
			t.Errorf("what to do about %s?", kind)
		}
	}
}
