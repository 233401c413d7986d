package clock

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/peers"
	"milepost/lib/secret"
)

// nobody is a monitor that has neither chronyd nor a synchronised kernel.
func nobody(c *Config) {
	c.chronyd = "127.0.0.1:9" // discard: nobody there
	c.kernel = func() (kernelClock, error) { return kernelClock{}, nil }
}

func run(t *testing.T, c Config, address string, timeout time.Duration) check.Outcome {
	t.Helper()
	bound, err := check.Define("clock_offset", Default, Measure).Bind(&c, metric.Target{Name: "fra-1", Address: address})
	if err != nil {
		t.Fatal(err)
	}
	bound.Timeout = timeout
	return bound.Run(t.Context())
}

func port(t *testing.T, addr string) uint16 {
	t.Helper()
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(a.Port)
}

func TestRealSnmpd(t *testing.T) {
	for _, tt := range []struct {
		name            string
		offset          string
		oid             bool
		warning         string
		want            string
		queries         int
		atMost, atLeast float64
	}{
		{"right, by hrSystemDate", "", false, "5", "OK ", 1, 1, -1},
		{"right, by an epoch OID", "", true, "5", "OK ", 1, 1, -1},
		{"ahead", "7.5", true, "5", "WARNING ", 0, 8.6, 6.4},
		{"behind", "-7.5", true, "5", "WARNING ", 0, -6.4, -8.6},
		{"two minutes ahead", "120", true, "5", "CRITICAL ", 0, 121.1, 118.9},
		{"an explicit range is signed", "-3.5", true, "-1:10", "WARNING ", 0, -2.4, -4.6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var offset time.Duration
			if tt.offset != "" {
				var err error
				if offset, err = time.ParseDuration(tt.offset + "s"); err != nil {
					t.Fatal(err)
				}
			}
			s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab", Offset: offset})
			c := Default()
			c.Port, c.SNMP.Community, c.Reference = uint16(s.Port), secret.New("lab"), Reference{none: true}
			c.Warning = metric.MustRange(tt.warning)
			if tt.oid {
				c.SNMP.OID = OID(s.EpochOID)
			}
			o := run(t, c, "127.0.0.1", 10*time.Second)
			got := o.Status.String() + " " + o.Summary
			if !strings.HasPrefix(got, tt.want) || !strings.Contains(got, "whole seconds over SNMP") {
				t.Fatalf("%q, want %q", got, tt.want)
			}
			if v := o.Findings[0].Value; v < tt.atLeast || v > tt.atMost {
				t.Errorf("offset %v is not in %v..%v", v, tt.atLeast, tt.atMost)
			}
			asked := 0
			for _, s := range o.Stages {
				if strings.HasPrefix(s.Doing, "asking") {
					asked++
				}
			}
			if tt.queries > 0 && asked != tt.queries {
				t.Errorf("asked %d times, want %d", asked, tt.queries)
			}
			for _, s := range o.Stages {
				if strings.Contains(s.Said+s.Doing, "lab") {
					t.Errorf("the community is in %q", s.Said)
				}
			}
		})
	}
}

func TestRealCacheIsNamed(t *testing.T) {
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab", Conf: "extend slow /bin/date -u +%s --date=-8seconds\n"})
	c := Default()
	c.Port, c.SNMP.Community, c.Reference = uint16(s.Port), secret.New("lab"), Reference{none: true}
	c.SNMP.OID = "1.3.6.1.4.1.8072.1.3.2.3.1.1.4.115.108.111.119" // nsExtendOutput1Line."slow"
	o := run(t, c, "127.0.0.1", 10*time.Second)
	if got := o.Status.String() + " " + o.Summary; !strings.Contains(got, "the answers come from a cache: in snmpd.conf serve it by pass_persist") {
		t.Error(got)
	}
}

func TestRealNTP(t *testing.T) {
	s := peers.StartChrony(t, peers.Chrony{})
	c := Default()
	c.Source, c.Port, c.Reference = OverNTP, port(t, s.Addr), Reference{none: true}
	o := run(t, c, "127.0.0.1", 10*time.Second)
	if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, "OK offset ") || !strings.Contains(got, "stratum") {
		t.Error(got)
	}
	if u := o.Findings[2].Value; !(u > 0 && u < 0.1) {
		t.Errorf("uncertainty %v", u)
	}
}

func TestRealReferences(t *testing.T) {
	a, b, c := peers.StartChrony(t, peers.Chrony{}), peers.StartChrony(t, peers.Chrony{}), peers.StartChrony(t, peers.Chrony{})
	s := peers.StartSnmpd(t, peers.Snmpd{Community: "lab"})
	for _, tt := range []struct {
		name, servers, want string
	}{
		{"all three", strings.Join([]string{a.Addr, b.Addr, c.Addr}, ","), "OK offset "},
		{"two of three", strings.Join([]string{a.Addr, b.Addr, "127.0.0.1:9"}, ","), "OK offset "},
		{"one of three", strings.Join([]string{a.Addr, "127.0.0.1:9", "127.0.0.2:9"}, ","), "UNKNOWN this monitor's clock is not proven: 1 of 3 references agree, and a majority is needed"},
	} {
		cfg := Default()
		cfg.Port, cfg.SNMP.Community = uint16(s.Port), secret.New("lab")
		if err := cfg.Reference.UnmarshalText([]byte(tt.servers)); err != nil {
			t.Fatal(err)
		}
		o := run(t, cfg, "127.0.0.1", 10*time.Second)
		if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnUnprovenMonitorAccusesNobody(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lo, hi time.Duration
		want   string
	}{
		{"they agree", -500 * time.Millisecond, 500 * time.Millisecond, "OK offset +0.0 s ± 0.50 s"},
		{"they disagree", 69 * time.Second, 70 * time.Second, "UNKNOWN either clock may be wrong, because nobody vouches for this monitor's: run chronyd here, or name --reference NTP1,NTP2,NTP3; offset "},
	} {
		r := Result{Source: OverNTP, Queries: 1, Lo: tt.lo, Hi: tt.hi}
		k := check.Define("clock_offset", Default, func(context.Context, metric.Target, Config) iter.Seq2[Result, error] {
			return func(yield func(Result, error) bool) { yield(r, nil) }
		})
		c := Default()
		bound, err := k.Bind(&c, metric.Target{Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		o := bound.Run(t.Context())
		if got := o.Status.String() + " " + o.Summary; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheMonitorsClockComesFirst(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel kernelClock
		err    error
		proven bool
	}{
		{"the kernel says so", kernelClock{true, 20 * time.Millisecond}, nil, true},
		{"the kernel is not synchronised", kernelClock{false, 16 * time.Second}, nil, false},
		{"the kernel is not sure enough", kernelClock{true, 5 * time.Second}, nil, false},
		{"the kernel does not say", kernelClock{}, errors.New("no"), false},
	} {
		c := Default()
		nobody(&c)
		c.kernel = func() (kernelClock, error) { return tt.kernel, tt.err }
		if got := c.local(t.Context()); got.Proven != tt.proven || tt.proven && got.Hi != tt.kernel.maxError {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestIntersect(t *testing.T) {
	ms := time.Millisecond
	v := func(lo, hi int) vote { return vote{lo: time.Duration(lo) * ms, hi: time.Duration(hi) * ms} }
	for _, tt := range []struct {
		name   string
		votes  []vote
		lo, hi int
		agree  int
	}{
		{"all agree", []vote{v(-10, 10), v(-5, 20), v(0, 8)}, 0, 8, 3},
		{"one lies", []vote{v(-10, 10), v(-5, 20), v(5000, 5010)}, -5, 10, 2},
		{"all differ", []vote{v(0, 1), v(10, 11), v(20, 21)}, 0, 1, 1},
		{"they touch", []vote{v(0, 10), v(10, 20)}, 10, 10, 2},
		{"one is silent", []vote{v(0, 10), {err: errors.New("silent")}, v(5, 20)}, 5, 10, 2},
		{"none", []vote{{err: errors.New("silent")}}, 0, 0, 0},
	} {
		lo, hi, agree := intersect(tt.votes)
		if lo != time.Duration(tt.lo)*ms || hi != time.Duration(tt.hi)*ms || agree != tt.agree {
			t.Errorf("%s: %v..%v by %d", tt.name, lo, hi, agree)
		}
	}
}

// TestTheTruthIsInTheInterval simulates hosts whose clock is off by anything,
// asked over paths that are as uneven as they like: the true offset never leaves
// the interval, and five further questions narrow it to the round trip.
func TestTheTruthIsInTheInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 7))
	epoch := time.Unix(1_800_000_000, 0)
	const rtt = 80 * time.Millisecond
	worst := time.Duration(0)
	for range 4000 {
		offset := time.Duration(random.Int64N(int64(20*time.Second))) - 10*time.Second
		at := time.Duration(random.Int64N(int64(time.Second)))
		ask := func() reading {
			there := time.Duration(random.Int64N(int64(rtt)))
			look := epoch.Add(at + there + offset)
			sent := instant{wall: epoch.Add(at), mono: epoch.Add(at)}
			at += rtt
			received := instant{wall: epoch.Add(at), mono: epoch.Add(at)}
			return read(look.Truncate(time.Second), time.Second, sent, received)
		}
		tr := tracker{fresh: true}
		for n := range 6 {
			if n > 0 {
				_, best := tr.next(instant{wall: epoch.Add(at), mono: epoch.Add(at)})
				at += best
			}
			tr.add(ask())
			lo, hi, age := tr.interval()
			if age == 0 && (offset < lo || offset > hi) || offset < lo {
				t.Fatalf("offset %v is not in %v..%v after %d answers", offset, lo, hi, n+1)
			}
			if tr.cached {
				t.Fatalf("offset %v: a fresh source is called cached after %d answers", offset, n+1)
			}
			if n == 5 {
				worst = max(worst, hi-lo)
			}
		}
	}
	if worst > rtt+150*time.Millisecond {
		t.Errorf("width %v after six answers over an RTT of %v", worst, rtt)
	}
}

func TestOldAnswersProveNoLateness(t *testing.T) {
	s := time.Second
	for _, tt := range []struct {
		name           string
		lo, hi, age    time.Duration
		wantLo, wantHi float64
	}{
		{"fresh and late", -8 * s, -7 * s, 0, -8, -7},
		{"may be old and looks late", -8 * s, -7 * s, unbounded, -8, 0},
		{"may be old and looks right", -s, s / 2, unbounded, -1, 0.5},
		{"may be old and is ahead all the same", 7 * s, 8 * s, unbounded, 7, 8},
		{"old by half a minute at most, and two late", -121 * s, -120 * s, maxAge, -121, -89},
	} {
		lo, hi := Result{Lo: tt.lo, Hi: tt.hi, Age: tt.age}.bounds()
		if math.Abs(lo-tt.wantLo) > 1e-9 || math.Abs(hi-tt.wantHi) > 1e-9 {
			t.Errorf("%s: %v..%v, want %v..%v", tt.name, lo, hi, tt.wantLo, tt.wantHi)
		}
	}
}

func TestDateAndTime(t *testing.T) {
	at := func(b ...byte) []byte { return b }
	for _, tt := range []struct {
		name string
		b    []byte
		zone string
		want string
	}{
		{"UTC", at(0x07, 0xEA, 11, 23, 0, 2, 28, 0, '+', 0, 0), "", "2026-11-23T00:02:28Z"},
		{"ahead of UTC", at(0x07, 0xEA, 11, 23, 14, 2, 28, 5, '+', 14, 0), "", "2026-11-23T00:02:28.5Z"},
		{"behind UTC by 3:30", at(0x07, 0xEA, 11, 22, 20, 32, 28, 0, '-', 3, 30), "", "2026-11-23T00:02:28Z"},
		{"behind UTC by 12", at(0x07, 0xEA, 11, 22, 12, 2, 28, 0, '-', 12, 0), "", "2026-11-23T00:02:28Z"},
		{"no zone, none known", at(0x07, 0xEA, 11, 23, 0, 2, 28, 0), "", "local time without its zone"},
		{"no zone, but known", at(0x07, 0xEA, 11, 23, 5, 32, 28, 0), "+05:30", "2026-11-23T00:02:28Z"},
		{"a leap second", at(0x07, 0xE0, 12, 31, 23, 59, 60, 0, '+', 0, 0), "", "2017-01-01T00:00:00Z"},
		{"13 hours behind is nowhere", at(0x07, 0xEA, 11, 22, 12, 2, 28, 0, '-', 13, 0), "", "is no distance from UTC"},
		{"the 31st of February", at(0x07, 0xEA, 2, 31, 12, 2, 28, 0, '-', 1, 0), "", "is no date"},
		{"25 o'clock", at(0x07, 0xEA, 2, 1, 25, 2, 28, 0, '-', 1, 0), "", "is no time of day"},
		{"9 octets", at(0x07, 0xEA, 2, 1, 25, 2, 28, 0, '-'), "", "a DateAndTime has 8 or 11 octets, not 9"},
	} {
		var z Zone
		if tt.zone != "" {
			if err := z.UnmarshalText([]byte(tt.zone)); err != nil {
				t.Fatal(err)
			}
		}
		got, _, err := dateAndTime(tt.b, z)
		text := got.UTC().Format(time.RFC3339Nano)
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		v    gosnmp.SnmpPDU
		want string
	}{
		{"INTEGER", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: 1795392148}, "2026-11-23T00:02:28Z 1s"},
		{"Gauge32", gosnmp.SnmpPDU{Type: gosnmp.Gauge32, Value: uint(1795392148)}, "2026-11-23T00:02:28Z 1s"},
		{"Counter64", gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: uint64(1795392148)}, "2026-11-23T00:02:28Z 1s"},
		{"STRING", gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: []byte("1795392148\n")}, "2026-11-23T00:02:28Z 1s"},
		{"STRING with a fraction", gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: []byte("1795392148.25")}, "2026-11-23T00:02:28.25Z 10ms"},
		{"milliseconds", gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: uint64(1795392148000)}, "not a time in seconds since 1970"},
		{"negative", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: -1}, "not a time in seconds since 1970"},
		{"an uptime", gosnmp.SnmpPDU{Type: gosnmp.TimeTicks, Value: uint32(1795392148)}, "a value of type TimeTicks is no time"},
		{"a word", gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: []byte("noon")}, "a DateAndTime has 8 or 11 octets, not 4"},
		{"a float", gosnmp.SnmpPDU{Type: gosnmp.OpaqueFloat, Value: float32(1)}, "is no time"},
	} {
		got, resolution, err := hostTime(tt.v, Zone{})
		text := got.UTC().Format(time.RFC3339Nano) + " " + resolution.String()
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	var r Reference
	for text, want := range map[string]string{"auto": "auto", "none": "none", "a,b,c": "a,b,c", "a, b ,c,d": "a,b,c,d"} {
		if err := r.UnmarshalText([]byte(text)); err != nil || r.String() != want {
			t.Errorf("%q is %q (%v)", text, r, err)
		}
	}
	for text, want := range map[string]string{"a,b": "at least 3 NTP servers", "a,b,a": "has one vote", "a,,b": "is empty", "": "is empty"} {
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	var o OID
	for _, bad := range []string{"", "1", "1.a", "1..2", "-1.2", "1.2 3", "1.+2", "1.99999999999"} {
		if err := o.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("OID %q is %q", bad, o)
		}
	}
}

// TestTheHostsSilence asks hosts that misbehave.
func TestTheHostsSilence(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(question []byte) []byte // nil = none
		want   string
	}{
		{"silent", func([]byte) []byte { return nil }, "no answer within 0.50 s to 3 tries"},
		{"garbage", func([]byte) []byte { return []byte("\x30\x82garbage") }, "garbled answer"},
		{"an echo", func(q []byte) []byte { return q }, "garbled answer"},
		{"cut", func(q []byte) []byte { return q[:len(q)/2] }, "garbled answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() {
				b := make([]byte, 2048)
				for {
					n, from, err := conn.ReadFrom(b)
					if err != nil {
						return
					}
					if a := tt.answer(b[:n]); a != nil {
						_, _ = conn.WriteTo(a, from)
					}
				}
			}()
			c := Default()
			c.Port, c.Reference = port(t, conn.LocalAddr().String()), Reference{none: true}
			o := run(t, c, "127.0.0.1", time.Second)
			if o.Status.String() != "UNKNOWN" || !strings.Contains(o.Summary, tt.want) {
				t.Errorf("%v %q, want %q", o.Status, o.Summary, tt.want)
			}
		})
	}
}

func FuzzDateAndTime(f *testing.F) {
	f.Add([]byte{0x07, 0xEA, 11, 23, 0, 2, 28, 0, '+', 0, 0})
	f.Add([]byte{0x07, 0xEA, 11, 23, 0, 2, 28, 0})
	f.Add([]byte("1795392148.25"))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, resolution, err := hostTime(gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: b}, Zone{})
		if err == nil && (resolution <= 0 || resolution > time.Second || at.IsZero()) {
			t.Errorf("% X is %v, known to %v", b, at, resolution)
		}
	})
}
