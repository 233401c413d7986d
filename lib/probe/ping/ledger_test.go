package ping

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"milepost/lib/echo"
)

// story books what its words tell, each with its time in milliseconds: "0>100"
// number 0 leaves, "0<180" is answered, "0?180" is answered by a stranger,
// "0#180" is refused by a router, "0!100" could not be sent, "@1100" is a look at the clock.
func story(l *ledger, words string) {
	for word := range strings.FieldsSeq(words) {
		var seq, ms int
		var what rune
		if n, _ := fmt.Sscanf(word, "@%d", &ms); n == 1 {
			l.expire(l.began.Add(time.Duration(ms) * time.Millisecond))
			l.settle()
			continue
		}
		if _, err := fmt.Sscanf(word, "%d%c%d", &seq, &what, &ms); err != nil {
			panic(word)
		}
		e := echo.Event{Seq: seq, At: l.began.Add(time.Duration(ms) * time.Millisecond)}
		switch what {
		case '<':
			e.From = l.to
		case '?':
			e.From = netip.MustParseAddr("198.51.100.9")
		case '#':
			e.From, e.Refusal = netip.MustParseAddr("198.51.100.1"), "host unreachable"
		case '!':
			e.Err = fmt.Errorf("no route")
		}
		l.note(e)
		l.settle()
	}
}

func newLedger(keep int) *ledger {
	return &ledger{to: host, keep: keep, began: time.Now()}
}

func TestLedger(t *testing.T) {
	tests := []struct{ name, story, packets, totals string }{
		{"answered", "0>0 0<80", ".", "1 sent 1 received 0 lost 0 late 0 twice 0 strange"},
		{"on its way", "0>0 @999", "", "1 sent 0 received 0 lost 0 late 0 twice 0 strange"},
		{"lost when its time is up", "0>0 @1000", "x", "1 sent 0 received 1 lost 0 late 0 twice 0 strange"},
		{"late", "0>0 @1000 0<1200", "l", "1 sent 0 received 1 lost 1 late 0 twice 0 strange"},
		{"late, and nobody had looked", "0>0 0<1200", "l", "1 sent 0 received 1 lost 1 late 0 twice 0 strange"},
		{"twice", "0>0 0<80 0<90 0<95", ".", "1 sent 1 received 0 lost 0 late 2 twice 0 strange"},
		{"late and twice", "0>0 @1000 0<1200 0<1300", "l", "1 sent 0 received 1 lost 1 late 1 twice 0 strange"},
		{"out of order", "0>0 1>250 1<330 0<340", "..", "2 sent 2 received 0 lost 0 late 0 twice 0 strange"},
		{"counted in the order of sending", "0>0 1>250 1<330", "", "2 sent 0 received 0 lost 0 late 0 twice 0 strange"},
		{"and so when the first is lost", "0>0 1>250 1<330 @1000", "x.", "2 sent 1 received 1 lost 0 late 0 twice 0 strange"},
		{"a stranger's answer, then the own", "0>0 0?40 0<80", ".", "1 sent 1 received 0 lost 0 late 0 twice 1 strange"},
		{"only a stranger's answer", "0>0 0?40 @1000", "x", "1 sent 0 received 1 lost 0 late 0 twice 1 strange"},
		{"refused is lost when its time is up", "0>0 0#80 @999 @1000", "x", "1 sent 0 received 1 lost 0 late 0 twice 0 strange"},
		{"refused, and answered all the same", "0>0 0#80 0<90", ".", "1 sent 1 received 0 lost 0 late 0 twice 0 strange"},
		{"answered before it left", "0>100 0<99", ".", "1 sent 1 received 0 lost 0 late 0 twice 0 strange"},
		{"late by a minute", "0>0 @1000 0<61000", "l", "1 sent 0 received 1 lost 1 late 0 twice 0 strange"},
		{"could not be sent", "0!0 1>250 1<330", ".", "1 sent 1 received 0 lost 0 late 0 twice 0 strange"},
		{"a slow path is waited for: 3 round trips", "0>0 0<600 1>1000 @2799", ".", "2 sent 1 received 0 lost 0 late 0 twice 0 strange"},
		{"but not longer", "0>0 0<600 1>1000 @2800", ".x", "2 sent 1 received 1 lost 0 late 0 twice 0 strange"},
		{"and never longer than 3 s", "0>0 0<990 1>1000 1<3900 2>4000 @6999 @7000", "..x", "3 sent 2 received 1 lost 0 late 0 twice 0 strange"},
		{"what is late teaches to wait", "0>0 1>250 @1000 0<1200 1<1450", "l.", "2 sent 1 received 1 lost 1 late 0 twice 0 strange"},
	}
	for _, tt := range tests {
		l := newLedger(100)
		story(l, tt.story)
		var packets strings.Builder
		for _, p := range l.window(100) {
			switch {
			case p.Late:
				packets.WriteByte('l')
			case p.Lost:
				packets.WriteByte('x')
			default:
				packets.WriteByte('.')
			}
		}
		c := l.totals
		totals := fmt.Sprintf("%d sent %d received %d lost %d late %d twice %d strange", c.Sent, c.Received, c.Lost, c.Late, c.Duplicates, c.Strays)
		if packets.String() != tt.packets || totals != tt.totals {
			t.Errorf("%s: %q and %s, want %q and %s", tt.name, packets.String(), totals, tt.packets, tt.totals)
		}
	}
}

func TestLedgerForgets(t *testing.T) {
	l := newLedger(5)
	for i := range 1000 {
		story(l, fmt.Sprintf("%d>0 %d<80", i, i))
		l.forget()
	}
	if len(l.packets) != 5 || l.totals.Received != 1000 {
		t.Errorf("%d packets are kept of %d", len(l.packets), l.totals.Received)
	}
	story(l, "3<90") // of long ago: it is late, whatever it was
	if l.totals.Late != 1 {
		t.Errorf("%d late", l.totals.Late)
	}
}

func TestLedgerWithinATime(t *testing.T) {
	tests := []struct {
		name     string
		patience time.Duration
		end      time.Duration // after the packet left; 0 = none
		usual    time.Duration
		want     time.Duration
	}{
		{"as long as it takes", 0, 0, 700 * time.Millisecond, 2100 * time.Millisecond},
		{"no longer than patience", 500 * time.Millisecond, 0, 700 * time.Millisecond, 500 * time.Millisecond},
		{"no longer than there is time", 5 * time.Second, 1500 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond},
		{"but what every packet has", 5 * time.Second, 300 * time.Millisecond, 700 * time.Millisecond, time.Second},
	}
	for _, tt := range tests {
		l := newLedger(5)
		l.patience, l.usual = tt.patience, tt.usual
		p := packet{}
		if tt.end > 0 {
			l.end = l.began.Add(tt.end)
		}
		if got := l.deadline(&p).Sub(l.began); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
