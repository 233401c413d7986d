package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/ledger"
	"milepost/lib/peers"
)

// billed is a line of squid's log.
func billed(at time.Time, user string, bytes int) string {
	return fmt.Sprintf("%d.123     12 127.0.0.1 TCP_MISS/200 %d GET http://x/ %s HIER_DIRECT/127.0.0.1 text/plain\n", at.Unix(), bytes, user)
}

// ledgerOf counts a log into a ledger beside it.
func ledgerOf(t *testing.T, server, log string) (path string) {
	t.Helper()
	dir := t.TempDir()
	appendTo(t, filepath.Join(dir, "access.log"), log)
	path = filepath.Join(dir, "ledger.db")
	counted(t, ledger.Config{Server: server, Globs: []string{filepath.Join(dir, "access.log")}, Format: "native", Timezone: "UTC", Path: path})
	return path
}

func counted(t *testing.T, c ledger.Config) {
	t.Helper()
	l, err := ledger.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	over, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Follow(over); err != nil { // it counts what is there, and ends
		t.Fatal(err)
	}
}

func TestTheLedgersCommands(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	path := ledgerOf(t, "fra-1", billed(noon, "alice", 1000)+billed(noon, "alice", 7)+billed(noon, "bob", 50))
	dir := filepath.Dir(path)
	broken := filepath.Join(dir, "broken.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args, want string
		exit       int
	}{
		{"usage --format csv --ledger LEDGER", "alice,1007,,2\r\nbob,50,,1\r\n", 0},
		{"usage --format csv --by server,hour --ledger LEDGER", "fra-1,2026-11-20T12:00Z,1057,,3\r\n", 0},
		{"usage --ledger LEDGER --from 2026-11-20T12:07", "--from 2026-11-20T12:07:00: sums are kept by the quarter of an hour: write a time at :00, :15, :30 or :45", 1},
		{"ledger check --ledger LEDGER", `ledger "LEDGER" is whole, and its books balance`, 0},
		{"ledger check --ledger " + broken, "file is not a database", 1},
		{"ledger check --ledger DIR/none.db", "name one with --ledger", 1},
		{"ledger backup DIR/copy.db --ledger LEDGER", `ledger "LEDGER" is backed up as "DIR/copy.db"`, 0},
		{"ledger backup DIR/copy.db --ledger LEDGER", `"DIR/copy.db" is there already: name a new file`, 1},
		{"ledger backup --ledger LEDGER", "write check, backup FILE, adopt ID, or schema", 1},
		{"ledger adopt MY-LEDGER --ledger LEDGER", "it is no ledger's id", 1},
		{"ledger adopt ABCDEFGHIJKLMNOPQRSTUVWXYZ --ledger LEDGER", `ledger "LEDGER" goes on as ABCDEFGHIJKLMNOPQRSTUVWXYZ`, 0},
		{"ledger schema", "CREATE TABLE IF NOT EXISTS ledgers", 0},
		{"ledger check --ledger postgres://u@127.0.0.1:1/x", "check is for a ledger of this machine: name its file with --ledger", 1},
		{"usage forget alice --ledger LEDGER", "alice is forgotten-", 0},
		{"usage forget alice --ledger LEDGER", `knows no user "alice"`, 1},
		{"usage --format csv --ledger LEDGER", ",1007,,2\r\nbob,50,,1\r\n", 0},
		{"usage --format csv --ledger DIR/copy.db", "alice,1007,,2\r\nbob,50,,1\r\n", 0},
		{"ledger check --ledger LEDGER", "its books balance", 0},
		{"usage --ledger postgres://u:geheim@127.0.0.1:1/x", "carries a password: put it into publish_password_file or PGPASSFILE", 1},
	} {
		replace := strings.NewReplacer("LEDGER", path, "DIR", dir)
		exit, out, faults := execute(strings.Fields(replace.Replace(row.args))...)
		if exit != row.exit || !strings.Contains(out+faults, replace.Replace(row.want)) || strings.Contains(out+faults, "geheim") {
			t.Errorf("%s: exit %d, want %d %q\n%s%s", row.args, exit, row.exit, row.want, out, faults)
		}
	}
}

// The fleet's ledger answers for all servers, with a password from wherever it may be kept.
func TestRealUsageOfTheFleet(t *testing.T) {
	postgres := peers.StartPostgres(t)
	password := secretFile(t, postgres.Password)
	path := ledgerOf(t, "fra-1", billed(time.Now(), "alice", 1000))
	s := startServer(t, fmt.Sprintf("billing: {server: fra-1, access_log: [%s/access.log], ledger: %s, publish: %q, publish_password_file: %s}\n",
		filepath.Dir(path), path, postgres.URL, password))
	s.until("/metrics", `milepost_ledger_publishing{host="fra-1"} 1`, `milepost_ledger_unpublished_commits{host="fra-1"} 0`)

	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "publish_password"), []byte(postgres.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pgpass := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(pgpass, fmt.Appendf(nil, "127.0.0.1:%d:postgres:milepost:%s\n", postgres.Port, postgres.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	open := secretFile(t, postgres.Password)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	const answer = "server,user,bytes_out,bytes_in,requests\r\nfra-1,alice,1000,,1\r\n"
	for _, row := range []struct {
		situation, inventory, credentials, pgpass string
		want                                      string
	}{
		{"no password", "", "", "/nonexistent", "password authentication failed"},
		{"PGPASSFILE", "", "", pgpass, answer},
		{"the unit's credentials", "", credentials, "/nonexistent", answer},
		{"a file of the inventory's", "billing: {publish_password_file: " + password + "}\n", "", "/nonexistent", answer},
		{"a file that others may read", "billing: {publish_password_file: " + open + "}\n", "", "/nonexistent", "chmod"},
		{"the inventory's ledger", fmt.Sprintf("billing: {ledger: %q, publish_password_file: %s}\n", postgres.URL, password), "", "/nonexistent", answer},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", row.credentials)
		t.Setenv("PGPASSFILE", row.pgpass)
		args := []string{"usage", "--format", "csv", "--by", "server,user", "--config.file", inventoryFile(t, row.inventory)}
		if !strings.Contains(row.inventory, "ledger") {
			args = append(args, "--ledger", postgres.URL)
		}
		exit, out, faults := execute(args...)
		if !strings.Contains(out+faults, row.want) || (exit == 0) != (row.want == answer) || strings.Contains(out+faults, postgres.Password) {
			t.Errorf("%s: exit %d\n%s%s", row.situation, exit, out, faults)
		}
	}
	t.Setenv("PGPASSFILE", pgpass)
	if exit, out, faults := execute("usage", "forget", "alice", "--ledger", postgres.URL); exit != 0 || !strings.HasPrefix(out, "alice is forgotten-") {
		t.Errorf("%d %s%s", exit, out, faults)
	}
}

// Where there are no hosts, it only counts: users as the inventory has them shown.
func TestRealBillingAlone(t *testing.T) {
	now := time.Now()
	for _, row := range []struct {
		situation, keys string
		users           []string // of /metrics/users
		never           []string
		page            bool // alice is on the page
	}{
		{"as it is", "", []string{`user="alice"} 1`, `user="bob"} 1`}, []string{"_other"}, true},
		{"the top user", ", top_users: 1", []string{`user="alice"} 1`, `user="_other"} 1`}, []string{"bob"}, true},
		{"no users", ", expose_users: false", nil, []string{"alice", "bob", "squid_user"}, false},
		{"under a pseudonym", ", pseudonym_key_file: " + secretFile(t, "a key"), []string{`user="u-`}, []string{"alice", "bob"}, false},
	} {
		t.Run(row.situation, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "access.log")
			appendTo(t, log, billed(now.Add(-48*time.Hour), "alice", 1000)+billed(now, "bob", 50)+billed(now, "monitor", 7))
			s := startServer(t, fmt.Sprintf("billing: {server: fra-1, access_log: [%s], exclude_users: [monitor]%s}\n", log, row.keys))
			s.until("/metrics", `milepost_squid_bytes_total{direction="out",host="fra-1"} 1057`, `milepost_squid_requests_total{host="fra-1",result="miss"} 3`)
			status, users := s.get("/metrics/users")
			if (status == 404) != (row.users == nil) {
				t.Errorf("/metrics/users: %d", status)
			}
			for _, want := range row.users {
				if !strings.Contains(users, want) {
					t.Errorf("no %s in\n%s", want, users)
				}
			}
			_, page := s.get("/")
			if strings.Contains(page, "alice") != row.page {
				t.Errorf("alice on the page: %v", !row.page)
			}
			for _, never := range append(row.never, "monitor") {
				if strings.Contains(users, `"`+never) {
					t.Errorf("%s is in\n%s", never, users)
				}
			}
			for _, path := range []string{"/metrics", "/status.json", "/fleet.json"} {
				if _, text := s.get(path); strings.Contains(text, "alice") {
					t.Errorf("%s names alice", path)
				}
			}
		})
	}
}

// The front page's footer: all that was ever sent, and what was in a day, of the same lines.
func TestRealBytesOfTheFleet(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	now := time.Now()
	appendTo(t, log, billed(now.Add(-48*time.Hour), "alice", 1000)+billed(now, "bob", 50)+billed(now, "monitor", 7))
	s := startServer(t, oneHost+fmt.Sprintf("billing: {server: here, access_log: [%s], exclude_users: [monitor]}\n", log))
	s.until("/fleet.json", `"bytes_total":1050,"bytes_24h":50`)
	if status, body := s.fetch(s.pub.URL + "/fleet.json"); status != 200 || !strings.Contains(body, `"bytes_total":1050,"bytes_24h":50`) {
		t.Errorf("%d %s", status, body)
	}
}
