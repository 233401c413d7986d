package statusbar

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/hoststate"
)

// saved is a Bar that has kept hosts in dir.
func saved(t *testing.T, dir string) *Bar {
	t.Helper()
	c := config()
	c.StateDir = dir
	b := published(c)
	if err := b.Save(); err != nil {
		t.Fatal(err)
	}
	return b
}

// restarted is the Bar of a next process.
func restarted(t *testing.T, dir string) *Bar {
	t.Helper()
	c := config()
	c.StateDir = dir
	b := New(c, []Host{{ID: "baltimore", City: "Baltimore"}}, time.Now())
	if err := b.Restore(time.Now()); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		before := text(t, get(saved(t, dir).Public(), "/status.json"))
		time.Sleep(20 * time.Second)
		b := restarted(t, dir)
		if after := text(t, get(b.Public(), "/status.json")); after != before {
			t.Errorf("the last snapshot is served as another:\n%s", cmp.Diff(before, after))
		}
		old := status(t, b)

		b.Publish(time.Now(), time.Time{}, hosts(time.Now()), sees) // no round was completed yet
		if d := status(t, b); d.Seq != old.Seq || d.DataAt != old.DataAt {
			t.Error("without a completed round there is a new snapshot")
		}
		time.Sleep(time.Until(time.Time(old.ValidUntil)) + 1)
		if d := status(t, b); d.Status != hoststate.Unknown || d.DataAt != old.DataAt {
			t.Errorf("the old lease did not run out: %v, data of %v", d.Status, d.DataAt)
		}
		b.Publish(time.Now(), time.Now(), nil, sees)
		if d := status(t, b); d.Seq <= old.Seq || len(d.Components) != 0 {
			t.Errorf("seq %d became %d, with %d components of the old snapshot", old.Seq, d.Seq, len(d.Components))
		}
	})
}

func TestRestartedPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := saved(t, dir)
		b := restarted(t, dir)
		for _, path := range []string{"/", "/api/v2/summary.json", "/badge/fra-1.json", "/badge/fra-1.svg"} {
			if was, is := text(t, get(first.Public(), path)), text(t, get(b.Public(), path)); was != is {
				t.Errorf("%s is another after a restart:\n%s", path, cmp.Diff(was, is))
			}
		}
		if page := text(t, get(b.Operator(), "/")); strings.Contains(page, "192.0.2.7") || !strings.Contains(page, "refuses connections") {
			t.Errorf("the operator's page after a restart:\n%s", page)
		}
		if fleet := text(t, get(b.Public(), "/fleet.json")); !strings.Contains(fleet, `"city":"Baltimore"`) {
			t.Errorf("fleet.json is of the inventory, not of the old snapshot: %s", fleet)
		}
	})
}

func TestSeqNeverGoesBack(t *testing.T) {
	for _, row := range []struct {
		situation string
		lose      bool // the kept snapshot
		restored  int64
	}{
		{"an ordinary restart", false, 0},
		{"the kept snapshot is lost", true, 0},
		{"the clock was set back: the kept one is greater", false, 1 << 40},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				old := status(t, saved(t, dir)).Seq
				path := filepath.Join(dir, kept)
				if row.lose {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				}
				if row.restored > 0 {
					text, _ := os.ReadFile(path)
					text = bytes.Replace(text, fmt.Appendf(nil, `"seq":%d`, old), fmt.Appendf(nil, `"seq":%d`, row.restored), 1)
					if err := os.WriteFile(path, text, 0o600); err != nil {
						t.Fatal(err)
					}
					old = row.restored
				}
				time.Sleep(5 * time.Second)
				b := restarted(t, dir)
				b.Publish(time.Now(), time.Now(), nil, sees)
				if d := status(t, b); d.Seq <= old {
					t.Errorf("seq went from %d to %d", old, d.Seq)
				}
			})
		})
	}
}

func TestWhatIsNotRestored(t *testing.T) {
	whole := func(field, value string) string {
		return strings.Replace(`{"schema":"milepost.status/1","seq":7,"interval_s":60,"data_at":"1999-12-31T23:59:00Z","components":[]}`, field, value, 1)
	}
	for _, row := range []struct{ situation, text, want string }{
		{"nothing was kept", "", ""},
		{"whole", whole("", ""), ""},
		{"cut off", whole("", "")[:40], "it is damaged: unexpected end of JSON input"},
		{"empty", " ", "it is damaged: unexpected end of JSON input"},
		{"of another program", whole("milepost", "squidmon"), `its schema is "squidmon.status/1", not "milepost.status/1"`},
		{"without a measurement", whole(`"1999-12-31T23:59:00Z"`, "null"), "it has no data_at"},
		{"with a time in words", whole("1999-12-31T23:59:00Z", "yesterday"), `it is damaged: "yesterday" is no time like "2006-01-02T15:04:05Z"`},
		{"with a lease for ever", whole(":60", ":1e300"), "its interval_s is 1e+300"},
		{
			"from the future", whole("1999", "2030"),
			"it is of 2030-12-31T23:59:00Z, which is yet to come: this machine's clock was set back, and nobody can tell how old the status is",
		},
	} {
		t.Run(row.situation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := config()
				c.StateDir = t.TempDir()
				path := filepath.Join(c.StateDir, kept)
				if row.text != "" {
					if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				b := New(c, []Host{{ID: "baltimore"}}, time.Now())
				err := b.Restore(time.Now())
				want := row.want
				if want != "" {
					want = fmt.Sprintf("restoring status %q: %s", path, want)
				}
				if got := fmt.Sprint(err); err == nil && want != "" || err != nil && got != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				if d := status(t, b); err != nil && (d.Status != hoststate.Unknown || len(d.Components) != 1) {
					t.Errorf("what cannot be believed is shown: %+v", d)
				}
			})
		})
	}
}

func TestSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := saved(t, dir)
		path := filepath.Join(dir, kept)
		first, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		b.Publish(time.Now(), time.Now(), hosts(time.Now()), sees)
		if err := b.Save(); err != nil {
			t.Fatal(err)
		}
		second, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if os.SameFile(first, second) {
			t.Error("the file was written over: a reader may see half of it")
		}
		left, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if all, _ := os.ReadDir(dir); len(all) != 1 {
			t.Errorf("left behind: %v", left)
		}
		time.Sleep(time.Hour)
		if err := b.Save(); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(path); !bytes.Contains(text, []byte(`"status":"degraded"`)) {
			t.Error("after the lease the states are not kept, but what became of them")
		}
	})
}

func TestWhatIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		saved(t, dir)
		c := config()
		c.StateDir = dir
		b := New(c, nil, time.Now()) // did not restore
		if err := b.Save(); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(filepath.Join(dir, kept)); !bytes.Contains(text, []byte("baltimore")) {
			t.Error("a snapshot without a measurement took the place of one with some")
		}
		if err := published(config()).Save(); err != nil { // no StateDir
			t.Errorf("without a place: %v", err)
		}
		c.StateDir = filepath.Join(dir, "gone")
		b = published(c)
		want := fmt.Sprintf("saving status %q: no such file or directory", filepath.Join(dir, "gone", kept))
		if err := b.Save(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if d := status(t, b); d.Counts.Up != 1 {
			t.Error("what cannot be kept is not shown either")
		}
	})
}

// FuzzParse reads files that nobody wrote: what is accepted is spelled again, and
// then read as the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"status.json", "status_lapsed.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"schema":"milepost.status/1","data_at":"2026-09-28T12:00:41Z","interval_s":0.5,"components":[{"checks":{"a":"OK","a":"?"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parse(text)
		if err != nil {
			return
		}
		spelled := encode(d.content().document())
		again, err := parse(spelled)
		if err != nil {
			t.Fatalf("%s is spelled %s: %v", text, spelled, err)
		}
		if twice := encode(again.content().document()); !bytes.Equal(spelled, twice) {
			t.Errorf("%s is spelled\n%s and then\n%s", text, spelled, twice)
		}
	})
}
