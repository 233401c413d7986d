package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLookingAfterALedger(t *testing.T) {
	c := config(t.TempDir())
	for _, u := range []string{"alice", "bob", "bob"} {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, u))
	}
	l := follow(t, c)
	defer l.Close()
	if err := Check(t.Context(), c.Path); err != nil {
		t.Error(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(t.Context(), c.Path, backup); err != nil { // while it is open
		t.Fatal(err)
	}
	copied := c
	copied.Path = backup
	if got := usage(t, copied, "user"); got["bob"] != "14/2" {
		t.Errorf("the backup has %v", got)
	}
	for situation, row := range map[string]struct {
		do   func() error
		want string
	}{
		"a backup that is there": {func() error { return Backup(t.Context(), c.Path, backup) }, "is there already: name a new file"},
		"a backup to nowhere":    {func() error { return Backup(t.Context(), c.Path, "/nonexistent/backup.db") }, "open /nonexistent/backup.db: no such file or directory"},
		"a backup of nothing":    {func() error { return Backup(t.Context(), "/nonexistent.db", backup+"2") }, "name one with --ledger"},
		"no such user":           {func() error { _, err := Forget(t.Context(), c.Path, "carol"); return err }, `knows no user "carol"`},
		"an id that is none":     {func() error { return Adopt(t.Context(), c.Path, "my ledger") }, "it is no ledger's id"},
		"books that do not balance": {func() error {
			exec1(t, l.db, "UPDATE usage_daily SET bytes_out = bytes_out + 1 WHERE user = 'bob'")
			return Check(t.Context(), c.Path)
		}, `days and months of a user differ: server "a", user "bob"`},
		"a file of something else": {func() error {
			if err := os.WriteFile(backup+"3", []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
				return err
			}
			return Check(t.Context(), backup+"3")
		}, "file is not a database"},
	} {
		if err := row.do(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", situation, err, row.want)
		}
	}
}

// A forgotten user's sums stay, under a name that tells nobody who it was.
func TestForget(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "dom%5cbob")+line(noon, "TCP_MISS", 200, 5, "alice"))
	follow(t, c).Close()
	name, err := Forget(t.Context(), c.Path, `dom\bob`)
	if err != nil || !strings.HasPrefix(name, "forgotten-") {
		t.Fatal(name, err)
	}
	l := follow(t, c)
	defer l.Close()
	if got := usage(t, c, "user"); got[name] != "7/1" || got[`dom\bob`] != "" || got["alice"] != "5/1" {
		t.Errorf("%v", got)
	}
	if err := Check(t.Context(), c.Path); err != nil {
		t.Error(err)
	}
	for s := range l.UserSamples() {
		if strings.HasSuffix(s.Labels[3], `\bob`) {
			t.Errorf("%v", s)
		}
	}
	for _, table := range []string{"usage", "usage_daily", "usage_monthly", "users"} {
		var n int
		if err := l.db.QueryRow("SELECT count(*) FROM " + table + ` WHERE user LIKE '%\bob'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v", table, n, err)
		}
	}
}
