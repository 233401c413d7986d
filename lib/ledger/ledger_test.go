package ledger

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"milepost/lib/metric"
	"milepost/lib/peers"
)

const (
	followSwitch = "LEDGER_TEST_FOLLOW"
	formatSwitch = "LEDGER_TEST_FORMAT"
	ledgerSwitch = "LEDGER_TEST_LEDGER"
)

// TestMain lets a test run this program as a follower that it can kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(followSwitch); dir != "" {
		c := config(dir)
		c.Path = os.Getenv(ledgerSwitch)
		c.Format, c.quiet, c.commitTime = os.Getenv(formatSwitch), 200*time.Millisecond, 10*time.Millisecond
		l, err := Open(context.Background(), c)
		if err == nil {
			err = l.Follow(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func config(dir string) Config {
	return Config{
		Server: "a", Globs: []string{filepath.Join(dir, "access.log")}, Format: "native", Timezone: "UTC",
		Path: filepath.Join(dir, "ledger.db"), TopUsers: 1000, Exclude: []string{"monitor"},
	}
}

// line is a record as squid 5.7 writes it.
func line(at time.Time, tag string, status int, n int64, user string) string {
	if user == "" {
		user = "-"
	}
	return fmt.Sprintf("%d.%03d %6d 127.0.0.1 %s/%03d %d GET http://127.0.0.1:9/x %s HIER_DIRECT/127.0.0.1 text/plain\n",
		at.Unix(), at.Nanosecond()/1e6, 12, tag, status, n, user)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// follow runs a ledger until it has seen all that is there.
func follow(t *testing.T, c Config) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, l)
	return l
}

// drain follows until nothing new comes.
func drain(t *testing.T, l *Ledger) {
	t.Helper()
	b := newBatch(l)
	for now := time.Now(); ; now = now.Add(time.Second) {
		idle := 0
		for idle < 2 {
			if ev, ok := l.tail.Next(now); ok {
				b.take(ev)
				idle = 0
				continue
			}
			idle++
			now = now.Add(3 * time.Second)
		}
		break
	}
	if err := l.save(b); err != nil {
		t.Fatal(err)
	}
}

func usage(t *testing.T, c Config, by ...string) map[string]string {
	t.Helper()
	rows, _, err := Usage(t.Context(), c.Path, Query{By: by})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rows {
		got[strings.Join(r.Keys, " ")] = fmt.Sprintf("%d/%d", r.BytesOut, r.Requests)
	}
	return got
}

func write(t *testing.T, path string, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestWhoPays(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], strings.Join([]string{
		line(noon, "TCP_MISS", 200, 1000, "alice"),
		line(noon, "TCP_MEM_HIT", 200, 10, "alice"),
		line(noon, "TCP_MISS_ABORTED", 200, 5, "alice"),
		line(noon, "TCP_TUNNEL", 200, 2300000039, "bob"),
		line(noon, "NONE_NONE", 503, 0, "bob"),
		line(noon, "TCP_DENIED", 403, 3428, "bob"),
		line(noon, "TCP_DENIED", 407, 3517, "alice"), // claimed, and not believed
		line(noon, "TCP_DENIED", 407, 3517, ""),
		line(noon, "TCP_MISS", 407, 11, "alice"),   // an origin's, and no better
		line(noon, "TCP_MISS", 200, 77, "monitor"), // left out
		line(noon, "TCP_MISS", 200, 3, "john smith"),
		line(noon, "TCP_MISS", 200, 4, "we%5bi%5drd%25x"),
		"this is no line at all\n",
		line(noon, "TCP_MISS", 200, 6, "alice")[:40] + "\n",
	}, ""))
	l := follow(t, c)
	defer l.Close()
	want := map[string]string{
		"alice": "1015/3", "bob": "2300003467/3", "": "7045/3", "john smith": "3/1", "we[i]rd%x": "4/1",
	}
	if got := usage(t, c, "user"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	samples := map[string]float64{}
	for s := range l.Samples() {
		samples[s.Metric+" "+strings.Join(s.Labels[min(2, len(s.Labels)):], " ")] = s.Value
	}
	for name, want := range map[string]float64{
		"squid_bytes_total direction out": 1015 + 2300003467 + 7045 + 77 + 3 + 4, "squid_requests_total result denied": 3,
		"squid_requests_total result tunnel": 1, "squid_log_lines_total kind counted": 11, "squid_log_lines_total kind skipped": 1,
		"squid_log_lines_total kind malformed": 2, "ledger_holes_total kind malformed": 2, "ledger_holes_total kind vanished": 0,
	} {
		if got, told := samples[name]; !told || got != want {
			t.Errorf("%s is %v, want %v", name, samples[name], want)
		}
	}
	for s := range l.UserSamples() {
		if user := s.Labels[3]; user == "john smith" && s.Value != 3 && s.Value != 1 {
			t.Errorf("%v", s)
		}
	}
}

func TestBuckets(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon.Add(14*time.Minute), "TCP_MISS", 200, 1, "alice")+
		line(noon.Add(15*time.Minute), "TCP_MISS", 200, 2, "alice")+
		line(noon.Add(12*time.Hour), "TCP_MISS", 200, 4, "alice")+
		line(time.Unix(5, 0), "TCP_MISS", 200, 8, "alice"))
	l := follow(t, c)
	defer l.Close()
	if got, want := usage(t, c, "user", "day"), map[string]string{"alice 2026-11-20": "3/2", "alice 2026-11-21": "4/1", "alice unknown": "8/1"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	kathmandu := time.FixedZone("+05:45", 5*3600+45*60)
	rows, holes, err := Usage(t.Context(), c.Path, Query{
		From: time.Date(2026, 11, 20, 18, 0, 0, 0, kathmandu), To: time.Date(2026, 11, 21, 0, 0, 0, 0, kathmandu), Zone: kathmandu, By: []string{"hour"},
	})
	if err != nil || len(rows) != 1 || rows[0].Keys[0] != "2026-11-20T18:00+05:45" || rows[0].BytesOut != 2 {
		t.Errorf("%v %v", rows, err)
	}
	if len(holes) != 0 { // found today, not then
		t.Errorf("%v", holes)
	}
	var day string
	if err := l.db.QueryRow("SELECT group_concat(day || ' ' || bytes_out, ', ') FROM (SELECT * FROM usage_daily ORDER BY day)").Scan(&day); err != nil || day != "1970-01-01 8, 2026-11-20 3, 2026-11-21 4" {
		t.Errorf("%q %v", day, err)
	}
}

func TestTopUsers(t *testing.T) {
	c := config(t.TempDir())
	c.TopUsers = 2
	for i := range 5 {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, int64(100*(i+1)), fmt.Sprint("user", i)))
	}
	l := follow(t, c)
	defer l.Close()
	got := map[string]float64{}
	for s := range l.UserSamples() {
		if s.Metric == "squid_user_bytes_total" {
			got[s.Labels[3]] = s.Value
		}
	}
	if fmt.Sprint(got) != "map[_other:600 user3:400 user4:500]" {
		t.Error(got)
	}
}

// A user may have the name of those who are not named.
func TestUserCalledOther(t *testing.T) {
	c := config(t.TempDir())
	c.TopUsers = 2
	for name, sent := range map[string]int64{"big": 9000, "_other": 5000, "a": 100, "b": 100} {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, sent, name))
	}
	l := follow(t, c)
	defer l.Close()
	got := map[string]float64{}
	for s := range l.UserSamples() {
		if s.Metric == "squid_user_bytes_total" {
			got[s.Labels[3]] += s.Value
		}
	}
	if fmt.Sprint(got) != "map[%5Fother:5000 _other:200 big:9000]" {
		t.Error(got)
	}
}

func TestALedgerGoesOn(t *testing.T) {
	c := config(t.TempDir())
	for i := range 5 {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, int64(i), "alice"))
		l := follow(t, c)
		if total, _ := l.Bytes(); total != uint64(i*(i+1)/2) {
			t.Errorf("%d bytes after %d starts", total, i)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := usage(t, c, "user"); got["alice"] != "10/5" {
		t.Error(got)
	}
}

func TestBadLedgers(t *testing.T) {
	t.Run("damaged: set aside, and the logs are counted again", func(t *testing.T) {
		c := config(t.TempDir())
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice"))
		if err := os.WriteFile(c.Path, bytes.Repeat([]byte("garbage "), 4000), 0o600); err != nil {
			t.Fatal(err)
		}
		var notices []string
		c.Notice = func(s string) { notices = append(notices, s) }
		l := follow(t, c)
		defer l.Close()
		if got := usage(t, c, "user"); got["alice"] != "7/1" {
			t.Error(got)
		}
		aside, _ := filepath.Glob(c.Path + ".damaged-*")
		if len(aside) != 1 || len(notices) != 1 || !strings.Contains(notices[0], "LEDGER DAMAGED") {
			t.Errorf("%q %q", aside, notices)
		}
		if _, holes, err := Usage(t.Context(), c.Path, Query{}); err != nil || len(holes) != 1 || holes[0].Kind != "set_aside" {
			t.Errorf("%v %v", holes, err)
		}
	})
	for name, tt := range map[string]struct {
		spoil func(*testing.T, *sql.DB)
		want  string
	}{
		"newer": {func(t *testing.T, db *sql.DB) { exec1(t, db, "PRAGMA user_version = 99") }, "its schema is version 99, and this milepost knows 4"},
		"of another zone": {func(t *testing.T, db *sql.DB) {
			exec1(t, db, "UPDATE ledger SET timezone = 'Asia/Tokyo', pruned = 1795132800")
		}, "its days before 2026-11-20 are those of Asia/Tokyo"},
	} {
		c := config(t.TempDir())
		l := follow(t, c)
		tt.spoil(t, l.db)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	t.Run("nowhere to write", func(t *testing.T) {
		c := config(t.TempDir())
		c.Path = "/proc/ledger.db"
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "/proc/ledger.db") {
			t.Error(err)
		}
	})
	t.Run("not there", func(t *testing.T) {
		if _, _, err := Usage(t.Context(), "/nonexistent.db", Query{}); err == nil || !strings.Contains(err.Error(), "name one with --ledger") {
			t.Error(err)
		}
	})
}

func exec1(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// A commit that fails moves neither sums nor position.
func TestAFailedCommitLosesNothing(t *testing.T) {
	c := config(t.TempDir())
	l := follow(t, c)
	defer l.Close()
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice"))
	b := newBatch(l)
	for now := time.Now().Add(time.Hour); ; {
		ev, ok := l.tail.Next(now)
		if !ok {
			break
		}
		b.take(ev)
	}
	exec1(t, l.db, "CREATE TEMP TRIGGER full BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
	if err := l.save(b); err == nil {
		t.Fatal("it was committed")
	}
	if got := usage(t, c, "user"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if total, _ := l.Bytes(); total != 0 {
		t.Errorf("%d bytes are shown that are not committed", total)
	}
	exec1(t, l.db, "DROP TRIGGER full")
	if err := l.save(b); err != nil {
		t.Fatal(err)
	}
	if got := usage(t, c, "user"); got["alice"] != "7/1" {
		t.Errorf("%v", got)
	}
}

// A person at sqlite3 finds a user by its name, whatever bytes it is of.
func TestUsersAreText(t *testing.T) {
	c := config(t.TempDir())
	users := []string{"alice", "ünï", "%ff%00x", "a%25"}
	for i, u := range users {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, int64(i+1), u))
	}
	l := follow(t, c)
	defer l.Close()
	want := map[string]string{"alice": "1/1", "ünï": "2/1", "\xff\x00x": "3/1", "a%": "4/1"}
	if got := usage(t, c, "user"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	var n int64
	if err := l.db.QueryRow("SELECT bytes_out FROM usage WHERE user = 'alice'").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Two exporters with one ledger would count every line twice.
func TestASecondWriterIsRefused(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "bob"))
	first, second := follow(t, c), follow(t, c)
	defer first.Close()
	defer second.Close()
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice"))
	drain(t, second)
	b := newBatch(first)
	for now := time.Now().Add(time.Hour); ; {
		ev, ok := first.tail.Next(now)
		if !ok {
			break
		}
		b.take(ev)
	}
	err := first.save(b)
	if err == nil || !strings.Contains(err.Error(), "another process wrote it meanwhile: stop the other milepost-exporter") {
		t.Errorf("error %v", err)
	}
	if got := usage(t, c, "user"); got["alice"] != "7/1" {
		t.Errorf("%v", got)
	}
}

func TestCountingBeginsOnADay(t *testing.T) {
	c := config(t.TempDir())
	c.Start = "2026-11-20"
	write(t, c.Globs[0], line(noon.Add(-24*time.Hour), "TCP_MISS", 200, 1, "alice")+line(noon, "TCP_MISS", 200, 7, "alice"))
	for range 2 { // and it stays that day
		l := follow(t, c)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, c.Globs[0], line(noon.Add(-24*time.Hour), "TCP_MISS", 200, 1, "alice"))
	}
	if got := usage(t, c, "user"); got["alice"] != "7/1" {
		t.Errorf("%v", got)
	}
}

// What is absurd is told from the moment a line comes, not from the last commit.
func TestTheFirstLineAfterALongWeekend(t *testing.T) {
	c := config(t.TempDir())
	l := follow(t, c)
	defer l.Close()
	b := newBatch(l)
	b.counter.latest = time.Now().Add(-48 * time.Hour).UnixMilli() // made on Friday
	write(t, c.Globs[0], line(time.Now(), "TCP_MISS", 200, 7, "alice"))
	for now := time.Now().Add(time.Hour); ; {
		ev, ok := l.tail.Next(now)
		if !ok {
			break
		}
		b.take(ev)
	}
	if len(b.holes) != 0 {
		t.Errorf("%v", b.holes)
	}
}

func TestHolesAreInTheLogsTime(t *testing.T) {
	c := config(t.TempDir())
	day := 24 * time.Hour
	write(t, c.Globs[0], line(noon.Add(-day), "TCP_MISS", 200, 1, "alice")+"x\ny\nx\n"+line(noon, "TCP_MISS", 200, 1, "alice")+"x\n")
	l := follow(t, c)
	defer l.Close()
	for _, row := range []struct {
		situation string
		q         Query
		want      int64
	}{
		{"all", Query{}, 4},
		{"the day of most", Query{To: noon}, 3},
		{"the last day", Query{From: noon}, 1},
		{"before", Query{To: noon.Add(-2 * day)}, 0},
	} {
		for _, count := range []func() ([]Row, []Hole, error){
			func() ([]Row, []Hole, error) { return Usage(t.Context(), c.Path, row.q) },
			func() ([]Row, []Hole, error) { return Count(t.Context(), c.Globs, c, row.q, nil) },
		} {
			_, holes, err := count()
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			for _, h := range holes {
				n += h.Count
			}
			if n != row.want || len(holes) > 2 {
				t.Errorf("%s: %d lines in %v, want %d", row.situation, n, holes, row.want)
			}
		}
	}
}

func TestDaysOutliveTheirBuckets(t *testing.T) {
	c := config(t.TempDir())
	c.Timezone = "Asia/Kathmandu"
	kathmandu, err := time.LoadLocation(c.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	old, now := time.Now().Add(-900*24*time.Hour), time.Now()
	write(t, c.Globs[0], line(old, "TCP_MISS", 200, 7, "alice")+line(now, "TCP_MISS", 200, 5, "alice"))
	c.KeepBuckets = 400 * 24 * time.Hour
	l := follow(t, c)
	defer l.Close()
	var buckets int
	if err := l.db.QueryRow("SELECT count(*) FROM usage").Scan(&buckets); err != nil || buckets != 1 {
		t.Fatalf("%d buckets are left, %v", buckets, err)
	}
	kept := l.kept(now)
	for _, row := range []struct {
		situation string
		q         Query
		want      string
	}{
		{"all of it", Query{Zone: kathmandu}, "12"},
		{"by days", Query{Zone: kathmandu, By: []string{"day"}}, "7 5"},
		{"what has buckets, in any zone", Query{Zone: time.UTC, From: kept}, "5"},
		{"up to then", Query{Zone: kathmandu, To: kept}, "7"},
		{"another zone", Query{Zone: time.UTC}, "is kept as whole days of Asia/Kathmandu only: ask with --timezone Asia/Kathmandu"},
		{"by hours", Query{Zone: kathmandu, By: []string{"hour"}}, "is kept as whole days"},
		{"from noon of an old day", Query{Zone: kathmandu, From: kept.Add(-36 * time.Hour)}, "is kept as whole days"},
		{"from a crooked time", Query{Zone: kathmandu, From: kept.Add(time.Minute)}, "by the quarter of an hour: write a time at :00, :15, :30 or :45"},
	} {
		rows, _, err := Usage(t.Context(), c.Path, row.q)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.BytesOut))
		}
		said := strings.Join(got, " ")
		if err != nil {
			said = err.Error()
		}
		if said != row.want && (err == nil || !strings.Contains(said, row.want)) {
			t.Errorf("%s: %s, want %s", row.situation, said, row.want)
		}
	}
}

// What clients sent is known with one format and not with the other: a sum over
// both is unknown, not too small.
func TestWhatClientsSent(t *testing.T) {
	c := config(t.TempDir())
	c.Format = "bill"
	bill := func(at time.Time, user string, out, in int64) string {
		return fmt.Sprintf("%d.000     12 127.0.0.1 TCP_MISS/200 %d %d GET %s 7 1795426814.405 http://h/\n", at.Unix(), out, in, user)
	}
	write(t, c.Globs[0], bill(noon, "alice", 10, 3)+bill(noon, "alice", 10, 4)+bill(noon, "bob", 100, 30)+bill(noon, "-", 5, 1))
	l := follow(t, c)
	table := func(c Config) string {
		rows, _, err := Usage(t.Context(), c.Path, Query{By: []string{"user"}})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := (Output{By: []string{"user"}}).Write(&b, rows, nil); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := `      USER  BYTES OUT         BYTES IN        REQUESTS
       bob        100  100 B        30  30 B         1
     alice         20   20 B         7   7 B         2
  (nobody)          5    5 B         1   1 B         1
     total        125  125 B        38  38 B         4
`
	if got := table(c); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	samples := map[string]float64{}
	for _, all := range []iter.Seq[metric.Sample]{l.Samples(), l.UserSamples()} {
		for s := range all {
			samples[s.Metric+" "+strings.Join(s.Labels[min(2, len(s.Labels)):], " ")] = s.Value
		}
	}
	for name, want := range map[string]float64{
		"squid_bytes_total direction in": 38, "squid_user_bytes_total user alice direction in": 7, "squid_user_bytes_total user alice direction out": 20,
	} {
		if samples[name] != want {
			t.Errorf("%s is %v, want %v", name, samples[name], want)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.Format = "native"
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 50, "alice"))
	defer follow(t, c).Close()
	want = `      USER  BYTES OUT         BYTES IN        REQUESTS
       bob        100  100 B        30  30 B         1
     alice         70   70 B   unknown               3
  (nobody)          5    5 B         1   1 B         1
     total        175  175 B   unknown               5
`
	if got := table(c); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestCountLogs(t *testing.T) {
	dir := t.TempDir()
	plain, zipped := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log.gz")
	var text strings.Builder
	for i := range 5000 {
		text.WriteString(line(noon, "TCP_MISS", 200, int64(i), fmt.Sprint("user", i%7)))
	}
	write(t, plain, text.String()+strings.TrimSuffix(line(noon, "TCP_MISS", 200, 1, "last"), "\n"))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(text.String())); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, zipped, z.String())
	var done, total int64
	rows, holes, err := Count(t.Context(), []string{plain, zipped}, Config{Server: "a"}, Query{}, func(d, n int64) { done, total = d, n })
	if err != nil || len(holes) > 0 || len(rows) != 1 || rows[0].BytesOut != 2*4999*5000/2+1 || rows[0].Requests != 10001 || done != total {
		t.Errorf("%v %v %v: %d of %d", rows, holes, err, done, total)
	}
	cut := filepath.Join(dir, "c.log.gz")
	write(t, cut, z.String()[:z.Len()/2])
	if _, holes, err := Count(t.Context(), []string{cut}, Config{}, Query{}, nil); err != nil || len(holes) != 1 || holes[0].Kind != "damaged" {
		t.Errorf("%v %v", holes, err)
	}
	for want, files := range map[string][]string{"no such file": {"/nonexistent"}, "not a regular file": {dir}} {
		if _, _, err := Count(t.Context(), files, Config{}, Query{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, _, err := Count(t.Context(), nil, Config{}, Query{By: []string{"usr"}}, nil); err == nil || !strings.Contains(err.Error(), "the keys are user, server") {
		t.Error(err)
	}
}

// What nobody can read at a log's start was logged about when its first line was.
func TestGarbageFirst(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], "garbage\n"+line(noon, "TCP_MISS", 200, 1, "alice"))
	follow(t, c).Close()
	for day, want := range map[int]int{-1: 0, 0: 1, 1: 0} {
		q := Query{From: noon.AddDate(0, 0, day).Truncate(24 * time.Hour), To: noon.AddDate(0, 0, day+1).Truncate(24 * time.Hour)}
		if _, holes, err := Usage(t.Context(), c.Path, q); err != nil || len(holes) != want {
			t.Errorf("%d days later: %v %v, want %d", day, holes, err, want)
		}
	}
}

// Nobody's name in an output is another's.
func TestOutputIsOneToOne(t *testing.T) {
	var rows []Row
	for _, name := range []string{"", "(nobody)", "%28nobody)", "=x", "'=x", "''=x", "'x", "_other"} {
		rows = append(rows, Row{Keys: []string{name}})
	}
	for _, o := range []Output{{Format: "table"}, {Format: "csv"}, {Format: "csv", Raw: true}} {
		o.By = []string{"user"}
		var b strings.Builder
		if err := o.Write(&b, rows, nil); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(b.String()) {
			if seen[line] {
				t.Errorf("%+v: %q twice in\n%s", o, line, b.String())
			}
			seen[line] = true
		}
	}
}

func TestOutput(t *testing.T) {
	rows := []Row{{Keys: []string{"alice"}, BytesOut: 1_500_000_000, Requests: 3}, {Keys: []string{"=cmd()"}, BytesOut: 7, Requests: 1}, {Keys: []string{"a\xff,\"b\""}, BytesOut: 1, Requests: 1}, {Keys: []string{""}, Requests: 1}}
	holes := []Hole{{Kind: "malformed", Count: 2, At: noon, Until: noon, Server: "a", Path: "/var/log/squid/access.log"}}
	for _, tt := range []struct {
		o    Output
		want []string
	}{
		{Output{Format: "table", By: []string{"user"}}, []string{"USER", "1500000000  1.5 GB", "total, incomplete", "1500000008", "(nobody)", "\nincomplete: not everything could be counted (2 malformed): --holes shows what"}},
		{Output{Format: "table", By: []string{"user"}, Holes: true}, []string{"malformed  2", "2026-11-20T12:00:00Z", "\nmalformed: these lines are not of the log's format: "}},
		{Output{Format: "csv", By: []string{"user"}}, []string{"user,bytes_out,bytes_in,requests\r\n", "'=cmd(),7,,1\r\n", "\"a%FF,\"\"b\"\"\",1,,1\r\n"}},
		{Output{Format: "csv", By: []string{"user"}, Raw: true}, []string{"\r\n=cmd(),7,,1\r\n"}},
		{Output{Format: "json", By: []string{"user"}}, []string{`{"bytes_in":null,"bytes_out":1500000000,"requests":3,"user":"alice"}`, `"holes":[{"server":"a","kind":"malformed"`, `"user":""`}},
	} {
		var b strings.Builder
		if err := tt.o.Write(&b, rows, holes); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%+v: no %q in\n%s", tt.o, want, b.String())
			}
		}
		if tt.o.Format == "json" && !json.Valid([]byte(b.String())) {
			t.Errorf("no JSON: %s", b.String())
		}
	}
	if err := (Output{Format: "xml"}).Write(&strings.Builder{}, nil, nil); err == nil {
		t.Error("xml was written")
	}
}

// TestRealSquid counts what a real squid logs under load, through rotations and
// kills of the follower, and holds the ledger against the clients' own account.
func TestRealSquid(t *testing.T) {
	origin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}), ReadHeaderTimeout: time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(origin) })
	defer func() { _ = server.Close(); serving.Wait() }()
	squid := peers.StartSquid(t, peers.Squid{Users: map[string]string{"alice": "wonder", "bob": "builder"}, Conf: "cache deny all"})
	dir := filepath.Dir(squid.AccessLog)
	c := config(t.TempDir())
	c.Globs = []string{squid.AccessLog}
	c.Path = filepath.Join(dir, "ledger.db")
	requests := map[string]int{}
	random := rand.New(rand.NewPCG(5, 5))
	total := 0
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 6 {
		for range 30 {
			user, password := "alice", "wonder"
			switch random.IntN(4) {
			case 0:
				user, password = "bob", "builder"
			case 1:
				password = "wrong" // a 407 that names alice
			}
			proxy := &url.URL{Scheme: "http", Host: squid.Addr, User: url.UserPassword(user, password)}
			client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}, Timeout: 10 * time.Second}
			resp, err := client.Get(fmt.Sprintf("http://%s/?n=%d", origin.Addr(), random.IntN(20000)))
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			if _, err := body.ReadFrom(resp.Body); err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusProxyAuthRequired {
				user = ""
			}
			requests[user]++
			total++
		}
		if round%2 == 1 {
			squid.Lines(0)
			squid.Rotate()
		}
		drain(t, l)
	}
	// squid logs a request after its client has the answer.
	for range 100 {
		drain(t, l)
		l.mu.Lock()
		n := l.served.lines["counted"]
		l.mu.Unlock()
		if n >= int64(total) {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := usage(t, c, "user")
	files, _ := filepath.Glob(squid.AccessLog + "*")
	rows, holes, err := Count(t.Context(), files, c, Query{By: []string{"user"}}, nil)
	if err != nil || len(holes) > 0 {
		t.Fatalf("%v %v", holes, err)
	}
	for _, r := range rows {
		if want := fmt.Sprintf("%d/%d", r.BytesOut, r.Requests); got[r.Keys[0]] != want {
			t.Errorf("the ledger has %s for %q, the logs %s", got[r.Keys[0]], r.Keys[0], want)
		}
		if int(r.Requests) < requests[r.Keys[0]] {
			t.Errorf("%d requests of %q, the client made %d", r.Requests, r.Keys[0], requests[r.Keys[0]])
		}
	}
}

// BenchmarkLedger is a ledger that begins with a log of some size, and commits
// it. LEDGER_BENCH_LOG names one.
func BenchmarkLedger(b *testing.B) {
	path := os.Getenv("LEDGER_BENCH_LOG")
	if path == "" {
		path = filepath.Join(b.TempDir(), "access.log")
		var text strings.Builder
		for i := range 50_000 {
			text.WriteString(line(noon.Add(time.Duration(i)*50*time.Millisecond), "TCP_MISS", 200, int64(i), fmt.Sprint("user", i%1000)))
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		c := config(b.TempDir())
		c.Globs = []string{path}
		l, err := Open(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		newest := newBatch(l)
		for idle := 0; idle < 2; {
			ev, ok := l.tail.Next(time.Now())
			if idle++; ok {
				newest.take(ev)
				idle = 0
			}
			if !newest.empty() && (newest.large() || idle > 0) {
				if err := l.save(newest); err != nil {
					b.Fatal(err)
				}
				newest = newBatch(l)
			}
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	path := filepath.Join(b.TempDir(), "access.log")
	var text strings.Builder
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 200_000 { // ten a second, as they come
		text.WriteString(line(noon.Add(time.Duration(i)*100*time.Millisecond), "TCP_MISS", 200, random.Int64N(1e6), fmt.Sprint("user", random.IntN(10000))))
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, _, err := Count(b.Context(), []string{path}, Config{}, Query{By: []string{"user"}}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
