package ledger

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"milepost/lib/accesslog"
)

// However a log is cut up, and whoever counts which piece, sums and holes are the same.
func TestPieces(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log")
	random := rand.New(rand.NewPCG(1, 1))
	text := func(ending string) string {
		var b strings.Builder
		for i := range 100 {
			l := line(noon.Add(time.Duration(i)*time.Minute), "TCP_MISS", 200, int64(i), fmt.Sprint("user%20", i%7, strings.Repeat("x", i%30)))
			switch random.IntN(20) {
			case 0:
				l = "\n"
			case 1:
				l = "no line\n"
			case 2:
				l = l[:len(l)/2] + "\n"
			case 3:
				l = strings.TrimSuffix(l, "\n") // the next is glued to it
			}
			b.WriteString(l)
		}
		return strings.TrimSuffix(b.String(), "\n") + ending
	}
	write(t, a, "no line\n"+text("\n"))
	write(t, b, text(""))
	whole := countedIn(t, []string{a, b}, 1<<40, 1)
	if !strings.Contains(whole, "malformed") || strings.Count(whole, "user") < 60 {
		t.Fatal(whole)
	}
	for _, size := range []int64{30, 119, 120, 121, 1000, 5000} {
		for workers := range 3 {
			if got := countedIn(t, []string{a, b}, size, workers+1); got != whole {
				t.Errorf("in pieces of %d bytes:\n%s\nwhole:\n%s", size, got, whole)
			}
		}
	}
}

func countedIn(t *testing.T, files []string, size int64, workers int) string {
	t.Helper()
	pieces, err := divide(files, size)
	if err != nil {
		t.Fatal(err)
	}
	counters := make([]*counter, workers)
	for i := range counters {
		counters[i] = newCounter(accesslog.Native(), nil)
	}
	var m meter
	m.progress = func(done, _ int64) { m.total = done }
	if err := countAll(t.Context(), counters, pieces, &m); err != nil {
		t.Fatal(err)
	}
	sum := map[string]sums{}
	var lines int64
	for _, c := range counters {
		lines += c.totals.lines["counted"]
		for bucket, all := range c.sums {
			for user, s := range all.all() {
				key := fmt.Sprint(bucket, " ", user)
				sum[key] = sum[key].plus(*s)
			}
		}
	}
	var said []string
	for key, s := range sum {
		said = append(said, fmt.Sprint(key, " ", s.Out, " ", s.Requests))
	}
	slices.Sort(said)
	for _, h := range merged(holesOf(pieces)) {
		said = append(said, fmt.Sprint(h.Kind, h.Detail, h.Count, h.At))
	}
	return fmt.Sprintf("%d lines, %d bytes\n%s", lines, m.total, strings.Join(said, "\n"))
}

func TestLongLines(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	good := line(noon, "TCP_MISS", 200, 7, "alice")
	long := strings.Replace(good, "/x", "/"+strings.Repeat("x", 100_000), 1)
	write(t, path, good+long+strings.Repeat("y", 3*maxLine)+"\n"+good+strings.Repeat("z", 2*maxLine))
	want := countedIn(t, []string{path}, 1<<40, 1)
	if !strings.HasPrefix(want, "3 lines") || !strings.Contains(want, "long2") {
		t.Error(want)
	}
	for _, size := range []int64{pieceSize, 100_000, maxLine} {
		if got := countedIn(t, []string{path}, size, 2); got != want {
			t.Errorf("in pieces of %d bytes: %s, want %s", size, got, want)
		}
	}
}

func TestOtherInput(t *testing.T) {
	dir := t.TempDir()
	good := line(noon, "TCP_MISS", 200, 7, "alice")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ text, want string }{
		"plain":            {good, "[{[alice] 7 <nil> 1}] 0"},
		"gzip, unnamed":    {z.String(), "[{[alice] 7 <nil> 1}] 0"},
		"two gzip members": {z.String() + z.String(), "[{[alice] 14 <nil> 2}] 0"},
		"empty.gz":         {"", "[] 1"},
		"xz":               {"\xfd7zXZ\x00rest", "it is compressed by xz: pipe it in, xz -dc FILE | milepost-exporter usage --log -"},
		"zstd":             {"\x28\xb5\x2f\xfdrest", "it is compressed by zstd: pipe it in"},
	} {
		path := filepath.Join(dir, name)
		write(t, path, row.text)
		rows, holes, err := Count(t.Context(), []string{path}, Config{}, Query{By: []string{"user"}}, nil)
		if got := fmt.Sprint(rows, " ", len(holes)); err == nil && got != row.want || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %s %v, want %s", name, got, err, row.want)
		}
	}
}
