package ledger

import (
	"strings"
	"testing"
	"time"

	"milepost/lib/accesslog"
)

// Once its users are known, a counter allocates nothing for a line: not for a user
// whose name squid had to encode either.
func TestCountingAllocatesNothing(t *testing.T) {
	f, err := accesslog.ParseFormat("native")
	if err != nil {
		t.Fatal(err)
	}
	for situation, user := range map[string]string{
		"a plain name": "alice", "one that is decoded": "dom%5calice", "a long one that is decoded": "dom%5c" + strings.Repeat("alice", 20),
	} {
		c := newCounter(f, nil)
		lines := []byte(strings.Repeat(line(noon, "TCP_MISS", 200, 7, user), 1000))
		c.add(lines)
		if n := testing.AllocsPerRun(10, func() { c.add(lines) }); n != 0 {
			t.Errorf("%s: %v allocations for 1000 lines", situation, n)
		}
		for name, s := range c.sums[noon.Unix()].all() {
			if want := accesslog.ParseShown(user); name != want || s.Requests != 12*1000 || s.Out != 7*12*1000 {
				t.Errorf("%s: %q has %+v, want %q", situation, name, s, want)
			}
		}
	}
}

// The bytes of all time and those of the last day are of the same lines, whoever is
// left out of the bill, and so they are after a restart.
func TestBytesOfAllAndOfTheDay(t *testing.T) {
	c := config(t.TempDir())
	now := time.Now()
	write(t, c.Globs[0], line(now.Add(-48*time.Hour), "TCP_MISS", 200, 1000, "alice")+line(now, "TCP_MISS", 200, 7, "alice")+
		line(now, "TCP_MISS", 200, 50, "monitor")+line(now, "TCP_DENIED", 407, 3, "alice"))
	for range 2 {
		l := follow(t, c)
		if total, day := l.Bytes(); total != 1010 || day != 10 {
			t.Errorf("%d bytes, %d of the last day", total, day)
		}
		l.Close()
	}
}
