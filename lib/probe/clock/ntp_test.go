package clock

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestNTPServers(t *testing.T) {
	t.Parallel()
	with := func(change func(a []byte)) func([]byte) [][]byte {
		return func(q []byte) [][]byte {
			a := ntpAnswer(q, 0)
			change(a)
			return [][]byte{a}
		}
	}
	for _, row := range []struct {
		situation string
		answer    func(question []byte) [][]byte
		want      string
	}{
		{"right", with(func([]byte) {}), "OK offset "},
		{"ahead", func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, 7*time.Second)} }, "WARNING offset +"},
		{"far behind: asked once, for no cache is between", func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, -70*time.Second)} }, "CRITICAL offset -"},
		{"no leap second", with(func([]byte) {}), "(NTP stratum 2, leap none, "},
		{"before a leap second", with(func(a []byte) { a[0] = 0b01_100_100 }), "(NTP stratum 2, which announces a leap second, "},
		{
			"not synchronised", with(func(a []byte) { a[0], a[1] = 0b11_100_100, 16 }),
			"UNKNOWN asking \"127.0.0.1:PORT\" for its time over NTP: the server says that it is not synchronised (stratum 16, leap indicator 3): see chronyc sources there",
		},
		{"a kiss of death", with(func(a []byte) { a[1] = 0; copy(a[12:], "RATE") }), `the server sends the kiss code "RATE": it does not want to be asked, or not so often`},
		{"a kiss of death as ntpd sends it, with leap indicator 3", with(func(a []byte) { a[0], a[1] = 0b11_100_100, 0; copy(a[12:], "DENY") }), `the server sends the kiss code "DENY": it does not want to be asked, or not so often`},
		{"stratum 16", with(func(a []byte) { a[1] = 16 }), "invalid stratum in response (stratum 16"},
		{"a precision that no clock has, which the library does not survive", with(func(a []byte) { a[3] = 0x80 }), "garbled answer: it makes the NTP library panic"},
		{"an old clock", with(func(a []byte) { binary.BigEndian.PutUint64(a[16:], ntpStamp(time.Now().Add(-72*time.Hour))) }), "server clock not fresh"},
		{"far from its own source", with(func(a []byte) { binary.BigEndian.PutUint32(a[8:], 20<<16) }), "invalid dispersion in response (stratum 2, root distance 20 s)"},
		{"to another question", with(func(a []byte) { a[24]++ }), "garbled answer: server response didn't match request"},
		{"cut", func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, 0)[:40]} }, "garbled answer: "},
		{"an echo", func(q []byte) [][]byte { return [][]byte{q} }, "garbled answer: "},
		{"a clock that goes backwards", with(func(a []byte) { binary.BigEndian.PutUint64(a[32:], ntpStamp(time.Now().Add(time.Hour))) }), "garbled answer: server clock ticked backwards"},
		{"it says that it got the question in another era", with(func(a []byte) { binary.BigEndian.PutUint64(a[32:], 0) }), "garbled answer: its times do not fit the time that the answer took"},
		{"it says that it got the question in years", with(func(a []byte) { binary.BigEndian.PutUint64(a[32:], ntpStamp(time.Now().Add(3e8*time.Second))) }), "garbled answer: its times do not fit the time that the answer took"},
		{"it says that it held the question for an hour", with(func(a []byte) { binary.BigEndian.PutUint64(a[32:], ntpStamp(time.Now().Add(-time.Hour))) }), "garbled answer: the server held the question for longer than we waited"},
		{"silent", func([]byte) [][]byte { return nil }, "no answer within 4.0 s to 3 questions: does an NTP server run there"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			addr := serveUDP(t, row.answer)
			o := run(t, alone(OverNTP, addr.Port()), patient)
			got := strings.Replace(spellOutcome(o), addr.String(), "127.0.0.1:PORT", 1)
			if !strings.Contains(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if o.Status.String() == "UNKNOWN" && o.Fault != "host" {
				t.Errorf("fault %q", o.Fault)
			}
			if o.Status.String() != "UNKNOWN" && (!strings.Contains(got, "(NTP stratum 2") || asked(o) != 1) {
				t.Errorf("%q, and it was asked %d times", got, asked(o))
			}
		})
	}
}

// TestAStrayPacketIsSurvived: the library gives up at the first datagram. The
// question is asked again, and is then the first of a burst.
func TestAStrayPacketIsSurvived(t *testing.T) {
	t.Parallel()
	var questions atomic.Int32
	addr := serveUDP(t, func(q []byte) [][]byte {
		a := ntpAnswer(q, 0)
		if questions.Add(1) == 1 {
			a[24]++
		}
		return [][]byte{a}
	})
	if got := spellOutcome(run(t, alone(OverNTP, addr.Port()), patient)); !strings.HasPrefix(got, "OK offset ") || questions.Load() < 3 {
		t.Errorf("%q after %d questions", got, questions.Load())
	}
}
