package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/crew"
	"milepost/lib/peers"
	"milepost/lib/secret"
)

// A name that was forgotten is nowhere in the ledger's files, in no free page either; and
// the books balance.
func TestNothingIsLeftOfAName(t *testing.T) {
	c := config(t.TempDir())
	c.Timezone = "Asia/Kolkata"
	now := time.Now().Truncate(time.Hour)
	for i := range 40 {
		for _, user := range []string{"bob", "weissenhuber", "anna"} {
			write(t, c.Globs[0], line(now.Add(-time.Duration(i)*7*time.Hour), "TCP_MISS", 200, int64(1<<i), user))
		}
		follow(t, c).Close() // rows are written again and again
	}
	db, err := openWritten(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	exec1(t, db, "INSERT INTO published VALUES ('a fleet of long ago', -1, '', '')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, days := usage(t, c, "user"), usage(t, c, "day")
	name, err := Forget(t.Context(), c.Path, "weissenhuber")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(c.Path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte("weissenhuber")) {
			t.Errorf("the name is in %s, %v", file, err)
		}
	}
	after := usage(t, c, "user")
	if after[name] != before["weissenhuber"] || after["bob"] != before["bob"] || len(after) != 3 || fmt.Sprint(usage(t, c, "day")) != fmt.Sprint(days) {
		t.Errorf("%v became %v", before, after)
	}
	if err := Check(t.Context(), c.Path); err != nil {
		t.Error(err)
	}
}

// A name that is forgotten while an exporter counts stops nothing, and is not shown any
// more at once, be there new lines or none.
func TestForgettingStopsNothing(t *testing.T) {
	for _, row := range []struct {
		situation string
		lines     int // a second
		want      string
	}{{"nothing happens", 0, "1/1"}, {"it counts", 1, "61/61"}} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config(t.TempDir())
				c.still = true
				var mu sync.Mutex
				var said []string
				c.Notice = func(text string) {
					mu.Lock()
					defer mu.Unlock()
					if strings.Contains(text, "COUNTING") {
						said = append(said, text)
					}
				}
				write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 7, "alice")+line(noon, "TCP_MISS", 200, 1, "bob"))
				follow(t, c).Close()
				l, err := Open(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				var all crew.Crew
				all.Go(func() { _ = l.Follow(ctx) })
				time.Sleep(10 * time.Second)
				name, err := Forget(t.Context(), c.Path, "alice")
				if err != nil {
					t.Fatal(err)
				}
				for i := range 60 {
					for range row.lines {
						write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "bob"))
					}
					time.Sleep(time.Second)
					if counting(l) != 1 {
						t.Fatalf("after %d s it does not count", i)
					}
					if users := fmt.Sprint(l.Top(10)); i >= 5 && (strings.Contains(users, "alice") || !strings.Contains(users, name)) {
						t.Fatalf("after %d s: %s", i, users)
					}
				}
				stop()
				all.Wait()
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if len(said) != 0 {
					t.Errorf("%q", said)
				}
				if got := usage(t, c, "user"); got["bob"] != row.want || got[name] != "7/1" {
					t.Errorf("%v", got)
				}
			})
		})
	}
}

// What was forgotten stays forgotten in a ledger that is made anew from logs that have
// the name; and what the user does afterwards is the user's, however often the exporter
// is started.
func TestRealForgottenForEver(t *testing.T) {
	postgres := peers.StartPostgres(t)
	central := Central{URL: postgres.URL, Password: secret.New(postgres.Password)}
	x := newProxy(t, "fra-1", central)
	x.Timezone = "America/New_York"
	then, later := time.Now().Add(-50*time.Hour), time.Now().Add(time.Hour)
	both := func(at time.Time, n int64) string {
		return line(at, "TCP_MISS", 200, n, "alice") + line(at, "TCP_MISS", 200, 10*n, "bob")
	}
	x.serves(both(then, 1), both(time.Now(), 2), line(then, "TCP_MISS", 200, 5, "carol"))
	x.mustPublish()
	here, err := Forget(t.Context(), x.Path, "bob")
	if err != nil {
		t.Fatal(err)
	}
	x.mustPublish()
	everywhere, err := central.Forget(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	x.mustPublish()
	expect := func(situation, want string) {
		t.Helper()
		names := map[string]string{here: "BOB", everywhere: "ALICE"}
		for _, by := range []string{"month", "day"} { // each has a table of its own
			sums := map[string]int64{}
			rows, _, err := central.Usage(t.Context(), Query{By: []string{"user", by}})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				sums[cmp.Or(names[r.Keys[0]], r.Keys[0])] += r.BytesOut
			}
			if got := fmt.Sprint(sums); got != want {
				t.Errorf("%s, by %s: %s, want %s", situation, by, got, want)
			}
		}
		if err := Check(t.Context(), x.Path); err != nil {
			t.Errorf("%s: %v", situation, err)
		}
	}
	expect("forgotten", "map[ALICE:3 BOB:30 carol:5]")
	x.serves(both(later, 4))
	x.mustPublish() // each time as if the exporter had been started
	x.mustPublish()
	expect("what they do later", "map[ALICE:3 BOB:30 alice:4 bob:40 carol:5]")
	for _, file := range []string{x.Path, x.Path + "-wal", x.Path + "-shm"} {
		_ = os.Remove(file) // all is counted anew from the logs
	}
	x.serves()
	_ = x.publishes()
	x.waits()
	x.mustPublish()
	expect("a ledger that was made anew", "map[ALICE:3 BOB:30 alice:4 bob:40 carol:5]")
	x.serves(both(later, 1))
	x.mustPublish()
	expect("it goes on", "map[ALICE:3 BOB:30 alice:5 bob:50 carol:5]")
	if got := usage(t, x.Config, "user"); got["alice"] != "5/2" || got["bob"] != "50/2" || got[here] != "30/2" {
		t.Errorf("%v", got)
	}
}

// Damage that shows while the ledger is written is dealt with as if it had shown before.
func TestDamageWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still = true
		var mu sync.Mutex
		var said string
		c.Notice = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			said += text + "\n"
		}
		for i := range 3000 {
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, fmt.Sprint("user", i)))
		}
		l, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all crew.Crew
		all.Go(func() { _ = l.Follow(ctx) })
		time.Sleep(10 * time.Second)
		stop()
		all.Wait()
		// All is in the file itself, and nothing of it in memory.
		l.db.SetMaxIdleConns(0)
		l.db.SetMaxIdleConns(1)
		f, err := os.OpenFile(c.Path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(info.Size())-3*4096), 3*4096); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 100, "alice"))
		ctx, stop = context.WithCancel(t.Context())
		all.Go(func() { _ = l.Follow(ctx) })
		time.Sleep(time.Minute)
		if counting(l) != 1 || !strings.Contains(said, "LEDGER DAMAGED") || !strings.Contains(said, "the file is damaged: the exporter sets it aside") {
			t.Errorf("counting %v: %s", counting(l), said)
		}
		stop()
		all.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		rows, holes, err := Usage(t.Context(), c.Path, Query{})
		if err != nil || len(rows) != 1 || rows[0].BytesOut != 3100 || !slices.ContainsFunc(holes, func(h Hole) bool { return h.Kind == "set_aside" }) {
			t.Errorf("%v %v %v", rows, holes, err)
		}
		if aside, _ := filepath.Glob(c.Path + ".damaged-*"); len(aside) != 1 {
			t.Errorf("%q", aside)
		}
	})
}
