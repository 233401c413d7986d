package ledger

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A hole is shown to who asks for the time that it may have lost something of, and
// to nobody else.
func TestHolesSayWhatTimeWasLost(t *testing.T) {
	hour := time.Hour
	for _, row := range []struct {
		situation string
		lose      func(t *testing.T, c Config)
		want      string // kind, from and to
	}{
		{"a generation vanished", func(t *testing.T, c Config) {
			write(t, c.Globs[0], line(noon.Add(-hour), "TCP_MISS", 200, 1, "alice")+line(noon, "TCP_MISS", 200, 1, "alice"))
			follow(t, c).Close()
			remove(t, c.Globs[0])
			write(t, c.Globs[0], line(noon.Add(2*hour), "TCP_MISS", 200, 1, "alice"))
			follow(t, c).Close()
		}, "vanished 12:00 14:00"},
		{"the log was truncated", func(t *testing.T, c Config) {
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
			l := follow(t, c)
			if err := os.Truncate(c.Globs[0], 0); err != nil {
				t.Fatal(err)
			}
			drain(t, l)
			l.Close()
		}, "truncated 12:00 now"},
		{"a malformed line", func(t *testing.T, c Config) {
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")+"x\n")
			follow(t, c).Close()
		}, "malformed 12:00 12:00"},
		{"a damaged ledger", func(t *testing.T, c Config) {
			write(t, c.Path, strings.Repeat("garbage ", 4000))
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")+line(noon.Add(hour), "TCP_MISS", 200, 1, "alice"))
			follow(t, c).Close()
		}, "set_aside unknown 12:00"},
		{"a damaged ledger, and no logs yet", func(t *testing.T, c Config) {
			write(t, c.Path, strings.Repeat("garbage ", 4000))
			follow(t, c).Close()
		}, "set_aside unknown now"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := config(t.TempDir())
			row.lose(t, c)
			_, holes, err := Usage(t.Context(), c.Path, Query{})
			if err != nil || len(holes) != 1 {
				t.Fatalf("%v %v", holes, err)
			}
			short := func(at time.Time) string {
				switch {
				case at.IsZero():
					return "unknown"
				case time.Since(at) < time.Hour:
					return "now"
				}
				return at.Format("15:04")
			}
			h := holes[0]
			if got := fmt.Sprintf("%s %s %s", h.Kind, short(h.At), short(h.Until)); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			for _, q := range []struct {
				Query
				want int
			}{
				{Query{From: h.Until.Truncate(15 * time.Minute)}, 1},
				{Query{From: h.Until.Truncate(15 * time.Minute).Add(15 * time.Minute)}, 0},
				{Query{To: h.At.Truncate(15 * time.Minute)}, 0},
			} {
				if h.At.IsZero() && !q.To.IsZero() {
					continue
				}
				if _, holes, err := Usage(t.Context(), c.Path, q.Query); err != nil || len(holes) != q.want && !(q.To.IsZero() && q.From.IsZero()) {
					t.Errorf("from %s to %s: %v %v", q.From, q.To, holes, err)
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A restart does not forget when the ledger was written last, and says how much
// of the log waits.
func TestWhatARestartRemembers(t *testing.T) {
	c := config(t.TempDir())
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	follow(t, c).Close()
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	samples := func() string {
		var said []string
		for s := range l.Samples() {
			switch s.Metric {
			case "ledger_last_commit_timestamp_seconds":
				said = append(said, fmt.Sprint(time.Since(time.UnixMilli(int64(s.Value*1000))) < time.Minute))
			case "squid_log_lag_bytes":
				said = append(said, fmt.Sprint(s.Value))
			}
		}
		return strings.Join(said, " ")
	}
	if got := samples(); got != "true" { // how much waits is not known yet
		t.Errorf("%q", got)
	}
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice")+"half a li")
	drain(t, l)
	if got := samples(); got != "9 true" {
		t.Errorf("%q", got)
	}
}
