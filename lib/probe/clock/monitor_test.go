package clock

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

// unsynchronised is the kernel of a machine whose clock nobody sets.
func unsynchronised(t *unix.Timex) (int, error) {
	t.Status, t.Maxerror = unix.STA_UNSYNC, 16_000_000
	return unix.TIME_ERROR, nil
}

// synchronised is the kernel of a machine whose clock is looked after.
func synchronised(t *unix.Timex) (int, error) {
	t.Esterror, t.Maxerror = 20_000, 1_020_000
	return unix.TIME_OK, nil
}

// A trackingReply is chronyd's, as candm.h of chrony 4 lays it out.
type trackingReply struct {
	Version, PacketType, _, _                uint8
	Command, Reply, Status, _, _, _          uint16
	Sequence, _, _                           uint32
	RefID                                    uint32
	Address                                  [16]byte
	Family, _                                uint16
	Stratum, Leap                            uint16
	RefTime                                  [12]byte
	Correction, LastOffset, RMSOffset        uint32
	Freq, ResidFreq, Skew, Delay, Dispersion uint32
	Interval                                 uint32
}

// chronyFloat is v in chrony's own format: 7 bits of exponent, 25 of coefficient.
func chronyFloat(v float64) uint32 {
	if v == 0 {
		return 0
	}
	const bits = 25
	fraction, exponent := math.Frexp(v)
	coefficient := int32(fraction * (1 << (bits - 1)))
	return uint32(exponent+1)<<bits | uint32(coefficient)&(1<<bits-1)
}

// serveChronyd is a chronyd whose answers change makes.
func serveChronyd(t *testing.T, change func(*trackingReply)) netip.AddrPort {
	return serveUDP(t, func(q []byte) [][]byte {
		r := trackingReply{
			Version: 6, PacketType: 2, Command: 33, Reply: 5, Sequence: binary.BigEndian.Uint32(q[8:]),
			RefID: 0xc0000201, Stratum: 3, Family: 1,
			Delay: chronyFloat(0.020), Dispersion: chronyFloat(0.005),
		}
		change(&r)
		b, err := binary.Append(nil, binary.BigEndian, &r)
		if err != nil {
			t.Errorf("encoding chronyd's answer: %v", err)
		}
		return [][]byte{b}
	})
}

func TestTheMonitorsOwnWord(t *testing.T) {
	for _, row := range []struct {
		situation string
		chronyd   func(*trackingReply) // nil = none runs
		kernel    func(*unix.Timex) (int, error)
		want      string
	}{
		{"chronyd", func(*trackingReply) {}, unsynchronised, "+0.00 s ± 0.015 s by the local chronyd"},
		{"chronyd has to slow the clock down", func(r *trackingReply) { r.Correction = chronyFloat(-0.3) }, unsynchronised, "+0.30 s ± 0.015 s by the local chronyd"},
		{"chronyd has to speed it up", func(r *trackingReply) { r.Correction = chronyFloat(0.3) }, unsynchronised, "-0.30 s ± 0.015 s by the local chronyd"},
		{"chronyd is far off", func(r *trackingReply) { r.Correction = chronyFloat(3.2) }, synchronised, "this monitor's clock may be off by 3.2 s, says the local chronyd: host not judged"},
		{"chronyd hardly knows", func(r *trackingReply) { r.Dispersion = chronyFloat(2) }, synchronised, "this monitor's clock may be off by 2.0 s, says the local chronyd: host not judged"},
		{"chronyd is not synchronised", func(r *trackingReply) { r.Leap = 3 }, unsynchronised, `unproven: asking chronyd at "ADDR": it is not synchronised; the kernel says that its clock is not synchronised`},
		{"chronyd believes itself", func(r *trackingReply) { r.RefID = localReference }, unsynchronised, `unproven: asking chronyd at "ADDR": it serves its own clock as it is; the kernel says`},
		{"chronyd answers somebody else", func(r *trackingReply) { r.Sequence++ }, unsynchronised, `unproven: asking chronyd at "ADDR": garbled answer: to another question; the kernel says`},
		{"chronyd refuses", func(r *trackingReply) { r.Status = 2 }, unsynchronised, `unproven: asking chronyd at "ADDR": garbled answer: got status`},
		{"an error below zero", func(r *trackingReply) { r.Delay, r.Dispersion = chronyFloat(-4), 0 }, unsynchronised, `unproven: asking chronyd at "ADDR": garbled answer: an error of -2 s; the kernel says`},
		{"no chronyd, but the kernel", nil, synchronised, "+0.00 s ± 0.020 s by the kernel"},
		{"neither", nil, unsynchronised, `unproven: asking chronyd at "ADDR": it does not run, or answers nobody; the kernel says that its clock is not synchronised`},
		{"not even a kernel", nil, func(*unix.Timex) (int, error) { return 0, unix.EPERM }, `unproven: asking chronyd at "ADDR": it does not run, or answers nobody; asking the kernel: operation not permitted`},
	} {
		t.Run(row.situation, func(t *testing.T) {
			c := Default()
			c.adjtimex, c.chronyd = row.kernel, closedPort(t).String()
			if row.chronyd != nil {
				c.chronyd = serveChronyd(t, row.chronyd).String()
			}
			clock, err := c.vouch(t.Context())
			got := clock.String()
			if err != nil {
				got = err.Error()
			}
			if got = strings.ReplaceAll(got, c.chronyd, "ADDR"); !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// Who is known to be wrong himself judges nobody, and does not even ask.
func TestADisprovedClockJudgesNobody(t *testing.T) {
	var asked atomic.Int32
	host := serveUDP(t, func(q []byte) [][]byte { asked.Add(1); return [][]byte{ntpAnswer(q, time.Hour)} })
	for _, row := range []struct {
		situation string
		chronyd   func(*trackingReply)
		want      string
	}{
		{"far off", func(r *trackingReply) { r.Correction = chronyFloat(3.2) }, "UNKNOWN this monitor's clock may be off by 3.2 s, says the local chronyd: host not judged"},
		{"behind", func(r *trackingReply) { r.Correction = chronyFloat(-7) }, "UNKNOWN this monitor's clock may be off by 7.0 s, says the local chronyd: host not judged"},
		{"in doubt", func(r *trackingReply) { r.Dispersion = chronyFloat(2) }, "UNKNOWN this monitor's clock may be off by 2.0 s, says the local chronyd: host not judged"},
	} {
		c := alone(OverNTP, host.Port())
		c.Reference, c.adjtimex, c.chronyd = Reference{}, synchronised, serveChronyd(t, row.chronyd).String()
		o := run(t, c, patient)
		if got := spellOutcome(o); got != row.want || o.Fault != metric.FaultMonitor || o.Reason != metric.ReasonMonitorClock || asked.Load() > 0 {
			t.Errorf("%s: %q [%s %s] after %d questions, want %q", row.situation, got, o.Fault, o.Reason, asked.Load(), row.want)
		}
	}
}

func TestASilentChronydIsNotWaitedFor(t *testing.T) {
	addr := serveUDP(t, func([]byte) [][]byte { return nil })
	began := time.Now()
	if _, err := askChronyd(t.Context(), addr.String()); err == nil || !strings.HasSuffix(err.Error(), ": no answer") {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*maxChronyd {
		t.Errorf("took %v", took)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	good := func(ahead time.Duration) func(*testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort {
			return serveUDP(t, func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, ahead)} })
		}
	}
	silent := func(t *testing.T) netip.AddrPort { return serveUDP(t, func([]byte) [][]byte { return nil }) }
	dead := closedPort
	forgetful := func(t *testing.T) netip.AddrPort { // it loses the first question
		asked := 0
		return serveUDP(t, func(q []byte) [][]byte {
			if asked++; asked == 1 {
				return nil
			}
			return [][]byte{ntpAnswer(q, 0)}
		})
	}
	unsure := func(t *testing.T) netip.AddrPort {
		return serveUDP(t, func(q []byte) [][]byte {
			a := ntpAnswer(q, 0)
			binary.BigEndian.PutUint32(a[8:], 3<<16)
			return [][]byte{a}
		})
	}
	type servers []func(*testing.T) netip.AddrPort
	for _, row := range []struct {
		situation string
		servers   servers
		ahead     time.Duration // the host's clock, before the monitor's
		want      string
		fast      bool
	}{
		{"all right", servers{good(0), good(0), good(0)}, 0, "OK offset ", true},
		{"one is dead", servers{good(0), dead, good(0)}, 0, "OK offset ", true},
		{"one is silent, and not waited for", servers{good(0), silent, good(0)}, 0, "OK offset ", true},
		{"one lies", servers{good(0), good(time.Hour), good(0)}, 0, "OK offset ", true},
		{"a question is lost", servers{good(0), dead, forgetful}, 0, "OK offset ", false},
		{
			"the monitor is 40 s behind, and the host is right",
			servers{good(40 * time.Second), good(40 * time.Second), good(40 * time.Second)},
			40 * time.Second,
			"OK offset ", true,
		},
		{
			"the monitor is 40 s behind, and so is the host",
			servers{good(40 * time.Second), good(40 * time.Second), good(40 * time.Second)},
			0,
			"WARNING offset -", true,
		},
		{
			"two of four are no majority",
			servers{good(0), good(0), good(time.Hour), good(time.Hour)},
			9 * time.Second,
			"UNKNOWN either clock may be wrong, because nobody vouches for this monitor's", true,
		},
		{"none answers, and the clocks agree", servers{dead, dead, dead}, 0, "OK offset ", true},
		{"none answers, and the clocks do not agree", servers{dead, dead, dead}, 9 * time.Second, "UNKNOWN either clock may be wrong, because nobody vouches for this monitor's: run chronyd here, or name --reference NTP1,NTP2,NTP3; offset +", true},
		{"who does not know has no vote", servers{good(0), unsure, unsure}, 9 * time.Second, "UNKNOWN either clock may be wrong", true},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			c := alone(OverNTP, good(row.ahead)(t).Port())
			c.Reference = Reference{}
			for _, start := range row.servers {
				c.Reference.servers = append(c.Reference.servers, start(t).String())
			}
			began := time.Now()
			o := run(t, c, 10*time.Second)
			if got := spellOutcome(o); !strings.HasPrefix(got, row.want) {
				t.Errorf("%q, want %q; %s", got, row.want, exchange(o))
			}
			if took := time.Since(began); took >= maxVouching && row.fast {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestWhatTheReferencesSay(t *testing.T) {
	c := alone(OverNTP, serveUDP(t, func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, 0)} }).Port())
	far := serveUDP(t, func(q []byte) [][]byte { return [][]byte{ntpAnswer(q, time.Hour)} }).String()
	dead := closedPort(t).String()
	c.Reference = Reference{servers: []string{far, dead, "[::1"}}
	o := run(t, c, 10*time.Second)
	said := strings.Join(o.Advice, "\n")
	for _, want := range []string{
		`this monitor's clock is unproven: 1 of 3 references agree, which is no majority \(`,
		regexp.QuoteMeta(far) + `: -(3600\.0|3599\.9)\d* s ± 0\.\d+`,
		regexp.QuoteMeta(dead) + `: connection refused: does an NTP server run there, and listen on this address\?`,
		`\[::1: `,
	} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}

func TestIntersect(t *testing.T) {
	ms := time.Millisecond
	v := func(lo, hi time.Duration) vote { return vote{lo: lo * ms, hi: hi * ms} }
	silent := vote{err: errors.New("no answer")}
	for _, row := range []struct {
		situation string
		votes     []vote
		quorum    int
		lo, hi    time.Duration
		agree     int
	}{
		{"all agree", []vote{v(-10, 10), v(-5, 20), v(0, 8)}, 3, 0, 8, 3},
		{"all agree, where two are enough", []vote{v(-10, 10), v(-5, 20), v(0, 8)}, 2, -5, 10, 3},
		{"one lies", []vote{v(-10, 10), v(-5, 20), v(5000, 5010)}, 2, -5, 10, 2},
		{"one agrees with two that differ", []vote{v(0, 10), v(8, 22), v(20, 30)}, 2, 8, 22, 2},
		{"all differ", []vote{v(0, 1), v(10, 11), v(20, 21)}, 2, 0, 0, 1},
		{"they touch", []vote{v(0, 10), v(10, 20)}, 2, 10, 10, 2},
		{"one is silent", []vote{v(0, 10), silent, v(5, 20)}, 2, 5, 10, 2},
		{"all are silent", []vote{silent, silent}, 2, 0, 0, 0},
		{"nobody", nil, 2, 0, 0, 0},
	} {
		lo, hi, agree := intersect(row.votes, row.quorum)
		if agree != row.agree || agree >= row.quorum && (lo != row.lo*ms || hi != row.hi*ms) {
			t.Errorf("%s: %v..%v by %d, want %v..%v by %d", row.situation, lo, hi, agree, row.lo*ms, row.hi*ms, row.agree)
		}
	}
}

func TestNeeds(t *testing.T) {
	open := filepath.Join(t.TempDir(), "community")
	if err := os.WriteFile(open, []byte("lab\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.adjtimex, c.chronyd = unsynchronised, closedPort(t).String()
	c.SNMP.CommunityFile = secret.File(open)
	var got []string
	for _, n := range c.Needs(t.Context(), metric.Target{}) {
		got = append(got, n.What, n.Have, n.Mend)
	}
	said := strings.Join(got, "\n")
	for _, want := range []string{
		"secret in \"" + open + "\"", "others may open it (mode 0644): run chmod o-rwx",
		"a proven clock of this monitor", "unproven: asking chronyd", "apt install chrony, or name --reference NTP1,NTP2,NTP3",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}

func TestTheProofIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serveUDP(t, func([]byte) [][]byte { cancel(); return nil }).String()
	c := alone(OverNTP, 9)
	c.Reference = Reference{servers: []string{addr, addr, addr}}
	began := time.Now()
	c.now = now
	m := measurement{config: c, patience: time.Minute}
	if err := m.vouch(ctx); !errors.Is(err, context.Canceled) || err.Error() != "proving this monitor's clock: context canceled" {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}
