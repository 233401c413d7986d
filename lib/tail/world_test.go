package tail_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/tail"
)

// A world is a directory with logs, a follower of "log" in it, and what a
// consumer stored. A script moves it:
//
//	+log a b    two lines are appended          ~log a     a line without its newline
//	mv, rm, cp  as in the shell                 gz log.1   is compressed and removed
//	cut log 5   is truncated to five bytes      zip log.1  is compressed and kept
//	refill log a b   is overwritten from its start, keeping its inode
//	half x.gz   loses its second half           whole x.gz gets it back
//	fifo, link, dir   something else has the name
//	old log.1   was last written an hour ago
//	look        the follower reads all there is and it is stored
//	peek        it reads all there is, and nothing is stored
//	wait        two minutes pass, the follower looking every second
//	die         the follower starts again from what is stored
//	follow old/*  it will follow other patterns when it starts again
type world struct {
	t      *testing.T
	dir    string
	pad    int // how long lines are made
	config tail.Config
	stored map[int64]tail.Generation
	f      *tail.Follower
	now    time.Time
	said   []string
	halves map[string][]byte
	heard  map[int64]int64 // offset by generation
}

func newWorld(t *testing.T, pad int) *world {
	w := &world{t: t, dir: t.TempDir(), pad: pad, now: time.Now(), stored: map[int64]tail.Generation{}, halves: map[string][]byte{}, heard: map[int64]int64{}}
	w.config.Patterns = []string{w.path("log")}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) start() {
	w.heard = map[int64]int64{}
	if w.f != nil {
		w.f.Close()
	}
	f, err := tail.New(w.config, slices.Collect(maps.Values(w.stored)))
	w.must(err)
	w.f = f
	w.t.Cleanup(f.Close)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// play runs a script and gives what the follower said.
func (w *world) play(script string) string {
	w.t.Helper()
	for _, step := range strings.Split(script, ";") {
		if words := strings.Fields(step); len(words) > 0 {
			w.step(words[0], words[1:])
		}
	}
	return strings.Join(w.said, " ")
}

func (w *world) step(verb string, args []string) {
	switch verb[0] {
	case '+':
		w.write(verb[1:], w.lines(args), os.O_APPEND)
		return
	case '~':
		w.write(verb[1:], strings.TrimSuffix(w.lines(args), "\n"), os.O_APPEND)
		return
	}
	paths := make([]string, len(args))
	for i, a := range args {
		paths[i] = w.path(a)
	}
	switch verb {
	case "mv":
		w.must(os.Rename(paths[0], paths[1]))
	case "rm":
		w.must(os.Remove(paths[0]))
	case "cp":
		w.must(os.WriteFile(paths[1], w.read(paths[0]), 0o600))
	case "cut":
		n := 0
		if len(args) > 1 {
			n, _ = strconv.Atoi(args[1])
		}
		w.must(os.Truncate(paths[0], int64(n)))
	case "refill":
		w.write(args[0], w.lines(args[1:]), os.O_TRUNC)
	case "gz":
		w.zip(paths[0])
		w.must(os.Remove(paths[0]))
	case "zip":
		w.zip(paths[0])
	case "half":
		b := w.read(paths[0])
		w.halves[paths[0]] = b
		w.must(os.WriteFile(paths[0], b[:len(b)/2], 0o600))
	case "whole":
		w.must(os.WriteFile(paths[0], w.halves[paths[0]], 0o600))
	case "fifo":
		w.must(syscall.Mkfifo(paths[0], 0o600))
	case "link":
		w.must(os.Symlink(paths[0], paths[1]))
	case "dir":
		w.must(os.Mkdir(paths[0], 0o700))
	case "old":
		then := w.now.Add(-time.Hour)
		w.must(os.Chtimes(paths[0], then, then))
	case "look":
		w.look(true)
	case "peek":
		w.look(false)
	case "wait":
		for range 120 {
			w.look(true)
		}
	case "follow":
		w.config.Patterns = nil
		for _, a := range args {
			w.config.Patterns = append(w.config.Patterns, w.dir+"/"+a)
		}
	case "die":
		w.start()
	default:
		w.t.Fatalf("no such step: %s", verb)
	}
}

func (w *world) read(path string) []byte {
	b, err := os.ReadFile(path)
	w.must(err)
	return b
}

func (w *world) write(name, text string, flag int) {
	f, err := os.OpenFile(w.path(name), os.O_WRONLY|os.O_CREATE|flag, 0o600)
	w.must(err)
	_, err = io.WriteString(f, text)
	w.must(err)
	w.must(f.Close())
}

func (w *world) zip(path string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(w.read(path))
	w.must(z.Close())
	w.must(os.WriteFile(path+".gz", b.Bytes(), 0o600))
}

// lines makes a line of each word.
func (w *world) lines(words []string) string {
	var b strings.Builder
	for _, word := range words {
		b.WriteString(word)
		if w.pad > 0 {
			fmt.Fprintf(&b, "%*s", w.pad, word) // differs at both ends
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// look polls as an owner would: until there is nothing, over two scans.
func (w *world) look(store bool) {
	if w.f == nil {
		w.start()
	}
	for range 3 {
		w.now = w.now.Add(time.Second)
		for {
			ev, ok := w.f.Next(w.now)
			if !ok {
				break
			}
			w.hear(ev, store)
		}
	}
}

func (w *world) hear(ev tail.Event, store bool) {
	if at := w.heard[ev.Generation.ID]; ev.Kind == tail.Lines && ev.From != at && at > 0 {
		w.t.Errorf("generation %d goes on at %d, not at %d", ev.Generation.ID, ev.From, at)
	}
	w.heard[ev.Generation.ID] = ev.Generation.Offset
	if store && ev.Kind != tail.Trouble {
		w.stored[ev.Generation.ID] = ev.Generation
	}
	switch ev.Kind {
	case tail.Lines:
		if ev.To-ev.From != int64(len(ev.Lines)) || ev.To != ev.Generation.Offset || ev.Lines[len(ev.Lines)-1] != '\n' {
			w.t.Errorf("%d to %d, offset %d: %q", ev.From, ev.To, ev.Generation.Offset, ev.Lines)
		}
		for line := range bytes.Lines(ev.Lines) {
			w.said = append(w.said, w.word(line))
		}
	case tail.Torn:
		w.said = append(w.said, "torn:"+w.word(ev.Lines))
	case tail.Finished:
	case tail.Trouble:
		w.said = append(w.said, strings.ReplaceAll(ev.Err.Error(), w.dir, ""))
	default:
		w.said = append(w.said, "!"+ev.Kind.String())
	}
}

func (w *world) word(line []byte) string {
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
