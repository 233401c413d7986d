package ledger

import (
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
)

// Of two exporters with one ledger one counts. The other says that it does not,
// and goes on when the first is gone; no line is counted twice.
func TestStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still = true
		var mu sync.Mutex
		var told []string
		notices := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(told)
		}
		first, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		c.Notice = func(s string) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(s, "billing: COUNTING") || strings.HasPrefix(s, "billing: counting") { // not that there was no log yet, nor that its times are of another century
				told = append(told, s)
			}
		}
		second, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		var all crew.Crew
		runFirst, stopFirst := context.WithCancel(t.Context())
		runSecond, stopSecond := context.WithCancel(t.Context())
		all.Go(func() { _ = first.Follow(runFirst) })
		time.Sleep(time.Millisecond) // so that the first one polls before the second
		all.Go(func() { _ = second.Follow(runSecond) })
		for range 90 { // a line a second
			write(t, c.Globs[0], line(time.Now(), "TCP_MISS", 200, 1, "alice"))
			time.Sleep(time.Second)
		}
		said := notices()
		if counting(second) != 0 || counting(first) != 1 || len(said) != 1 || !strings.Contains(said[0], "COUNTING HAS STOPPED here") {
			t.Errorf("the second counts: %v, the first: %v; %q", counting(second), counting(first), said)
		}
		stopFirst()
		time.Sleep(2 * standby)
		write(t, c.Globs[0], line(time.Now(), "TCP_MISS", 200, 1, "alice"))
		time.Sleep(5 * time.Second)
		said = notices()
		if counting(second) != 1 || len(said) != 2 || !strings.Contains(said[1], "counting goes on here") {
			t.Errorf("the second counts: %v; %q", counting(second), said)
		}
		stopSecond()
		all.Wait()
		if got := usage(t, c, "user"); got["alice"] != "91/91" {
			t.Errorf("%v", got)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	})
}

func counting(l *Ledger) float64 { return sample(l, "ledger_counting") }

// A file that was moved away is not written any more: what goes there is lost. The
// one that was put in its place goes on from where it is.
func TestALedgerIsRestoredUnderARunningExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still = true
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
		follow(t, c).Close()
		backup := c.Path + ".backup"
		copyFile(t, c.Path, backup)
		l, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all crew.Crew
		all.Go(func() { _ = l.Follow(ctx) })
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 10, "alice"))
		time.Sleep(3 * time.Second)
		for _, suffix := range []string{"-wal", "-shm"} {
			if err := os.Remove(c.Path + suffix); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Rename(backup, c.Path); err != nil {
			t.Fatal(err)
		}
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 100, "alice"))
		time.Sleep(2 * standby)
		stop()
		all.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := usage(t, c, "user"); got["alice"] != "111/3" {
			t.Errorf("%v", got)
		}
	})
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Commits that take long come seldom, and none comes too late.
func TestThePauseBetweenCommits(t *testing.T) {
	l := &Ledger{config: Config{commitTime: soon}}
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Second, 20 * time.Millisecond: time.Second, 100 * time.Millisecond: 5 * time.Second, time.Minute: late,
	} {
		if got := l.pause(took); got != want {
			t.Errorf("a commit took %v: the next comes after %v, want %v", took, got, want)
		}
	}
}

// A log that is away for longer than a rotation takes is told, and that it is back.
func TestOneOfTwoLogsIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still = true
		other := filepath.Join(filepath.Dir(c.Globs[0]), "other.log")
		c.Globs = append(c.Globs, other)
		var said []string
		c.Notice = func(text string) { said = append(said, text) }
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
		write(t, other, line(noon, "TCP_MISS", 200, 1, "bob"))
		l, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var following crew.Crew
		following.Go(func() { _ = l.Follow(ctx) })
		for _, step := range []struct {
			situation string
			do        func()
			want      float64
		}{
			{"both are there", func() {}, 1},
			{"one is away for a moment", func() { remove(t, other) }, 1},
			{"it is back when the other is away", func() { write(t, other, line(noon, "TCP_MISS", 200, 2, "bob")); remove(t, c.Globs[0]) }, 1},
			{"that one stays away", func() {}, 0},
		} {
			step.do()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if got := counting(l); got != step.want {
				t.Errorf("%s: ledger_counting is %v, want %v", step.situation, got, step.want)
			}
		}
		stop()
		following.Wait()
		l.Close()
		if all := strings.Join(said, "\n"); strings.Count(all, "NOTHING IS COUNTED of") != 1 || !strings.Contains(all, fmt.Sprintf("NOTHING IS COUNTED of [%q]", c.Globs[0])) {
			t.Error(all)
		}
	})
}

func TestTheLogIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still = true
		var said []string
		c.Notice = func(text string) { said = append(said, text) }
		l, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var following crew.Crew
		following.Go(func() { _ = l.Follow(ctx) })
		for _, step := range []struct {
			situation string
			do        func()
			wait      time.Duration
			want      float64
		}{
			{"it was never there", func() {}, 35 * time.Second, 0},
			{"it is empty", func() { write(t, c.Globs[0], "") }, 5 * time.Second, 1},
			{"it is there", func() { write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")) }, 5 * time.Second, 1},
			{"it is gone for a moment", func() { remove(t, c.Globs[0]) }, 20 * time.Second, 1},
			{"it is gone", func() {}, 20 * time.Second, 0},
			{"it is there again", func() { write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 2, "alice")) }, 5 * time.Second, 1},
		} {
			step.do()
			time.Sleep(step.wait)
			synctest.Wait()
			if got := counting(l); got != step.want {
				t.Errorf("%s: ledger_counting is %v, want %v", step.situation, got, step.want)
			}
			if _, holes, err := Usage(t.Context(), c.Path, Query{}); (len(holes) == 1 && holes[0].Kind == noLog) != (step.situation == "it was never there") || err != nil {
				t.Errorf("%s: %v %v", step.situation, holes, err)
			}
		}
		stop()
		following.Wait()
		l.Close()
		if all := strings.Join(said, "\n"); strings.Count(all, "NOTHING IS COUNTED of") != 2 || strings.Count(all, "the log is there again") != 2 {
			t.Error(all)
		}
	})
}
