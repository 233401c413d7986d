package echo

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/sys/unix"

	"milepost/lib/crew"
	"milepost/lib/peers"
)

var loopbacks = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}

// permitted is that this process may ping.
func permitted(t *testing.T) {
	t.Helper()
	if _, err := Permission(); err != nil {
		peers.Missing(t, err.Error())
	}
}

func TestRealRound(t *testing.T) {
	permitted(t)
	for _, to := range loopbacks {
		r, err := Begin(Plan{To: to, Count: 10, Spacing: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		var sent, answered int
		at := map[int]time.Time{}
		for answered < 10 {
			events, err := r.Next(t.Context(), time.Now().Add(10*time.Second))
			if err != nil || len(events) == 0 {
				t.Fatalf("%v: %d sent, %d answered, then %v", to, sent, answered, err)
			}
			for _, e := range events {
				switch {
				case e.Err != nil || e.Refusal != "":
					t.Fatalf("%+v", e)
				case e.From.IsValid():
					answered++
					if rtt := e.At.Sub(at[e.Seq]); e.From != to || rtt < 0 || rtt > time.Second {
						t.Errorf("%+v after %v", e, rtt)
					}
				default:
					sent++
					at[e.Seq] = e.At
				}
			}
		}
		if sent != 10 {
			t.Errorf("%v: %d sent", to, sent)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if events, err := r.Next(ctx, time.Now().Add(time.Hour)); len(events) > 0 || err != nil {
			t.Errorf("after the end: %v, %v", events, err)
		}
		r.Close()
	}
}

// The library that many others ping with finds the same round trips.
func TestRealRoundTripsAreThoseOfAnother(t *testing.T) {
	permitted(t)
	other, err := probing.NewPinger("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	other.SetPrivileged(true)
	other.Count, other.Interval, other.Timeout = 20, 5*time.Millisecond, 10*time.Second
	if err := other.Run(); err != nil {
		peers.Missing(t, err.Error())
	}
	r, err := Begin(Plan{To: loopbacks[0], Count: 20, Spacing: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rtts []time.Duration
	at := map[int]time.Time{}
	for len(rtts) < 20 {
		events, err := r.Next(t.Context(), time.Now().Add(10*time.Second))
		if err != nil || len(events) == 0 {
			t.Fatalf("%d answers, then %v", len(rtts), err)
		}
		for _, e := range events {
			if e.From.IsValid() {
				rtts = append(rtts, e.At.Sub(at[e.Seq]))
			} else {
				at[e.Seq] = e.At
			}
		}
	}
	theirs := other.Statistics()
	slices.Sort(rtts)
	if theirs.PacketsRecv != 20 || (rtts[10]-theirs.AvgRtt).Abs() > 5*time.Millisecond {
		t.Errorf("a median of %v, and theirs is %v of %d", rtts[10], theirs.AvgRtt, theirs.PacketsRecv)
	}
}

// A Stream asks hosts of both families, two of them at one address, hears every one,
// and none that left.
func TestRealStream(t *testing.T) {
	permitted(t)
	var s Stream
	var mu sync.Mutex
	answers := map[int]int{}
	add := func(i int, to netip.Addr) *Target {
		return s.Add(to, 20*time.Millisecond, func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Err != nil || e.Refusal != "" {
				t.Errorf("%+v", e)
			}
			if e.From == to {
				answers[i]++
			}
		})
	}
	gone := add(0, loopbacks[0])
	for i, to := range []netip.Addr{loopbacks[0], loopbacks[0], loopbacks[1]} {
		add(i+1, to)
	}
	s.Remove(gone)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	var running crew.Crew
	running.Go(func() { s.Run(ctx) })
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return answers[1] >= 10 && answers[2] >= 10 && answers[3] >= 10
	}
	for tick := time.NewTicker(5 * time.Millisecond); !enough() && ctx.Err() == nil; {
		<-tick.C
	}
	cancel()
	running.Wait()
	if !enough() || answers[0] > 0 || s.Dropped() > 0 || time.Since(s.Heard(loopbacks[0])) > 10*time.Second {
		t.Errorf("%v answers, %d dropped", answers, s.Dropped())
	}
}

// A socket's queue is as long as the system allows, which is more than its default.
func TestRealQueue(t *testing.T) {
	permitted(t)
	for _, to := range loopbacks {
		s, err := open(to.Is6())
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		for _, tt := range []struct {
			option  int
			allowed string
		}{{unix.SO_RCVBUF, "/proc/sys/net/core/rmem_max"}, {unix.SO_SNDBUF, "/proc/sys/net/core/wmem_max"}} {
			text, err := os.ReadFile(tt.allowed)
			if err != nil {
				t.Fatal(err)
			}
			allowed, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.conn.Control(func(fd uintptr) {
				got, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, tt.option)
				if want := 2 * min(queue, allowed); err != nil || got < want { // the kernel doubles it: socket(7)
					t.Errorf("%v: %d bytes, want %d: %v", to, got, want, err)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// When an answer came is the kernel's word, however late it is read.
func TestRealStamps(t *testing.T) {
	permitted(t)
	for _, to := range loopbacks {
		s, err := open(to.Is6())
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		sent, err := s.send(to, number{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.conn.Control(func(fd uintptr) {
			if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000); n != 1 || err != nil {
				t.Errorf("%v: no answer: %v", to, err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		there := time.Now()
		var heard []answer
		if err := s.hear(func(a answer) { heard = append(heard, a) }); err != nil {
			t.Fatal(err)
		}
		if len(heard) != 1 || heard[0].at.After(there) || heard[0].at.Before(sent.Add(-slack)) {
			t.Errorf("%v: it was there %v after it was sent, and is said to have come so: %+v", to, there.Sub(sent), heard)
		}
	}
}

// What our own socket dropped is counted, and the time of it is known.
func TestRealDrops(t *testing.T) {
	permitted(t)
	var s Stream
	for i := range 2 {
		f := &s.families[i]
		var err error
		if f.socket, err = open(i == 1); err != nil {
			t.Fatal(err)
		}
		defer f.close()
		if err := f.conn.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // the least there is
		}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 2 { // that some are dropped is told with the next that is not
			for n := range 50 {
				if _, err := f.socket.send(loopbacks[i], number{1, uint32(n)}); err != nil {
					t.Fatal(err)
				}
			}
			s.hear()
		}
		if f.dropped == 0 || !s.Overlooked(loopbacks[i], began, time.Now()) {
			t.Errorf("%v: %d dropped", loopbacks[i], f.dropped)
		}
		if s.Overlooked(loopbacks[i], began.Add(-time.Hour), began.Add(-time.Minute)) || s.Overlooked(loopbacks[i], time.Now().Add(time.Minute), time.Now().Add(time.Hour)) {
			t.Errorf("%v: before and after too", loopbacks[i])
		}
	}
}

// A round whose answers were dropped says nothing of the path.
func TestRealRoundDrops(t *testing.T) {
	permitted(t)
	r, err := Begin(Plan{To: loopbacks[0], Count: 1, Spacing: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.socket.conn.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // the least there is
	}); err != nil {
		t.Fatal(err)
	}
	for range 3 { // that some are dropped is told with the next that is not
		for n := range 50 {
			if _, err := r.socket.send(loopbacks[0], number{packet: uint32(n)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err = r.Next(t.Context(), time.Now().Add(10*time.Second)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrOverlooked) {
		t.Errorf("%v", err)
	}
}

// An answer that somebody else made up, that was changed on its way, or that is
// longer than the request is nobody's; the true one comes through.
func TestRealForgeries(t *testing.T) {
	permitted(t)
	s, err := open(false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if !s.raw {
		peers.Missing(t, "forging answers takes a raw socket")
	}
	forge := func(change func(b []byte) []byte) {
		b := change(slices.Clone(s.request))
		b[0], b[2], b[3] = echoReply4, 0, 0
		sum := checksum(b)
		b[2], b[3] = byte(sum>>8), byte(sum)
		if err := s.conn.Control(func(fd uintptr) {
			if err := unix.Sendto(int(fd), b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.compose(number{7, 8})
	forge(func(b []byte) []byte { b[headerSize]++; return b })                        // another number
	forge(func(b []byte) []byte { b[size-1]++; return b })                            // other data
	forge(func(b []byte) []byte { return append(b, make([]byte, 1000)...) })          // longer
	forge(func(b []byte) []byte { return append(b, make([]byte, 65_515-len(b))...) }) // as long as can be: 65,535 bytes with its header
	forge(func(b []byte) []byte { return b[:size-2] })                                // shorter
	forge(func(b []byte) []byte { b[4]++; return b })                                 // another's
	forge(func(b []byte) []byte { return b })                                         // the true one
	forge(func(b []byte) []byte { return b })                                         // and again
	var heard []answer
	if err := s.wait(t.Context(), time.Now().Add(5*time.Second), func(a answer) { heard = append(heard, a) }); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 2 || heard[0].number != (number{7, 8}) || heard[1].number != (number{7, 8}) {
		t.Errorf("%+v", heard)
	}
}
