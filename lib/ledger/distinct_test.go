package ledger

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.String()
}

// What somebody names twice is counted once, and said.
func TestLogsThatAreNamedTwice(t *testing.T) {
	dir := t.TempDir()
	one, two := line(noon, "TCP_MISS", 200, 1, "alice"), line(noon, "TCP_MISS", 200, 2, "alice")
	long := strings.Repeat(one, 5000)
	for name, text := range map[string]string{
		"log": one, "log.1": two, "log.1.gz": gzipped(t, two), "copy": one, "as-long": two, "log.2": two + one, "log.3.gz": gzipped(t, one),
		"long": long, "long.gz": gzipped(t, long)[:100], "empty": "", "empty.1": "",
		"members.gz": gzipped(t, one) + gzipped(t, two), "members": one + two,
	} {
		write(t, filepath.Join(dir, name), text)
	}
	if err := os.Symlink(filepath.Join(dir, "log"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "log"), filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		situation, files string
		bytes            int64
		said             string
	}{
		{"different ones", "log log.1 log.2", 6, ""},
		{"the same name", "log log log", 1, `"log" is the same file as "log": it is counted once; "log" is the same file as "log": it is counted once`},
		{"another spelling", "log ./log", 1, `"./log" is the same file as "log": it is counted once`},
		{"a symbolic link", "log link", 1, `"link" is the same file as "log": it is counted once`},
		{"a hard link", "log hard", 1, `"hard" is the same file as "log": it is counted once`},
		{"a copy", "log copy", 1, `"copy" holds the same as "log": it is counted once`},
		{"as long as another", "log as-long", 3, ""},
		{"a compressed copy", "log.1 log.1.gz", 2, `"log.1.gz" holds the same as "log.1": it is counted once`},
		{"a compressed copy first", "log.1.gz log.1", 2, `"log.1.gz" holds the same as "log.1": it is counted once`},
		{"a compressed copy by another name", "log log.3.gz log.1", 3, `"log.3.gz" holds the same as "log": it is counted once`},
		{"a compressed copy in the making", "long long.gz", 5000, `"long.gz" holds the same as "long": it is counted once`},
		{"a compressed copy in two members", "members.gz members", 3, `"members.gz" holds the same as "members": it is counted once`},
		{"empty ones", "empty empty.1", 0, ""},
	} {
		var said, files []string
		for _, name := range strings.Fields(row.files) {
			files = append(files, dir+"/"+name)
		}
		c := Config{Notice: func(text string) { said = append(said, strings.ReplaceAll(text, dir+"/", "")) }}
		rows, holes, err := Count(t.Context(), files, c, Query{}, nil)
		var sum int64
		for _, r := range rows {
			sum += r.BytesOut
		}
		if got := strings.Join(said, "; "); err != nil || len(holes) > 0 || sum != row.bytes || got != row.said {
			t.Errorf("%s: %d bytes, want %d, %v %v\ngot  %s\nwant %s", row.situation, sum, row.bytes, holes, err, got, row.said)
		}
	}
}

// A last line without its newline counts if it is all there. If not, squid is writing it;
// in a rotated log it was torn, as it is for a ledger.
func TestLastLines(t *testing.T) {
	whole := strings.TrimSuffix(line(noon, "TCP_MISS", 200, 5, "alice"), "\n")
	const unfinished = "ends within a line, which squid may be writing yet: it is not counted"
	for _, row := range []struct{ situation, name, format, text, want string }{
		{"whole", "access.log", "", whole, "5 bytes, [] "},
		{"being written", "access.log", "", whole + "\n" + whole[:30], "5 bytes, [] " + unfinished},
		{"being written, in another format", "access.log", "%ts %un %>Hs %<st", "1795176000 alice 200 5\n1795176000 alice 200 123", "5 bytes, [] " + unfinished},
		{"torn", "access.log.1", "", whole + "\n" + whole[:30], "5 bytes, [1 torn] "},
		{"torn and compressed", "access.log.1.gz", "", gzipped(t, whole+"\n"+whole[:30]), "5 bytes, [1 torn] "},
	} {
		path := filepath.Join(t.TempDir(), row.name)
		write(t, path, row.text)
		said := ""
		c := Config{Format: row.format, Notice: func(text string) { said = strings.TrimPrefix(text, fmt.Sprintf("%q ", path)) }}
		rows, holes, err := Count(t.Context(), []string{path}, c, Query{}, nil)
		var sum int64
		for _, r := range rows {
			sum += r.BytesOut
		}
		kinds := []string{}
		for _, h := range holes {
			kinds = append(kinds, fmt.Sprint(h.Count, " ", h.Kind))
		}
		if got := fmt.Sprintf("%d bytes, %v %s", sum, kinds, said); err != nil || got != row.want {
			t.Errorf("%s: got %s %v, want %s", row.situation, got, err, row.want)
		}
	}
}

// Logs are asked to the second; a ledger keeps sums by the quarter of an hour.
func TestLogsToTheSecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, line(noon, "TCP_MISS", 200, 1, "a")+line(noon.Add(time.Second), "TCP_MISS", 200, 10, "a")+line(noon.Add(2*time.Second), "TCP_MISS", 200, 100, "a"))
	for _, row := range []struct {
		from, to int
		want     int64
	}{{0, 1, 1}, {1, 2, 10}, {1, 3, 110}, {2, 900, 100}, {-1, 2, 11}, {3, 4, 0}} {
		q := Query{From: noon.Add(time.Duration(row.from) * time.Second), To: noon.Add(time.Duration(row.to) * time.Second)}
		rows, _, err := Count(t.Context(), []string{path}, Config{}, q, nil)
		var sum int64
		for _, r := range rows {
			sum += r.BytesOut
		}
		if err != nil || sum != row.want {
			t.Errorf("%d to %d: %d bytes, want %d: %v", row.from, row.to, sum, row.want, err)
		}
	}
	if _, _, err := Count(t.Context(), []string{path}, Config{}, Query{From: noon.Add(time.Millisecond)}, nil); err == nil || !strings.Contains(err.Error(), "logs are counted by the second") {
		t.Error(err)
	}
}
