package clock

import (
	"math"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// The offset of the machine that asks is what its references say, and is judged however
// great it is.
func TestThisMachinesClock(t *testing.T) {
	for _, row := range []struct {
		situation string
		chronyd   func(*trackingReply) // nil = none runs
		kernel    func(*unix.Timex) (int, error)
		at        string
		want      string
		offset    float64
	}{
		{"in step by chronyd", func(*trackingReply) {}, unsynchronised, "127.0.0.1", "OK offset +0.00 s ± 0.015 s (this machine, by the word of the local chronyd)", 0},
		{"in step by the kernel", nil, synchronised, "::1", "OK offset +0.00 s ± 0.020 s (this machine, by the word of the kernel)", 0},
		{"ahead", func(r *trackingReply) { r.Correction = chronyFloat(-7) }, synchronised, "127.0.0.1", "WARNING offset +7.00 s ± 0.015 s (this machine, by the word of the local chronyd)", 7},
		{"far behind", func(r *trackingReply) { r.Correction = chronyFloat(61) }, synchronised, "127.0.0.1", "CRITICAL offset -61.00 s ± 0.015 s (this machine", -61},
		{"nobody says", nil, unsynchronised, "127.0.0.1", "UNKNOWN reading this machine's clock: nobody says how far it is off (asking chronyd at", 0},
		{"another machine", nil, synchronised, "198.51.100.7", `UNKNOWN reading this machine's clock: "198.51.100.7" is another: ask it with --source snmp, ntp or http`, 0},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := Default()
			c.Source, c.adjtimex, c.chronyd = Local, row.kernel, closedPort(t).String()
			if row.chronyd != nil {
				c.chronyd = serveChronyd(t, row.chronyd).String()
			}
			target := metric.Target{Name: "here", Address: row.at, Addrs: []netip.Addr{netip.MustParseAddr(row.at)}}
			var v verdict.Verdict
			var last Result
			for r, err := range Measure(t.Context(), target, c) {
				v, last = verdict.Judge(r.Report(), c.Limits()), r
				if err != nil {
					v = verdict.Broken(v, verdict.Failed(err))
				}
				if v.Decided {
					break
				}
			}
			if got := v.Status.String() + " " + v.Summary; !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
			if middle := (last.Lo + last.Hi).Seconds() / 2; math.Abs(middle-row.offset) > 0.01 {
				t.Errorf("offset %v s, want %v s", middle, row.offset)
			}
		})
	}
}
