package ping

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/burst"
	"milepost/lib/check"
	"milepost/lib/echo"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// watching is a stream of a host that is told what happens, and of rounds of so many
// packets.
type watching struct {
	*flow
	streams *Streams
	config  Config
	seq     int
	now     time.Time
}

func newWatching(name string, s *Streams, c Config) *watching {
	w := &watching{streams: s, config: c, now: time.Now()}
	w.config.Streams = s
	s.heard = func(netip.Addr) time.Time { return w.now }
	t := target()
	t.Name = name
	w.flow = s.flow(t, w.config)
	w.hold(w.config)
	return w
}

// play has packets sent and fare as the letters say: "." is answered after 80 ms, "x"
// never. After the last, its time goes by.
func (w *watching) play(pattern string) {
	for _, what := range pattern {
		w.hear(echo.Event{Seq: w.seq, At: w.now}, w.life)
		if what == '.' {
			w.hear(echo.Event{Seq: w.seq, At: w.now.Add(80 * time.Millisecond), From: host}, w.life)
		}
		w.seq++
		w.now = w.now.Add(w.config.Spacing)
	}
	w.now = w.now.Add(2 * time.Second)
}

// judge is the verdict on what happened since it was asked last.
func (w *watching) judge() verdict.Verdict {
	t := target()
	t.Name = w.host
	for r, err := range Measure(context.Background(), t, w.config) {
		v := verdict.Judge(r.Report(), w.config.Limits())
		if err != nil {
			v = verdict.Broken(v, verdict.Failed(err))
		}
		return v
	}
	panic("nothing was measured")
}

// The stream's verdict on a round is the plugin's on the same packets; what the
// stream sees beyond them can only make it worse.
func TestTheStreamJudgesAsThePluginDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for i := range 300 {
		pattern, loss := "", random.Float64()*random.Float64()
		for range 20 {
			if random.Float64() < loss {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		synctest.Test(t, func(t *testing.T) {
			c := Default()
			if i%2 == 0 {
				c.Baseline = Percent{2, true}
			}
			c.begin = path(pattern)
			var last Result
			for r := range Measure(t.Context(), target(), c) {
				last = r
			}
			plugin := verdict.Judge(last.Report(), c.Limits())
			w := newWatching("fra-1", &Streams{Interval: 20 * c.Spacing}, c)
			w.play(pattern)
			stream := w.judge()
			if stream.Status != plugin.Status && !(stream.Status.Worse(plugin.Status) && w.watch.State() != burst.Usual) {
				t.Errorf("%s: the plugin says %v %q, the stream %v %q", pattern, plugin.Status, plugin.Summary, stream.Status, stream.Summary)
			}
		})
	}
}

func TestStreamVerdicts(t *testing.T) {
	good := strings.Repeat(".", 60)
	for _, tt := range []struct {
		name   string
		rounds []string
		want   string // of the last
	}{
		{"well", []string{good, good}, "OK 0/60 lost (0 %, 95 % CI 0-6 %), baseline 2 %, p=1"},
		{"only what is new counts", []string{good, strings.Repeat("x", 10)}, "CRITICAL no packet came back; the latest 10 packets are lost; 10/10 lost (100 %, 95 % CI 72-100 %), baseline 2 %, p<0.0001"},
		{"but a few at least", []string{good, "x"}, "OK 1/4 lost"},
		{"dead in the middle of a round", []string{strings.Repeat(".", 44) + strings.Repeat("x", 16)}, "CRITICAL the latest 16 packets are lost; 16/60 lost (27 %"},
		{"more than usual, round after round, though no round says so", []string{
			strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4),
			strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4), strings.Repeat("....x.........", 4),
		}, "WARNING loss has risen above what is usual; 4/56 lost (7.1 %, 95 % CI 3-17 %), baseline 2 %, p=0.027"},
	} {
		c := Default()
		c.Spacing, c.Baseline = time.Second, Percent{2, true}
		w := newWatching("fra-1", &Streams{Interval: time.Minute}, c)
		var v verdict.Verdict
		for _, pattern := range tt.rounds {
			w.play(pattern)
			v = w.judge()
		}
		if got := v.Status.String() + " " + v.Summary; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// When many hosts lose packets at once it is one fault, and this monitor's.
func TestACommonCause(t *testing.T) {
	s := &Streams{Interval: time.Minute}
	c := Default()
	c.Spacing, c.Baseline = time.Second, Percent{2, true}
	var all []*watching
	for i := range 10 {
		all = append(all, newWatching(fmt.Sprint("host-", i), s, c))
	}
	for i, w := range all {
		w.play(strings.Repeat(".", 20))
		if i < 4 {
			w.play("xxxxxxxx")
		}
	}
	now := time.Now()
	s.heard = func(netip.Addr) time.Time { return now.Add(time.Hour) }
	s.lookForCause()
	if got := s.Common(); !strings.HasPrefix(got, "4 of 10 hosts lose packets since the same minute: ") {
		t.Errorf("the common cause is %q", got)
	}
	v := all[0].judge()
	want := "UNKNOWN 4 of 10 hosts lose packets since the same minute: this monitor's own path is at fault, or one that they share; "
	if got := v.Status.String() + " " + v.Summary; !strings.HasPrefix(got, want) || v.Fault != metric.FaultMonitor {
		t.Errorf("%q of %q, want %q", got, v.Fault, want)
	}
	if v := all[9].judge(); v.Status != verdict.OK {
		t.Errorf("a host that answers is %v %q", v.Status, v.Summary)
	}
	before := all[0].record
	all[0].play("....")
	if all[0].record != before {
		t.Error("learnt from a common cause")
	}
}

func TestCommon(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name             string
		all, bad, fresh  int
		again            int // bad, half a minute later
		andAgain         int // two minutes after that
		is, still, later bool
	}{
		{"three of ten", 10, 3, 3, 3, 0, true, true, false},
		{"two of four are too few", 4, 2, 2, 2, 0, false, false, false},
		{"29 of 100", 100, 29, 29, 29, 29, false, false, false},
		{"all, for long", 100, 100, 100, 100, 100, true, true, true},
		{"they have been bad for long, one by one", 10, 9, 1, 9, 9, false, false, false},
		{"over", 10, 10, 10, 0, 0, true, true, false},
	} {
		var c common
		c.next(now, tt.all, tt.bad, tt.fresh, time.Minute)
		is := c.is()
		c.next(now.Add(30*time.Second), tt.all, tt.again, 0, time.Minute)
		still := c.is()
		c.next(now.Add(150*time.Second), tt.all, tt.andAgain, 0, time.Minute)
		if is != tt.is || still != tt.still || c.is() != tt.later {
			t.Errorf("%s: %v, %v, %v", tt.name, is, still, c.is())
		}
	}
}

// When nothing comes back from anywhere for an hour, it is this monitor's fault for an
// hour, no host's: nothing is learnt of it, no memory is used up, and then all is well.
func TestAnHourOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Streams{Interval: time.Minute}
		c := Default()
		c.Spacing = time.Second
		var all []*watching
		for i := range 10 {
			all = append(all, newWatching(fmt.Sprint("host-", i), s, c))
		}
		now := time.Now()
		s.heard = func(netip.Addr) time.Time { return now }
		minute := func(pattern string) {
			for _, w := range all {
				w.now = now
				w.play(strings.Repeat(pattern, 60))
			}
			time.Sleep(time.Minute)
			now = now.Add(time.Minute)
			s.lookForCause()
		}
		for range 20 {
			minute(".")
		}
		learnt := all[0].record
		for i := range 60 {
			minute("x")
			if v := all[i%10].judge(); v.Status != verdict.Unknown || v.Fault != metric.FaultMonitor {
				t.Fatalf("after %d minutes: %v %q", i+1, v.Status, v.Summary)
			}
		}
		w := all[3]
		if w.record.Repeats > 10 || w.record.Packets() > learnt.Packets()+60 || len(w.ledger.packets) > 2*60+under {
			t.Errorf("it has learnt %+v, and keeps %d packets", w.record, len(w.ledger.packets))
		}
		for range 3 {
			minute(".")
		}
		if v := w.judge(); v.Status != verdict.OK || s.Common() != "" {
			t.Errorf("when all is well again: %v %q", v.Status, v.Summary)
		}
	})
}

func TestWhatAStreamCannotKnowIsNotLost(t *testing.T) {
	c := Default()
	c.Spacing, c.Baseline = time.Second, Percent{2, true}
	w := newWatching("fra-1", &Streams{Interval: time.Minute}, c)
	w.play("....")
	w.ledger.missed = func(time.Time, time.Time) bool { return true }
	w.play("xxxx")
	w.judge()
	if got := w.ledger.totals; got.Lost != 0 || got.Void != 4 {
		t.Errorf("answers that we missed: %+v", got)
	}
	w.ledger.missed = nil
	w.hear(echo.Event{Seq: w.seq, At: w.now, Err: errors.New("no buffer space")}, w.life)
	w.seq++
	if got := w.ledger.totals.Unsent; got != 1 {
		t.Errorf("%d packets could not be sent", got)
	}
	if v := w.judge(); v.Status != verdict.Unknown || !strings.Contains(v.Summary, `pinging "192.0.2.1": sending: no buffer space`) {
		t.Errorf("a packet that could not be sent: %v %q", v.Status, v.Summary)
	}
	w.hear(echo.Event{Seq: w.seq, At: w.now}, w.life)
	w.move(netip.MustParseAddr("192.0.2.7"))
	w.now = w.now.Add(time.Minute)
	w.judge()
	if got := w.ledger.totals; got.Lost != 0 {
		t.Errorf("a packet to an address that is no more the host's: %+v", got)
	}
}

// What this machine dropped is told, and where most of a round was, all is not well.
func TestARoundOfDroppedAnswers(t *testing.T) {
	const dropped = `UNKNOWN pinging "192.0.2.1": this machine dropped answers before they could be read: %d of the latest 60: it is too busy, or net.core.rmem_max too small`
	for _, tt := range []struct {
		name, known, missed string
		want                string
	}{
		{"a few of them", strings.Repeat(".", 57), "xxx", "OK 0/57 lost (0 %, 95 % CI 0-6.3 %), baseline 2 %, p=1, 3 more not known: this machine dropped answers"},
		{"half of them", strings.Repeat(".", 30), strings.Repeat("x", 30), "OK 0/30 lost (0 %, 95 % CI 0-11 %), baseline 2 %, p=1, 30 more not known: this machine dropped answers"},
		{"most of them", strings.Repeat(".", 29), strings.Repeat("x", 31), fmt.Sprintf(dropped, 31)},
		{"most of them, and the others were lost", strings.Repeat("x", 20), strings.Repeat("x", 40), "CRITICAL no packet came back; the latest 20 packets are lost; "},
		{"nearly all of them", "...", strings.Repeat("x", 57), fmt.Sprintf(dropped, 57)},
		{"nearly all of them, and the others were lost", "xxx", strings.Repeat("x", 57), fmt.Sprintf(dropped, 57)},
		{"all of them", "", strings.Repeat("x", 60), fmt.Sprintf(dropped, 60)},
	} {
		c := Default()
		c.Spacing, c.Baseline = time.Second, Percent{2, true}
		w := newWatching("fra-1", &Streams{Interval: time.Minute}, c)
		w.play(strings.Repeat(".", 60))
		w.judge()
		w.play(tt.known)
		w.settleAll()
		w.ledger.missed = func(time.Time, time.Time) bool { return true }
		w.play(tt.missed)
		v := w.judge()
		if got := v.Status.String() + " " + v.Summary; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// However often it is looked, out of turn or late, who keeps what is new sees each packet
// once.
func TestEachPacketIsNewOnce(t *testing.T) {
	sent, answered := 0, 0
	s := &Streams{Interval: time.Minute, Looked: func(_ string, r Result) {
		n, rtts := r.New()
		sent, answered = sent+n, answered+len(rtts)
	}}
	c := Default()
	c.Spacing = time.Second
	w := newWatching("fra-1", s, c)
	for _, pattern := range []string{"....", ".", "x", "", strings.Repeat(".", 60), ".", strings.Repeat("..x", 22), "x"} {
		w.play(pattern)
		w.judge()
	}
	if got := w.ledger.totals; sent != int(got.Received+got.Lost) || answered != int(got.Received) {
		t.Errorf("%d packets and %d answers were new, of %+v", sent, answered, got)
	}
}

// A round that begins before a host's first packets are known waits for them.
func TestTheFirstRoundWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.Streams = &Streams{Interval: time.Minute}
		bound, err := check.Define("packet_loss", Default, Measure).Bind(&c, target())
		if err != nil {
			t.Fatal(err)
		}
		bound.Timeout = 10 * time.Second
		want := `timed out after 10s while pinging "192.0.2.1": its first packets are still out`
		if o := bound.Run(t.Context()); o.Summary != want || o.Status != verdict.Unknown {
			t.Errorf("%v %q, want %q", o.Status, o.Summary, want)
		}
	})
}

// Who looked too early is told, once, when there is something to be seen.
func TestALookThatCameTooEarly(t *testing.T) {
	for _, tt := range []struct {
		name  string
		early func(*watching) // the look that found nothing
		then  string          // packets
		ready int             // how often it was told
	}{
		{"the time was up", (*watching).interrupted, "....", 1},
		{"nothing came back", (*watching).interrupted, "xxxxx", 1},
		{"not enough yet", (*watching).interrupted, "...", 0},
		{"told once", (*watching).interrupted, "............", 1},
		{"there was no way out", (*watching).barred, "....", 1},
		{"nobody looked", func(*watching) {}, "....", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ready := 0
				s := &Streams{Interval: time.Minute, Ready: func(string) { ready++ }}
				c := Default()
				c.Spacing = time.Second
				w := newWatching("fra-1", s, c)
				tt.early(w)
				w.play(tt.then)
				if ready != tt.ready {
					t.Errorf("told %d times, want %d", ready, tt.ready)
				}
			})
		})
	}
}

// interrupted is a look whose time is up before anything came back.
func (w *watching) interrupted() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t := target()
	t.Name = w.host
	for range Measure(ctx, t, w.config) {
	}
}

// barred is a look while nothing can be sent.
func (w *watching) barred() {
	w.hear(echo.Event{Seq: w.seq, At: w.now, Err: syscall.ENETUNREACH}, w.life)
	w.judge()
}

func TestStreamSamples(t *testing.T) {
	s := &Streams{Interval: time.Minute}
	c := Default()
	c.Spacing, c.Baseline = time.Second, Percent{2, true}
	w := newWatching("fra-1", s, c)
	w.play("..x.")
	var got []string
	for sample := range s.Samples() {
		got = append(got, fmt.Sprintf("%s%v %.4g", sample.Metric, sample.Labels, sample.Base()))
	}
	want := "ping_socket_dropped_total[] 0, ping_common_cause[] 0, ping_sent_total[host fra-1] 4, ping_received_total[host fra-1] 3, " +
		"ping_lost_total[host fra-1] 1, ping_late_total[host fra-1] 0, ping_duplicates_total[host fra-1] 0, ping_strays_total[host fra-1] 0, " +
		"ping_void_total[host fra-1] 0, ping_baseline_loss_ratio[host fra-1] 0.02, ping_loss_score[host fra-1] 1.899, ping_loss_state[host fra-1] 0"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
	for h := range s.Histograms() {
		if got := fmt.Sprintf("%s%v %d %.2f %v %d", h.Metric, h.Labels, h.Count, h.Sum, h.Buckets, h.Classic[11].Count); got != "ping_rtt_seconds[host fra-1] 3 0.24 [{-29 3}] 3" {
			t.Error(got)
		}
	}
}

func TestDistribution(t *testing.T) {
	var d distribution
	for _, rtt := range []time.Duration{1, 50 * time.Nanosecond, time.Millisecond, time.Millisecond, 80 * time.Millisecond, time.Minute} {
		d.add(rtt)
	}
	var h metric.Histogram
	d.into(&h)
	sum := h.Zero
	for i, b := range h.Buckets {
		sum += b.Count
		if i > 0 && b.Key <= h.Buckets[i-1].Key {
			t.Errorf("%v do not ascend", h.Buckets)
		}
	}
	if h.Zero != 2 || sum != h.Count || h.Count != 6 || h.Classic[len(h.Classic)-1].Count != 5 {
		t.Errorf("%+v", h)
	}
}
