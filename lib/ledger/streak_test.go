package ledger

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// numbered is records with squid's numbers, a second apart; x is a malformed one.
func numbered(begin time.Time, numbers string) string {
	var b strings.Builder
	for i, n := range strings.Fields(numbers) {
		if n == "x" {
			b.WriteString("x\n")
			continue
		}
		fmt.Fprintf(&b, "%d.000     12 127.0.0.1 TCP_MISS/200 1 1 GET alice %s 1795426814.405 http://h/\n", begin.Unix()+int64(i), n)
	}
	return b.String()
}

// What is missing in logs that are counted at once is what a ledger would have found
// missing, in whatever order they are named and however they are cut up.
func TestMissingRecordsOfLogs(t *testing.T) {
	for _, row := range []struct {
		situation string
		files     map[string]string
		want      string
	}{
		{"nothing", map[string]string{"bill.log": "0 1 2 3"}, ""},
		{"some in the middle", map[string]string{"bill.log": "5 6 10 11 13"}, "3 missing 12:00:01 7-10 bill.log, 1 missing 12:00:03 12-13 bill.log"},
		{"a whole file", map[string]string{"bill.log.3": "0 1 2", "bill.log.1": "9 10"}, "6 missing 12:00:02 3-9 bill.log"},
		{"none between files, the oldest named last", map[string]string{"bill.log.1.gz": "3 4", "bill.log": "5 6", "bill.log.2": "0 1 2"}, ""},
		{"squid started again", map[string]string{"bill.log.2": "0 1 2", "bill.log.1": "0 1", "bill.log": "2 3"}, ""},
		{"two workers", map[string]string{"bill.log.2": "0 0 1 1 2", "bill.log": "2 3 3 5"}, "1 missing 13:00:02 4-5 bill.log"},
		{"a malformed one had a number", map[string]string{"bill.log": "0 1 x 3"}, ""},
		{"a malformed one at a file's end", map[string]string{"bill.log.2": "0 1 x", "bill.log": "3 4"}, ""},
		{"two squids' logs", map[string]string{"fra.log": "0 1 2", "par.log": "7 8 9"}, ""},
		{"one that is found late", map[string]string{"bill.log": "0 1 5 3 6"}, "2 missing 12:00:01 2-5 bill.log"},
	} {
		dir := t.TempDir()
		var files []string
		for _, name := range []string{"fra.log", "par.log", "bill.log.3", "bill.log.2", "bill.log.1", "bill.log.1.gz", "bill.log"} {
			numbers, there := row.files[name]
			if !there {
				continue
			}
			text := numbered(noon.Add(time.Duration(len(files))*time.Hour), numbers)
			if strings.HasSuffix(name, ".gz") {
				var z bytes.Buffer
				w := gzip.NewWriter(&z)
				_, _ = w.Write([]byte(text))
				w.Close()
				text = z.String()
			}
			write(t, filepath.Join(dir, name), text)
			files = append([]string{filepath.Join(dir, name)}, files...) // as a shell sorts them
		}
		for _, size := range []int64{pieceSize, 100, 250} {
			pieces, err := divide(files, size)
			if err != nil {
				t.Fatal(err)
			}
			_, holes, err := countPieces(t.Context(), pieces, Config{Format: "bill"}, Query{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, h := range holes {
				if h.Kind == missing {
					said = append(said, fmt.Sprintf("%d missing %s %d-%d %s", h.Count, h.At.Format("15:04:05"), h.From, h.To, filepath.Base(h.Path)))
				}
			}
			if got := strings.Join(said, ", "); got != row.want {
				t.Errorf("%s, in pieces of %d bytes: got %q, want %q", row.situation, size, got, row.want)
			}
		}
	}
}

// Numbers that are none, as of a format that is another's, take no memory to speak of.
func TestNumbersOfALogThatMakeNoSense(t *testing.T) {
	var s streaks
	for i := range int64(3 * maxStreaks) {
		s.saw(i*7919%104729, i)
	}
	if len(s.all) > maxStreaks || len(s.recent) > maxRuns {
		t.Errorf("%d streaks are kept, %d may go on", len(s.all), len(s.recent))
	}
}
