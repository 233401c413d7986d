package history

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

const (
	up          = hoststate.Up
	degraded    = hoststate.Degraded
	outage      = hoststate.Down
	maintenance = hoststate.Maintenance
	unknown     = hoststate.Unknown
)

// noon is the beginning of an hour and of nothing else.
var noon = time.Date(2026, 9, 28, 12, 0, 0, 0, time.UTC)

func seconds(up, degraded, down, maintenance, unknown uint32) Seconds {
	return Seconds{hoststate.Up: up, hoststate.Degraded: degraded, hoststate.Down: down, hoststate.Maintenance: maintenance, hoststate.Unknown: unknown}
}

func begun(t *testing.T) (*History, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	h, err := Open(t.Context(), path, noon, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, path
}

func flush(t *testing.T, h *History, now time.Time) {
	t.Helper()
	if err := h.Flush(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

// A told is one thing that State is told: from and to are seconds after noon.
type told struct {
	from, to int
	state    hoststate.Status
}

func TestSecondsPerState(t *testing.T) {
	for _, row := range []struct {
		situation string
		told      []told
		want      Seconds // of the five minutes after noon
	}{
		{"nothing was said", nil, seconds(0, 0, 0, 0, 300)},
		{"up all the time", []told{{0, 60, up}, {60, 300, up}}, seconds(300, 0, 0, 0, 0)},
		{"up, each time told from its beginning", []told{{0, 60, up}, {0, 120, up}, {0, 300, up}}, seconds(300, 0, 0, 0, 0)},
		{"told twice", []told{{0, 300, up}, {0, 300, up}}, seconds(300, 0, 0, 0, 0)},
		{"each state a minute", []told{{0, 60, up}, {60, 120, degraded}, {120, 180, outage}, {180, 240, maintenance}, {240, 300, unknown}}, seconds(60, 60, 60, 60, 60)},
		{"a hole between", []told{{0, 60, up}, {200, 300, up}}, seconds(160, 0, 0, 0, 140)},
		{"down is dated back", []told{{0, 60, up}, {0, 180, up}, {75, 240, outage}, {75, 300, outage}}, seconds(75, 0, 225, 0, 0)},
		{"dated back over two states", []told{{0, 60, up}, {60, 120, degraded}, {30, 300, outage}}, seconds(30, 0, 270, 0, 0)},
		{"dated back to before all", []told{{60, 120, up}, {0, 300, outage}}, seconds(0, 0, 300, 0, 0)},
		{"what nobody saw is lost again", []told{{0, 200, up}, {100, 300, unknown}}, seconds(100, 0, 0, 0, 200)},
		{"the clock is set back a little", []told{{0, 300, up}, {0, 120, up}, {120, 300, outage}}, seconds(120, 0, 180, 0, 0)},
		{"to the second", []told{{0, 59, up}, {59, 61, outage}, {61, 300, up}}, seconds(298, 0, 2, 0, 0)},
		{"the end is before the beginning", []told{{0, 100, up}, {200, 150, outage}}, seconds(100, 0, 0, 0, 200)},
	} {
		t.Run(row.situation, func(t *testing.T) {
			h, _ := begun(t)
			for _, s := range row.told {
				h.State("a", noon.Add(time.Duration(s.from)*time.Second), noon.Add(time.Duration(s.to)*time.Second), s.state)
				flush(t, h, noon.Add(time.Duration(s.to)*time.Second))
			}
			h.State("b", noon, noon.Add(time.Hour), up)
			flush(t, h, noon.Add(300*time.Second))
			slots, err := h.Range(t.Context(), "a", noon, noon.Add(300*time.Second), 5*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			got := seconds(0, 0, 0, 0, 300)
			if len(slots) > 0 {
				got = slots[0].States
			}
			if got != row.want {
				t.Errorf("on the disk %v, want %v", got, row.want)
			}
			today := h.Days("a", noon.Add(300*time.Second))[89]
			today[unknown] -= 12 * 3600
			if today != row.want {
				t.Errorf("in memory %v, want %v", today, row.want)
			}
		})
	}
}

func TestShare(t *testing.T) {
	for _, row := range []struct {
		situation string
		seconds   Seconds
		length    int64
		want      string
	}{
		{"no data", seconds(0, 0, 0, 0, 0), 1000, "uptime null, coverage 0"},
		{"all is well", seconds(1000, 0, 0, 0, 0), 1000, "uptime 1, coverage 1"},
		{"slow is up", seconds(500, 500, 0, 0, 0), 1000, "uptime 1, coverage 1"},
		{"down", seconds(900, 0, 100, 0, 0), 1000, "uptime 0.9, coverage 1"},
		{"all down", seconds(0, 0, 1000, 0, 0), 1000, "uptime 0, coverage 1"},
		{"rounded down, never up", seconds(99999, 0, 1, 0, 0), 100000, "uptime 0.9999, coverage 1"},
		{"a ratio that binary has not", seconds(9993, 0, 7, 0, 0), 10000, "uptime 0.9993, coverage 1"},
		{"unknown is neither", seconds(450, 0, 50, 0, 500), 1000, "uptime 0.9, coverage 0.5"},
		{"too little is known", seconds(499, 0, 0, 0, 501), 1000, "uptime null, coverage 0.499"},
		{"maintenance is no part of it", seconds(450, 0, 50, 500, 0), 1000, "uptime 0.9, coverage 1"},
		{"nothing but maintenance", seconds(0, 0, 0, 1000, 0), 1000, "uptime null, coverage null"},
		{"no time", seconds(0, 0, 0, 0, 0), 0, "uptime null, coverage null"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			s := row.seconds.Share(row.length)
			spell := func(f *float64) string {
				if f == nil {
					return "null"
				}
				return fmt.Sprint(*f)
			}
			if got := fmt.Sprintf("uptime %s, coverage %s", spell(s.Uptime), spell(s.Coverage)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// simulate tells a host's state once a minute, an outage of five minutes at the
// end of each hour, and a minute a day of which nobody knows.
func simulate(t *testing.T, h *History, from time.Time, length time.Duration, hosts int) {
	t.Helper()
	rtts := []time.Duration{9 * time.Millisecond, 10 * time.Millisecond, 11 * time.Millisecond, 40 * time.Millisecond}
	for at := from; at.Before(from.Add(length)); {
		next := at.Add(time.Minute)
		state := up
		if at.Minute() >= 55 {
			state = outage
		}
		for i := range hosts {
			name := fmt.Sprintf("host-%d", i)
			if at.Hour() != 3 || at.Minute() != 7 {
				h.State(name, at, next, state)
			}
			h.Latency(name, at, 84*time.Millisecond)
			h.Pings(name, at, NewPings(60, 2, rtts))
		}
		at = next
		if at.Minute() == 0 {
			flush(t, h, at)
		}
	}
}

func TestTiers(t *testing.T) {
	h, path := begun(t)
	begin := noon.Add(-13 * 24 * time.Hour)
	h.opened = begin.Unix()
	simulate(t, h, begin, 13*24*time.Hour, 1)
	day := seconds(55*60*24-60, 0, 5*60*24, 0, 60)
	for _, row := range []struct {
		situation    string
		from, to     time.Time
		step         time.Duration
		slots, first time.Duration // how many, and how long the first is
		want         Seconds
	}{
		{"the newest hour, by minutes", noon.Add(-time.Hour), noon, time.Minute, 60, time.Minute, seconds(55*60, 0, 5*60, 0, 0)},
		{"the newest day, by minutes", noon.Add(-24 * time.Hour), noon, time.Minute, 1440, time.Minute, day},
		{"a day, by hours", noon.Add(-24 * time.Hour), noon, time.Hour, 24, time.Hour, day},
		{"nine days, by five minutes", noon.Add(-9 * 24 * time.Hour), noon, 5 * time.Minute, 9 * 288, 5 * time.Minute, day.times(9)},
		{"by a step that is no tier's", noon.Add(-6 * 24 * time.Hour), noon, 30 * time.Minute, 6 * 48, 30 * time.Minute, day.times(6)},
		{"all of it, by days", begin.Add(12 * time.Hour), noon.Add(-12 * time.Hour), 24 * time.Hour, 12, 24 * time.Hour, day.times(12)},
		{"minutes that are only hours by now", begin, begin.Add(2 * time.Hour), time.Minute, 2, time.Hour, seconds(2*55*60, 0, 2*5*60, 0, 0)},
		{"before it began", begin.Add(-24 * time.Hour), begin, time.Hour, 0, 0, Seconds{}},
		{"in the future", noon, noon.Add(time.Hour), time.Minute, 0, 0, Seconds{}},
		{"another host", noon.Add(-time.Hour), noon, time.Minute, 0, 0, Seconds{}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			name := "host-0"
			if row.situation == "another host" {
				name = "host-1"
			}
			slots, err := h.Range(t.Context(), name, row.from, row.to, row.step)
			if err != nil {
				t.Fatal(err)
			}
			var got Seconds
			var before time.Time
			for _, s := range slots {
				got = got.add(s.States)
				if !s.Start.After(before) || s.Start.Before(row.from) || s.Start.Add(s.Length).After(row.to) {
					t.Errorf("slot from %s for %s is not in order", s.Start, s.Length)
				}
				before = s.Start
			}
			if len(slots) != int(row.slots) || got != row.want {
				t.Errorf("%d slots of %v, want %d of %v", len(slots), got, row.slots, row.want)
			}
			if len(slots) > 0 {
				s := slots[0]
				if p := s.Pings; s.Length != row.first || p.Sent != 60*uint32(s.Length.Minutes()) || p.Lost*30 != p.Sent {
					t.Errorf("the first is %s long, with %d of %d packets lost", s.Length, p.Lost, p.Sent)
				}
				near(t, "latency", s.Latency, 84*time.Millisecond)
				near(t, "least", s.Pings.RTT[0], 9*time.Millisecond)
				near(t, "median", s.Pings.RTT[3], 11*time.Millisecond)
				near(t, "greatest", s.Pings.RTT[6], 40*time.Millisecond)
			}
		})
	}
	again, err := Open(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.tracks["host-0"].days; len(got) != 14 || got[5].Seconds != day.known() {
		t.Errorf("after a restart the days are %v", got)
	}
}

// times is s n times.
func (s Seconds) times(n uint32) Seconds {
	for i := range s {
		s[i] *= n
	}
	return s
}

// known is s as it is kept.
func (s Seconds) known() Seconds {
	s[unknown] = 0
	return s
}

// near allows for the steps in which durations are kept.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if off := float64(got)/float64(want) - 1; off < -0.0055 || off > 0.0055 {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func TestOutageOfTheDisk(t *testing.T) {
	h, path := begun(t)
	h.State("a", noon, noon.Add(time.Minute), up)
	flush(t, h, noon.Add(time.Minute))
	var pages int
	if err := h.db.Load().QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	h.db.Load().SetMaxOpenConns(1) // the limit is the connection's
	if _, err := h.db.Load().Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	for i := range 50 { // more than the page has room for
		h.Transition(Transition{Host: "a", Since: noon, Told: noon, From: up, To: outage, Text: strings.Repeat("x", 200), ID: int64(i)})
	}
	h.State("a", noon.Add(time.Minute), noon.Add(2*time.Minute), outage)
	h.Pings("a", noon.Add(70*time.Second), Pings{Sent: 60, Lost: 60})
	err := h.Flush(t.Context(), noon.Add(2*time.Minute))
	want := fmt.Sprintf("history %q: database or disk is full (13): the disk is full: make room; the status goes on, and so will its history", path)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if got := h.Days("a", noon.Add(2*time.Minute))[89]; got[up] != 60 || got[outage] != 60 {
		t.Errorf("without a disk today is %v", got)
	}
	if _, err := h.db.Load().Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	flush(t, h, noon.Add(2*time.Minute))
	slots, err := h.Range(t.Context(), "a", noon, noon.Add(2*time.Minute), 2*time.Minute)
	if err != nil || len(slots) != 1 || slots[0].States != seconds(60, 0, 60, 0, 0) || slots[0].Pings.Lost != 60 {
		t.Errorf("when there is room again: %v %v", slots, err)
	}
	if all, err := h.Transitions(t.Context(), "a", 100); len(all) != 50 || err != nil {
		t.Errorf("%d transitions are left, %v", len(all), err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for _, row := range []struct {
		situation string
		spoil     func(t *testing.T, path string)
		notice    string
		err       string
	}{
		{"none", func(*testing.T, string) {}, "", ""},
		{
			"text", func(t *testing.T, path string) { write(t, path, strings.Repeat("this is no database\n", 1000)) },
			`history: "PATH" cannot be read; it was kept as "PATH.damaged-TIME", and a new one begins: uptimes start from nothing`, "",
		},
		{
			"cut off", func(t *testing.T, path string) {
				old(t, path)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				write(t, path, string(text[:5000]))
			},
			`history: "PATH" cannot be read; it was kept as "PATH.damaged-TIME", and a new one begins: uptimes start from nothing`, "",
		},
		{
			"a transition that nobody wrote", func(t *testing.T, path string) {
				old(t, path)
				change(t, path, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'transition'")
			},
			`history: "PATH" cannot be read; it was kept as "PATH.damaged-TIME", and a new one begins: uptimes start from nothing`, "",
		},
		{
			"of a newer milepost", func(t *testing.T, path string) {
				old(t, path)
				change(t, path, "PRAGMA user_version = 7")
			},
			"", `history "PATH": its schema is version 7, and this milepost knows 2: it was written by a newer one, which must go on, or be moved away`,
		},
		{
			"a directory", func(t *testing.T, path string) {
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			},
			"", `history "PATH": unable to open database file (14): this user may not write it, or its directory: see ls -ld`,
		},
	} {
		t.Run(row.situation, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			row.spoil(t, path)
			notice := ""
			h, err := Open(t.Context(), path, noon, func(s string) { notice += s })
			plain := func(s string) string {
				return regexp.MustCompile(`\d{8}T\d{6}Z`).ReplaceAllString(strings.ReplaceAll(s, path, "PATH"), "TIME")
			}
			if got := plain(notice); got != row.notice {
				t.Errorf("notice\n%s, want\n%s", got, row.notice)
			}
			if err != nil && plain(err.Error()) != row.err || err == nil && row.err != "" {
				t.Errorf("error\n%v, want\n%s", err, row.err)
			}
			h.State("a", noon, noon.Add(time.Minute), up)
			if err := h.Flush(t.Context(), noon.Add(time.Minute)); err != nil {
				t.Error(err)
			}
			if got := h.Days("a", noon.Add(time.Minute))[89][up]; got != 60 {
				t.Errorf("up for %d s", got)
			}
			if slots, err := h.Range(t.Context(), "a", noon, noon.Add(time.Minute), time.Minute); err != nil || (len(slots) == 1) != (row.err == "") {
				t.Errorf("%v, %v", slots, err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// old is the file of an earlier run.
func old(t *testing.T, path string) {
	t.Helper()
	h, err := Open(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.State("z", noon, noon.Add(time.Minute), up)
	flush(t, h, noon.Add(time.Minute))
	if _, err := h.db.Load().Exec("PRAGMA journal_mode = DELETE"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestTransitions(t *testing.T) {
	h, path := begun(t)
	first := Transition{Host: "a", Since: noon, Told: noon.Add(time.Minute), From: up, To: outage, Reason: metric.ReasonRefused, Fault: metric.FaultProxy, Text: "connecting to proxy \"a:3128\": connection refused", Others: "b reaches it"}
	h.Transition(first)
	h.Transition(Transition{Host: "b", Since: noon, Told: noon, From: unknown, To: up})
	second := Transition{Host: "a", Since: noon.Add(time.Hour), Told: noon.Add(time.Hour), From: outage, To: up}
	flush(t, h, noon)
	h.Transition(second)
	check := func(h *History) {
		t.Helper()
		got, err := h.Transitions(t.Context(), "a", 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].ID = 0
		}
		if diff := cmp.Diff([]Transition{second, first}, got); diff != "" {
			t.Error(diff)
		}
		if recent := h.Recent(); len(recent) != 3 || recent[1].Host != "b" {
			t.Errorf("recent: %v", recent)
		}
	}
	check(h)
	flush(t, h, noon.Add(time.Hour))
	check(h)
	again, err := Open(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	check(again)
	for range 3 * transitionsKept {
		again.Transition(second)
	}
	flush(t, again, noon.Add(2*time.Hour))
	flush(t, again, noon.Add(3*time.Hour))
	if got, err := again.Transitions(t.Context(), "a", 1000); len(got) != transitionsKept || err != nil {
		t.Errorf("of a host that flaps %d transitions are kept, %v", len(got), err)
	}
}

// A file of the first version has no word of others, and gets room for it.
func TestAFileOfTheFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	old(t, path)
	change(t, path, "ALTER TABLE transition DROP COLUMN others; PRAGMA user_version = 1; INSERT INTO transition VALUES (1, 1, 0, 0, 'up', 'down', 'refused', 'proxy', 'text')")
	for n := range 2 { // once more it is of the second
		h, err := Open(t.Context(), path, noon, func(s string) { t.Error(s) })
		if err != nil {
			t.Fatal(err)
		}
		h.Transition(Transition{Host: "z", Since: noon, Others: "b reaches it"})
		flush(t, h, noon)
		all, err := h.Transitions(t.Context(), "z", 10)
		if err != nil || len(all) != n+2 || all[0].Others != "b reaches it" || all[n+1].Others != "" {
			t.Errorf("%+v, %v", all, err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestARestartWithinAMinute keeps what the minute had before.
func TestARestartWithinAMinute(t *testing.T) {
	h, path := begun(t)
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	h.State("a", at(0), at(20), up)
	flush(t, h, at(20))
	for _, row := range []struct{ begins, ends, want int }{{30, 40, 30}, {45, 50, 35}, {55, 70, 50}} {
		again, err := Open(t.Context(), path, at(row.begins), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.State("a", at(row.begins), at(row.ends), up)
		flush(t, again, at(row.ends))
		if got := again.Days("a", at(row.ends))[89][up]; int(got) != row.want {
			t.Errorf("after the start at %d: %d s in memory, want %d", row.begins, got, row.want)
		}
		slots, err := again.Range(t.Context(), "a", noon, at(300), 5*time.Minute)
		if err != nil || len(slots) != 1 || int(slots[0].States[up]) != row.want {
			t.Errorf("after the start at %d: %v on the disk, want %d: %v", row.begins, slots, row.want, err)
		}
		again.Close()
	}
}

func TestAClockThatLeaps(t *testing.T) {
	h, _ := begun(t)
	h.opened = 0
	for at := noon.Add(-6 * time.Hour); !at.After(noon.Add(10 * time.Minute)); at = at.Add(time.Minute) {
		h.State("a", noon.Add(-6*time.Hour), at, up)
	}
	flush(t, h, noon.Add(10*time.Minute))
	future := noon.AddDate(4, 0, 0)
	h.State("a", noon, future, up)
	flush(t, h, future)
	later := noon.Add(20 * time.Minute)
	for at := noon.Add(11 * time.Minute); !at.After(later); at = at.Add(time.Minute) {
		h.State("a", noon, at, up)
		flush(t, h, at)
	}
	slots, err := h.Range(t.Context(), "a", noon, later, time.Minute)
	if err != nil || len(slots) != 19 {
		t.Errorf("%d minutes are left, want 19: %v", len(slots), err)
	}
	if got := h.Days("a", later)[89]; got[up] != 6*3600+19*60 {
		t.Errorf("today is %v", got)
	}
}

func TestMergePings(t *testing.T) {
	ms := time.Millisecond
	var slow, fast []time.Duration
	for i := range 100 {
		fast = append(fast, 10*ms+time.Duration(i)*ms/10)
		slow = append(slow, 100*ms+time.Duration(i)*ms)
	}
	for _, row := range []struct {
		situation string
		parts     []Pings
		want      string
	}{
		{"nothing", nil, "0/0 0s 0s 0s"},
		{"all lost", []Pings{{Sent: 60, Lost: 60}, {Sent: 60, Lost: 60}}, "120/120 0s 0s 0s"},
		{"one", []Pings{NewPings(100, 0, fast)}, "0/100 10ms 15ms 19.9ms"},
		{"the same twice", []Pings{NewPings(100, 0, fast), NewPings(100, 0, fast)}, "0/200 10ms 15ms 19.9ms"},
		{"fast and slow alike", []Pings{NewPings(100, 0, slow), NewPings(100, 0, fast)}, "0/200 10ms 19.9ms 199ms"},
		{"a few slow ones", []Pings{NewPings(1000, 0, fast), NewPings(10, 9, slow)}, "9/1010 10ms 15ms 199ms"},
		{"all lost, then some came", []Pings{{Sent: 60, Lost: 60}, NewPings(100, 0, fast)}, "60/160 10ms 15ms 19.9ms"},
		{"more lost than sent is no sense", []Pings{{Sent: 1, Lost: 60}, NewPings(100, 0, fast)}, "60/101 10ms 15ms 19.9ms"},
	} {
		p := MergePings(row.parts...)
		if got := fmt.Sprintf("%d/%d %s %s %s", p.Lost, p.Sent, p.RTT[0], p.RTT[3], p.RTT[6]); got != row.want {
			t.Errorf("%s: got %s, want %s", row.situation, got, row.want)
		}
	}
}

// FuzzDecode reads blocks that nobody wrote: what is accepted is written and read
// again as the same.
func FuzzDecode(f *testing.F) {
	f.Add(encode([]record{
		{start: 0, length: 60, states: seconds(60, 0, 0, 0, 0), latency: time.Second},
		{start: 180, length: 60, states: seconds(30, 20, 10, 0, 0), pings: NewPings(60, 1, []time.Duration{1, 2, 3e9})},
	}, 0, 60))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := decode(text, 0, 60)
		if err != nil {
			return
		}
		for i, r := range records {
			if i > 0 && r.start <= records[i-1].start || r.states[up] > 60 {
				return // its order is nobody's promise
			}
		}
		again, err := decode(encode(records, 0, 60), 0, 60)
		if err != nil {
			t.Fatal(err)
		}
		var told []record
		for _, r := range records {
			if !r.zero() {
				told = append(told, r)
			}
		}
		if diff := cmp.Diff(told, again, cmp.AllowUnexported(record{})); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSize holds a year of a host to its room: real round trips differ from minute
// to minute. The newest tiers alone are simulated; hours are written as they would be.
func TestSize(t *testing.T) {
	h, _ := begun(t)
	const hosts = 1
	begin := noon.Add(-2 * 24 * time.Hour)
	h.opened = begin.Unix()
	simulate(t, h, begin, 2*24*time.Hour, hosts)
	var bytes, blocks [3]int64
	for i := range tiers {
		if err := h.db.Load().QueryRow("SELECT coalesce(sum(length(records) + 12), 0), count(*) FROM block WHERE tier = ?", i).Scan(&bytes[i], &blocks[i]); err != nil {
			t.Fatal(err)
		}
	}
	per := float64(bytes[0]) / float64(blocks[0]) / 60 // a record
	records := 0.0
	for _, tier := range tiers {
		records += float64(tier.keep+tier.block) / float64(tier.length)
	}
	const fill = 1.15 // of SQLite's pages
	newest := float64(settle+hour) / minute * 40
	if total := per*records*fill + newest + 250*transitionsKept; total > 250e3 {
		t.Errorf("a host takes %.0f bytes: %.1f a record, %.0f records", total, per, records)
	} else {
		t.Logf("a host takes %.0f bytes: %.1f a record, %.0f records", total, per, records)
	}
}

func BenchmarkFlush(b *testing.B) {
	h, err := Open(context.Background(), filepath.Join(b.TempDir(), "history.db"), noon, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	rtts := []time.Duration{9 * time.Millisecond, 10 * time.Millisecond, 11 * time.Millisecond, 40 * time.Millisecond}
	now := noon
	for b.Loop() {
		next := now.Add(time.Minute)
		for i := range 1000 {
			name := fmt.Sprintf("host-%d", i)
			h.State(name, noon, next, up)
			h.Latency(name, now, 84*time.Millisecond)
			h.Pings(name, now, NewPings(60, 2, rtts))
		}
		if err := h.Flush(context.Background(), next); err != nil {
			b.Fatal(err)
		}
		now = next
	}
}

// TestInOrder: what is back-dated stands where it happened, of those that were told last.
func TestInOrder(t *testing.T) {
	at := func(minute int, to hoststate.Status) Transition {
		return Transition{Since: time.Unix(int64(60*minute), 0), To: to}
	}
	var got []string
	for _, o := range inOrder([]Transition{at(1, hoststate.Down), at(3, hoststate.Up), at(2, hoststate.Degraded), at(0, hoststate.Up)}, 3) {
		got = append(got, o.To.String())
	}
	if strings.Join(got, " ") != "up degraded down" {
		t.Error(got)
	}
}

// Evidence of hosts is not for everybody, in a directory that others may read, too.
func TestWhoMayReadTheHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	h, err := Open(t.Context(), path, time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
