package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func usageFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCountingLogs(t *testing.T) {
	const native = "1795176000.000     12 127.0.0.1 TCP_MISS/200 %d GET http://h/ alice HIER_DIRECT/127.0.0.1 text/plain\n"
	const bill = "1795176000.000     12 127.0.0.1 TCP_MISS/200 1000 30 GET alice 7 1795176000.000 http://h/\n"
	log := usageFile(t, "native.log", strings.ReplaceAll(native, "%d", "1000")+strings.Replace(strings.ReplaceAll(native, "%d", "7"), "alice", "monitor", 1))
	other := usageFile(t, "other.log", strings.ReplaceAll(native, "%d", "1"))
	billed := usageFile(t, "bill.log", bill+"half a line\n")
	inventory := usageFile(t, "milepost.yml", "billing: {server: fra-1, access_log: [/nowhere], format: bill, exclude_users: [monitor], timezone: Asia/Tokyo}\n")
	for _, row := range []struct {
		situation string
		args      []string
		exit      int
		out       string
		faults    string
	}{
		{"a log", []string{"--log", log, "--format", "csv"}, 0, "user,bytes_out,bytes_in,requests\r\nalice,1000,,1\r\nmonitor,7,,1\r\n", ""},
		{"several, as a shell names them", []string{"--format", "csv", "--log", log, other}, 0, "user,bytes_out,bytes_in,requests\r\nalice,1001,,2\r\nmonitor,7,,1\r\n", ""},
		{"one that is named twice", []string{"--format", "csv", "--log", log, "--log", filepath.Dir(log) + "/./native.log"}, 0, "user,bytes_out,bytes_in,requests\r\nalice,1000,,1\r\nmonitor,7,,1\r\n", `native.log" is the same file as "` + log + `": it is counted once`},
		{"a line that is being written", []string{"--format", "csv", "--log", usageFile(t, "live.log", strings.ReplaceAll(native, "%d", "9")+native[:40])}, 0, "user,bytes_out,bytes_in,requests\r\nalice,9,,1\r\n", `live.log" ends within a line, which squid may be writing yet: it is not counted`},
		{"to the second", []string{"--format", "csv", "--from", "2026-11-20T12:00:01", "--log", log}, 0, "user,bytes_out,bytes_in,requests\r\n", ""},
		{"from a month on", []string{"--format", "csv", "--from", "2026-11", "--to", "2026-12", "--log", other}, 0, "user,bytes_out,bytes_in,requests\r\nalice,1,,1\r\n", ""},
		{"a log and a ledger", []string{"--log", log, "--ledger", "/x"}, 1, "", "--log counts logs without a ledger: leave --ledger out, or --log"},
		{"another database", []string{"--ledger", "mysql://u:geheim@x/y"}, 1, "", "--ledger mysql://... is no URL of a PostgreSQL: write postgres://user@host/database, or a file's path"},
		{"the machine's zone", []string{"--timezone", "Local", "--log", log}, 1, "", `timezone "Local" is unknown: write it as Europe/Berlin, or UTC`},
		{
			"as the inventory says",
			[]string{"--config.file", inventory, "--format", "csv", "--by", "server,day", "--log-format", "native", "--log", log},
			0,
			"server,day,bytes_out,bytes_in,requests\r\nfra-1,2026-11-20,1000,,1\r\n", "",
		},
		{
			"its format and a hole in the CSV",
			[]string{"--config.file", inventory, "--format", "csv", "--log", billed},
			3,
			"user,bytes_out,bytes_in,requests\r\nalice,1000,30,1\r\n", "incomplete: not everything could be counted (1 malformed): --holes shows what\n",
		},
		{
			"a gap in squid's numbers",
			[]string{"--format", "csv", "--log-format", "bill", "--holes", "--log", usageFile(t, "gap.log", bill+strings.ReplaceAll(bill, "alice 7", "alice 10"))},
			3,
			"user,bytes_out,bytes_in,requests\r\nalice,2000,60,2\r\n", "incomplete: not everything could be counted (2 missing):\n2 missing from 2026-11-20T12:00:00Z to 2026-11-20T12:00:00Z on ",
		},
		{
			"a format of squid.conf's",
			[]string{"--format", "csv", "--log-format", `logformat mine %ts "%un" %>Hs %<st %>st`, "--log", usageFile(t, "mine.log", "1795176000 \"a \\\"b\\\"\" 200 1000 30\n")},
			0,
			"user,bytes_out,bytes_in,requests\r\n\"a \"\"b\"\"\",1000,30,1\r\n", "",
		},
		{"a format without a user", []string{"--log-format", "%ts %>Hs %<st", "--log", log}, 1, "", "it has no user: add %#un"},
		{"what it cannot read", []string{"--log", usageFile(t, "a.zst", "\x28\xb5\x2f\xfd")}, 1, "", "zstd -dc FILE | milepost-exporter usage --log -"},
		{"no such zone", []string{"--timezone", "Mars", "--log", log}, 1, "", `timezone "Mars" is unknown`},
		{"no date", []string{"--from", "yesterday", "--log", log}, 1, "", `--from: "yesterday" is no date: write 2026-11-01`},
		{"the wrong way round", []string{"--from", "2026-11-02", "--to", "2026-11-01", "--log", log}, 1, "", "there is nothing between"},
		{"a log without --log", []string{log}, 1, "", "logs are named with --log"},
	} {
		exit, out, faults := execute(append([]string{"usage"}, row.args...)...)
		if exit != row.exit || out != row.out || !strings.Contains(faults, row.faults) || row.faults == "" && faults != "" {
			t.Errorf("%s: exit %d, want %d\n%s%s", row.situation, exit, row.exit, out, faults)
		}
	}
}

// Who asks for usage makes no directories.
func TestUsageMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	t.Setenv("STATE_DIRECTORY", dir)
	exit, _, faults := execute("usage")
	if exit != 1 || !strings.Contains(faults, "name one with --ledger, or count logs with --log") {
		t.Errorf("exit %d: %s", exit, faults)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s was made", dir)
	}
}

func TestProgress(t *testing.T) {
	for _, row := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{0, 1000e6, time.Second, "[                              ]   0 %, 0 of 1000 MB"},
		{250e6, 1000e6, 2 * time.Second, "[#######                       ]  25 %, 250 of 1000 MB, 6s left"},
		{1001e6, 1000e6, 2 * time.Second, "[##############################] 100 %, 1000 of 1000 MB, 0s left"},
		{42e6, 0, time.Second, "42 MB"},
	} {
		if got := progressLine(row.done, row.total, row.took); !strings.HasPrefix(got, row.want) {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
	var quiet strings.Builder
	p := &progress{w: &quiet, began: time.Now().Add(-time.Hour)}
	p.show(1, 2)
	if p.clear(); quiet.String() != "" {
		t.Errorf("%q where no terminal is", quiet.String())
	}
	p.terminal = true
	p.show(1, 2)
	if p.clear(); !strings.HasPrefix(quiet.String(), "\r[###############  ") || !strings.HasSuffix(quiet.String(), "\r\x1b[K") {
		t.Errorf("%q on a terminal", quiet.String())
	}
}
