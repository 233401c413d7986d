package tail

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A world is a directory with a log, and a reader that may be killed.
type world struct {
	*testing.T
	dir   string
	now   time.Time
	f     *Follower
	known map[int64]Generation
	read  strings.Builder // every line that was told, committed with its position
	other []string        // the other events
}

func newWorld(t *testing.T) *world {
	return &world{T: t, dir: t.TempDir(), now: time.Now(), known: map[int64]Generation{}}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) append(name, text string) {
	w.Helper()
	f, err := os.OpenFile(w.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.must(err)
	_, err = f.WriteString(text)
	w.must(err)
	w.must(f.Close())
}

func (w *world) rename(from, to string) { w.Helper(); w.must(os.Rename(w.path(from), w.path(to))) }

func (w *world) gzip(name string) {
	w.Helper()
	text, err := os.ReadFile(w.path(name))
	w.must(err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	w.must(err)
	w.must(z.Close())
	w.must(os.WriteFile(w.path(name+".gz"), b.Bytes(), 0o600))
	w.must(os.Remove(w.path(name)))
}

// kill forgets the reader and what it did not commit; it begins again.
func (w *world) kill() {
	if w.f != nil {
		w.f.Close()
	}
	w.f = nil
}

// look reads all there is, after some time passed, and commits each event.
func (w *world) look(passed time.Duration, c ...func(*Config)) {
	w.Helper()
	w.now = w.now.Add(passed)
	if w.f == nil {
		var known []Generation
		for _, g := range w.known {
			known = append(known, g)
		}
		config := Config{Patterns: []string{w.path("access.log")}}
		for _, change := range c {
			change(&config)
		}
		var err error
		w.f, err = New(config, known)
		w.must(err)
	}
	for range 10_000 {
		ev, ok := w.f.Next(w.now)
		if !ok {
			return
		}
		if ev.Kind != Trouble {
			w.known[ev.Generation.ID] = ev.Generation
		}
		switch ev.Kind {
		case Lines:
			w.read.Write(ev.Lines)
		case Finished:
		default:
			w.other = append(w.other, strings.TrimSpace(ev.Kind.String()+" "+string(ev.Lines)))
		}
	}
	w.Fatal("it never ends")
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %d of the log\n", i)
	}
	return b.String()
}

func TestEachLineOnce(t *testing.T) {
	const rescan = 1100 * time.Millisecond
	for _, tt := range []struct {
		name  string
		do    func(*world)
		want  string
		other string
	}{
		{"a log grows", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.append("access.log", lines(3, 5))
			w.look(time.Second)
		}, lines(0, 5), ""},
		{"a log that is not there yet", func(w *world) {
			w.look(0)
			w.append("access.log", lines(0, 3))
			w.look(rescan)
		}, lines(0, 3), "trouble"},
		{"a line in two halves", func(w *world) {
			w.append("access.log", "line 0 of")
			w.look(0)
			w.append("access.log", " the log\n")
			w.look(time.Second)
		}, lines(0, 1), ""},
		{"renamed while it is followed", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.rename("access.log", "access.log.1")
			w.append("access.log.1", lines(3, 4)) // squid has not noticed yet
			w.append("access.log", lines(4, 6))
			w.look(rescan)
			w.look(2 * time.Minute)
		}, lines(0, 6), ""},
		{"renamed twice while nobody looked", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.kill()
			w.append("access.log", lines(3, 4))
			w.rename("access.log", "access.log.2")
			w.append("access.log.1", lines(4, 6))
			w.append("access.log", lines(6, 8))
			w.must(os.Chtimes(w.path("access.log.2"), w.now.Add(-2*time.Hour), w.now.Add(-2*time.Hour)))
			w.must(os.Chtimes(w.path("access.log.1"), w.now.Add(-time.Hour), w.now.Add(-time.Hour)))
			w.look(rescan)
			w.look(3 * time.Second)
		}, lines(0, 8), ""},
		{"compressed while nobody looked", func(w *world) {
			w.append("access.log", lines(0, 300))
			w.look(0)
			w.kill()
			w.append("access.log", lines(300, 400))
			w.rename("access.log", "access.log.1")
			w.gzip("access.log.1")
			w.append("access.log", lines(400, 500))
			w.look(rescan)
			w.look(3 * time.Second)
			w.look(3 * time.Second)
		}, "", ""},
		{"compressed after it was read", func(w *world) {
			w.append("access.log", lines(0, 300))
			w.look(0)
			w.rename("access.log", "access.log.1")
			w.append("access.log", lines(300, 400))
			w.look(rescan)
			w.look(2 * time.Minute)
			w.gzip("access.log.1")
			w.look(2 * time.Minute)
			w.kill()
			w.look(2 * time.Minute)
		}, lines(0, 400), ""},
		{"killed after each look", func(w *world) {
			for i := range 20 {
				w.append("access.log", lines(i, i+1))
				w.look(rescan)
				w.kill()
			}
		}, lines(0, 20), ""},
		{"truncated", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.must(os.Truncate(w.path("access.log"), 0))
			w.append("access.log", lines(3, 4))
			w.look(rescan)
		}, lines(0, 4), "truncated"},
		{"another file under the same name while nobody looked", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.kill()
			w.must(os.Remove(w.path("access.log")))
			w.append("access.log", "quite another thing\n")
			w.look(rescan)
			w.look(rescan)
			w.look(rescan)
		}, lines(0, 3) + "quite another thing\n", "vanished"},
		{"deleted and nothing in its place", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0)
			w.must(os.Remove(w.path("access.log")))
			w.look(rescan)
		}, lines(0, 3), "trouble"},
		{"its last line is torn", func(w *world) {
			w.append("access.log", lines(0, 1)+"line 1 of")
			w.look(0)
			w.rename("access.log", "access.log.1")
			w.append("access.log", lines(2, 3))
			w.look(rescan)
			w.look(2 * time.Minute)
		}, lines(0, 1) + lines(2, 3), "torn line 1 of"},
		{"a line that is far too long", func(w *world) {
			w.append("access.log", lines(0, 1)+strings.Repeat("x", 2*MaxLine+100)+"\n"+lines(1, 2))
			w.look(0)
		}, lines(0, 2), "long"},
		{"from its end", func(w *world) {
			w.append("access.log", lines(0, 3))
			w.look(0, func(c *Config) { c.FromEnd = true })
			w.append("access.log", lines(3, 4))
			w.look(rescan)
		}, lines(3, 4), "began"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.do(w)
			w.kill()
			got := w.read.String()
			if tt.want == "" { // in which order generations come is not promised
				tt.want = lines(0, 500)
				if len(got) == len(tt.want) {
					got = tt.want
				}
			}
			if got != tt.want {
				t.Errorf("read %.2000q\nwant %.2000q", got, tt.want)
			}
			if other := strings.Join(w.other, " "); other != tt.other {
				t.Errorf("events %q, want %q", other, tt.other)
			}
		})
	}
}

func TestOnlyRegularFiles(t *testing.T) {
	for name, do := range map[string]func(string) error{
		"a FIFO":          func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"a symbolic link": func(p string) error { return os.Symlink("/etc/passwd", p) },
		"a directory":     func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		w := newWorld(t)
		w.must(do(w.path("access.log")))
		w.look(0, func(c *Config) { c.Patterns = []string{w.path("access.lo[g]")} }) // a link that is named may be followed
		w.kill()
		if w.read.Len() > 0 || len(w.other) != 1 || w.other[0] != "trouble" {
			t.Errorf("%s: %q %q", name, w.read.String(), w.other)
		}
	}
}

func TestPatterns(t *testing.T) {
	if _, err := New(Config{Patterns: []string{"[bad"}}, nil); err == nil || !strings.Contains(err.Error(), "[bad") {
		t.Error(err)
	}
}
