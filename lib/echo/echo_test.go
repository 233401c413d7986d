package echo

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func TestASealIsOnlyItsOwn(t *testing.T) {
	s, other := newSeal(), newSeal()
	var b [sealSize]byte
	for _, n := range []number{{}, {1, 2}, {1<<32 - 1, 1<<32 - 1}} {
		s.write(b[:], n)
		if got, ok := s.read(b[:]); !ok || got != n {
			t.Errorf("%v reads as %v, %v", n, got, ok)
		}
		if _, ok := other.read(b[:]); ok {
			t.Errorf("%v was read with another key", n)
		}
		for i := range b {
			b[i] ^= 1
			if got, ok := s.read(b[:]); ok {
				t.Errorf("%v with byte %d changed reads as %v", n, i, got)
			}
			b[i] ^= 1
		}
		if _, ok := s.read(b[:sealSize-1]); ok {
			t.Errorf("%v was read from too few bytes", n)
		}
	}
}

func TestArrival(t *testing.T) {
	before := time.Now()
	now := before.Add(100 * time.Millisecond)
	wall := func(at time.Time) time.Time { return at.Round(0) }
	step := func(at time.Time, by time.Duration) time.Time { // whose wall clock was set
		set := at.Round(0).Add(by)
		return set.Add(0)
	}
	for _, tt := range []struct {
		name  string
		stamp time.Time
		want  time.Duration // after before
	}{
		{"in between", wall(before.Add(40 * time.Millisecond)), 40 * time.Millisecond},
		{"at once", wall(before), 0},
		{"just now", wall(now), 100 * time.Millisecond},
		{"a little before it could be read", wall(before.Add(-time.Millisecond)), -time.Millisecond},
		{"long ago: the clock was set", step(before, -time.Hour), 100 * time.Millisecond},
		{"in the future: the clock was set", step(now, time.Hour), 100 * time.Millisecond},
	} {
		if got := arrival(tt.stamp, before, now).Sub(before); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestChecksum(t *testing.T) {
	// The example of RFC 1071, section 3.
	if got := checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("%#x", got)
	}
}

func TestShake(t *testing.T) {
	least, most := time.Hour, -time.Hour
	for range 1000 {
		d := shake(time.Second)
		least, most = min(least, d), max(most, d)
	}
	if least < -100*time.Millisecond || least > -80*time.Millisecond || most > 100*time.Millisecond || most < 80*time.Millisecond {
		t.Errorf("between %v and %v", least, most)
	}
	shake(0) // of nothing is nothing
}

// Whatever a peer sends is read without a word, and is nobody's answer.
func FuzzReply(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 20}, []byte{}, true)
	f.Add(make([]byte, size), make([]byte, 64), false)
	f.Fuzz(func(t *testing.T, message, control []byte, raw bool) {
		for _, v6 := range []bool{false, true} {
			s := &socket{raw: raw, v6: v6, seal: newSeal(), request: make([]byte, size)}
			if n, ok := s.reply(message); ok {
				t.Errorf("%x is an answer to %v", message, n)
			}
			s.read(control)
		}
	})
}

// However the targets come and go, each is asked once a spacing.
func TestStreamPlans(t *testing.T) {
	var s Stream
	random := rand.New(rand.NewPCG(1, 2))
	var targets []*Target
	for i := range 50 {
		a := netip.AddrFrom4([4]byte{127, 0, 0, byte(i % 7)})
		targets = append(targets, s.Add(a, time.Second, nil))
	}
	for i := range 20 {
		s.Remove(targets[i])
		s.Remove(targets[i]) // once is enough
	}
	s.Move(targets[30], netip.MustParseAddr("127.0.0.99"))
	now, asked := time.Now(), map[uint32]int{}
	for range 1000 {
		now = now.Add(time.Duration(random.IntN(20)) * time.Millisecond)
		for _, r := range s.dueNow(now) {
			if int(r.packet) != asked[r.number] {
				t.Fatalf("packet %d after %d", r.packet, asked[r.number])
			}
			asked[r.number]++
		}
	}
	if len(asked) != 30 || s.rate < 29.99 || s.rate > 30.01 || len(s.at) != 8 {
		t.Errorf("%d targets at %d addresses were asked, %v times a second", len(asked), len(s.at), s.rate)
	}
	for number, n := range asked {
		if n < 8 || n > 12 {
			t.Errorf("target %d was asked %d times in about 10 s", number, n)
		}
	}
	now = now.Add(time.Hour) // nobody ran for long: what was missed is not made up for
	for range 3 {
		s.dueNow(now)
	}
	if n := len(s.dueNow(now)); n != 0 {
		t.Errorf("%d requests more at once", n)
	}
}

// Hosts that are added at once are not asked at once, and not in step: each begins
// anywhere within its spacing, and then every request is up to a tenth of it early or
// late.
func TestStreamIsOutOfStep(t *testing.T) {
	var s Stream
	began := time.Now()
	quarters := [4]int{}
	first := map[uint32]time.Time{}
	for i := range 4000 {
		a := s.Add(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}), time.Second, nil)
		first[a.number] = a.next
		after := a.next.Sub(began)
		quarters[min(max(int(after/(250*time.Millisecond)), 0), 3)]++
		if after > 2*time.Second {
			t.Errorf("the first request goes out after %v", after)
		}
	}
	for i, n := range quarters {
		if n < 700 || n > 1400 { // of 1000; adding takes some time as well
			t.Errorf("%d begin in quarter %d", n, i+1)
		}
	}
	least, most := time.Hour, time.Duration(0)
	for now := began; now.Before(began.Add(3 * time.Second)); now = now.Add(5 * time.Millisecond) {
		for _, r := range s.dueNow(now) {
			if r.packet > 0 {
				continue
			}
			gap := r.next.Sub(first[r.number])
			least, most = min(least, gap), max(most, gap)
		}
	}
	if least < 900*time.Millisecond || least > 920*time.Millisecond || most > 1100*time.Millisecond || most < 1080*time.Millisecond {
		t.Errorf("requests follow each other after %v to %v", least, most)
	}
}

// However many are due, no more than mostATurn go out in a turn, and a turn takes its
// time: a burst would be lost on the way, and its answers here.
func TestStreamIsPaced(t *testing.T) {
	var s Stream
	for i := range 10_000 {
		s.Add(netip.AddrFrom4([4]byte{127, 0, byte(i >> 8), byte(i)}), time.Second, nil)
	}
	late := time.Now().Add(time.Minute) // nobody ran: all are due
	sent := 0
	for range 10_000 / mostATurn {
		n := len(s.dueNow(late))
		if sent += n; n > mostATurn {
			t.Fatalf("%d requests in a turn", n)
		}
		if rest := s.rest(); rest < shortest {
			t.Fatalf("it rests %v", rest)
		}
	}
	if sent != 10_000 {
		t.Errorf("%d requests of 10,000", sent)
	}
	var few Stream
	few.Add(netip.MustParseAddr("127.0.0.1"), time.Second, nil)
	if rest := few.rest(); rest > time.Second {
		t.Errorf("for one host it rests %v", rest)
	}
	var none Stream
	if rest := none.rest(); rest != idle {
		t.Errorf("for no host it rests %v", rest)
	}
}

// Half a number is enough where a router quotes no more, and two hosts at one
// address are told apart by it.
func TestWhose(t *testing.T) {
	var s Stream
	to := netip.MustParseAddr("127.0.0.1")
	a, b := s.Add(to, time.Second, nil), s.Add(to, time.Second, nil)
	a.packets, b.packets = 70_000, 1000
	for _, tt := range []struct {
		name string
		a    answer
		want *Target
		seq  int
	}{
		{"sealed", answer{number: number{b.number, 3}, sealed: true}, b, 3},
		{"of a target that is gone", answer{number: number{99, 3}, sealed: true}, nil, 0},
		{"half, of the one", answer{to: to, number: number{packet: 69_990 & 0xffff}}, a, 69_990},
		{"half, of the other", answer{to: to, number: number{packet: 990}}, b, 990},
		{"half, and of none", answer{to: to, number: number{packet: 2000}}, nil, 0},
		{"of another address", answer{to: netip.MustParseAddr("127.0.0.2"), number: number{packet: 990}}, nil, 0},
	} {
		if got, _, seq := s.whose(tt.a); got != tt.want || seq != tt.seq {
			t.Errorf("%s: %v, %d", tt.name, got, seq)
		}
	}
}
