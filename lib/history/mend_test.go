package history

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
)

// aged is a file of two days of three hosts, of which the first went down once, after
// spoil changed it behind SQLite's back.
func aged(t *testing.T, spoil func(t *testing.T, path string)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	h, err := Open(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := noon.Add(-2 * 24 * time.Hour)
	h.opened = begin.Unix()
	h.Transition(Transition{Host: "host-0", Since: noon.Add(-time.Hour), Told: noon, From: up, To: outage, Reason: metric.ReasonRefused, Text: "refused"})
	simulate(t, h, begin, 2*24*time.Hour, 3)
	if _, err := h.db.Load().Exec("PRAGMA journal_mode = DELETE"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, path)
	return path
}

// overwrite fills the first page of a table with 0xff, as a disk does that lost it.
func overwrite(table string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		h, err := Open(t.Context(), path, noon, nil)
		if err != nil {
			t.Fatal(err)
		}
		var page, size int64
		if err := h.db.Load().QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&page); err != nil {
			t.Fatal(err)
		}
		if err := h.db.Load().QueryRow("PRAGMA page_size").Scan(&size); err != nil {
			t.Fatal(err)
		}
		if _, err := h.db.Load().Exec("PRAGMA journal_mode = DELETE"); err != nil {
			t.Fatal(err)
		}
		h.Close()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(size)), (page-1)*size); err != nil {
			t.Fatal(err)
		}
	}
}

// query changes the file as a sector does that changed within a blob.
func query(q string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) { change(t, path, q) }
}

// TestDamageThatShowsLater opens files that look well. Whatever shows when they are read
// or written is mended, and told once.
func TestDamageThatShowsLater(t *testing.T) {
	const set = `history: "PATH" is damaged; it was kept as "PATH.damaged-TIME", and a new one begins: after the next start, uptimes are of the time from now on`
	for _, row := range []struct {
		situation string
		spoil     func(t *testing.T, path string)
		before    time.Duration // of the ten minutes before now, how much is known on the disk
		notices   string
	}{
		{"none", func(*testing.T, string) {}, 10 * time.Minute, ""},
		{"a page of blocks, that Load reads", overwrite("block"), time.Minute, set},
		{"a page of minutes, that Flush writes", overwrite("minute"), time.Minute, set},
		{
			"a block of minutes that makes no sense", query("UPDATE block SET records = x'ffff' WHERE tier = 0 AND host = 1"), 10 * time.Minute,
			`history: blocks of "PATH" that could not be read were dropped (1): what was then is unknown`,
		},
		{
			"hours that make no sense", query("UPDATE block SET records = x'ff' WHERE tier = 1 AND host = 2 AND start = (SELECT max(start) FROM block WHERE tier = 1)"), 10 * time.Minute,
			`history: blocks of "PATH" that could not be read were dropped (1): what was then is unknown`,
		},
		{"packets of a minute that make no sense", query("UPDATE minute SET pings = x'ffff'"), 10 * time.Minute, ""},
	} {
		t.Run(row.situation, func(t *testing.T) {
			path := aged(t, row.spoil)
			var notices []string
			h, err := Open(t.Context(), path, noon, func(s string) { notices = append(notices, s) })
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			if err := h.Load(t.Context()); err != nil {
				t.Error(err)
			}
			for n := range 4 { // hours of packing
				now := noon.Add(time.Minute + time.Duration(n)*time.Hour)
				h.State("host-0", now.Add(-time.Minute), now, outage)
				flush(t, h, now)
			}
			plain := regexp.MustCompile(`\d{8}T\d{6}Z`).ReplaceAllString(strings.ReplaceAll(strings.Join(notices, "\n"), path, "PATH"), "TIME")
			if plain != row.notices {
				t.Errorf("notices\n%s, want\n%s", plain, row.notices)
			}
			slots, err := h.Range(t.Context(), "host-0", noon.Add(-9*time.Minute), noon.Add(time.Minute), time.Minute)
			if err != nil || time.Duration(len(slots))*time.Minute != row.before {
				t.Errorf("%d minutes are known, want %s: %v", len(slots), row.before, err)
			}
			again, err := Open(t.Context(), path, noon, func(s string) { t.Error(s) })
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if all, err := again.Transitions(t.Context(), "host-0", 10); len(all) != 1 || err != nil {
				t.Errorf("%d changes are kept, %v", len(all), err)
			}
		})
	}
}

// A damaged file on a full disk: nothing can begin anew until there is room.
func TestDamageThatCannotBeMendedYet(t *testing.T) {
	path := aged(t, overwrite("minute"))
	var notices []string
	h, err := Open(t.Context(), path, noon, func(s string) { notices = append(notices, s) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { h.Close() }()
	h.State("host-0", noon, noon.Add(time.Minute), outage)
	h.path = filepath.Join(path, "nowhere") // a directory that cannot be made
	h.aside = "already"
	first, second := h.Flush(t.Context(), noon.Add(time.Minute)), h.Flush(t.Context(), noon.Add(2*time.Minute))
	if first == nil || fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("%v, and then %v", first, second)
	}
	h.path = path + ".new"
	flush(t, h, noon.Add(3*time.Minute))
	slots, err := h.Range(t.Context(), "host-0", noon, noon.Add(time.Minute), time.Minute)
	if err != nil || len(slots) != 1 || slots[0].States[outage] != 60 {
		t.Errorf("when there is room again: %v %v", slots, err)
	}
}
