package ping

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"milepost/lib/echo"
)

// A Result is what is known of a round so far, or of a stream's latest packets.
type Result struct {
	Doing    string   // pinging "fra-1" (192.0.2.1)
	Stream   *Stream  // what else is known of a stream; nil = it is a round
	Packets  []Packet // the settled ones, as they were sent
	Fresh    []Packet // of a stream: those that were not seen at the look before; each is seen once
	Missed   int      // of a stream: packets beside these whose answers this machine may have dropped
	Left     int      // packets that are still to be settled, sent or not
	CutShort int      // packets that were given up because ctx ended
	Totals   Totals
	Stray    netip.Addr // who sent the latest stray
	Refusal  refusal
	Usual    Usual
	Plan     echo.Plan
	Fitted   time.Duration // the time that a longer plan was fitted into; 0 = it was as wanted
	Took     time.Duration
}

// A Packet is what became of one.
type Packet struct {
	Lost    bool
	Late    bool          // lost, and answered afterwards
	Refused bool          // an ICMP error came back
	RTT     time.Duration // of an answered or late one

	before bool // it went to an address that the host had before
}

// Totals are counts since the beginning. Received and Lost are settled packets,
// so what is sent and neither is still waited for, or Void.
type Totals struct {
	Sent, Received, Lost, Late, Duplicates, Strays uint64
	Void                                           uint64 // of which this monitor cannot know
	Unsent                                         uint64 // that could not be sent
}

// New is how many of a stream's packets were not seen at the look before, and the round
// trips of those that were answered.
func (r Result) New() (sent int, rtts []time.Duration) { return len(r.Fresh), roundTrips(r.Fresh) }

// RoundTrips are those of the answered packets, as they were sent.
func (r Result) RoundTrips() []time.Duration { return roundTrips(r.Packets) }

func roundTrips(packets []Packet) []time.Duration {
	rtts := make([]time.Duration, 0, len(packets))
	for _, p := range packets {
		if !p.Lost {
			rtts = append(rtts, p.RTT)
		}
	}
	return rtts
}

// Latest are the round trips to where the host is now, and where that is.
func (r Result) Latest() (to netip.Addr, rtts []time.Duration) {
	for _, p := range r.Packets {
		if !p.Lost && !p.before {
			rtts = append(rtts, p.RTT)
		}
	}
	return r.Plan.To, rtts
}

// median is the upper median of sorted round trips in seconds, and between what
// it can come to lie when up to left more are known. NaN of none.
func median(sorted []time.Duration, left int) (value, lo, hi float64) {
	n := len(sorted)
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	value = sorted[n/2].Seconds()
	hi = mostWait.Seconds() // an answer after that is none
	if i := (n - left) / 2; i >= 0 && left <= n {
		lo = sorted[i].Seconds()
	}
	if i := (n + left) / 2; i < n {
		hi = sorted[i].Seconds()
	}
	return value, lo, hi
}

// jitter is the mean change from one round trip to the next in seconds (the
// mean of RFC 3393's delay variation without its sign). NaN of fewer than two.
func jitter(rtts []time.Duration) float64 {
	if len(rtts) < 2 {
		return math.NaN()
	}
	var sum time.Duration
	for i := range rtts[1:] {
		sum += (rtts[i+1] - rtts[i]).Abs()
	}
	return sum.Seconds() / float64(len(rtts)-1)
}

// extremes are the least and the most in seconds; NaN of none.
func extremes(rtts []time.Duration) (least, most float64) {
	if len(rtts) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(rtts).Seconds(), slices.Max(rtts).Seconds()
}
