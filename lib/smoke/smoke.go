// Package smoke draws what became of the packets to a host over time, as SmokePing
// taught its users to read it: a line at the median round trip in the colour of the
// loss, and around it smoke, darker where more of the round trips lie.
//
// The picture is an SVG that follows the reader's light or dark mode. What its
// colours say is said again by a bar's height and in words; the numbers are there
// as a table too. What was not measured is left blank.
package smoke

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Round is what became of the packets of a stretch of time.
type Round struct {
	Start      time.Time
	Length     time.Duration
	Sent, Lost int
	RTT        [7]time.Duration // at the quantiles 0, 0.1, 0.25, 0.5, 0.75, 0.9 and 1; all zero if none came back
}

// The places in Round.RTT.
const (
	least  = 0
	low    = 1
	middle = 3
	high   = 5
	most   = 6
)

// end is when the round ended.
func (r Round) end() time.Time { return r.Start.Add(r.Length) }

// silent says that packets went out and none came back.
func (r Round) silent() bool { return r.Sent > 0 && r.Lost >= r.Sent }

// share is the loss, from 0 to 1.
func (r Round) share() float64 { return float64(r.Lost) / float64(r.Sent) }

// A Graph is a picture of one host's rounds.
type Graph struct {
	Host     string
	Span     string // "3 hours"
	From, To time.Time
	Rounds   []Round       // in order; stretches without one were not measured
	Light    time.Duration // what light in fibre takes there and back; 0 = not known
}

// measured are the rounds within the graph in which packets went out.
func (g Graph) measured() []Round {
	var all []Round
	for _, r := range g.Rounds {
		if r.Sent > 0 && r.Length > 0 && r.end().After(g.From) && r.Start.Before(g.To) {
			all = append(all, r)
		}
	}
	return all
}

// A Summary is a graph in numbers.
type Summary struct {
	Sent, Lost        int
	Low, Median, High time.Duration // the median of the rounds' 10 %, median and 90 %; 0 of no answer
	Worst             Round         // the one with the most loss; its Sent is 0 if nothing was lost
	Blank             time.Duration // how long nothing was measured
}

// Summary is g in numbers.
func (g Graph) Summary() Summary {
	s := Summary{Blank: g.To.Sub(g.From)}
	var quantiles [3][]time.Duration
	for _, r := range g.measured() {
		s.Sent += r.Sent
		s.Lost += r.Lost
		s.Blank -= earlier(r.end(), g.To).Sub(later(r.Start, g.From))
		if r.Lost > 0 && (s.Worst.Sent == 0 || r.share() > s.Worst.share()) {
			s.Worst = r
		}
		if !r.silent() {
			for i, q := range [3]int{low, middle, high} {
				quantiles[i] = append(quantiles[i], r.RTT[q])
			}
		}
	}
	s.Low, s.Median, s.High = median(quantiles[0]), median(quantiles[1]), median(quantiles[2])
	s.Blank = max(s.Blank, 0)
	return s
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// String is the summary as a line for a person.
func (s Summary) String() string {
	if s.Sent == 0 {
		return "nothing was measured"
	}
	var parts []string
	if s.Median > 0 {
		parts = append(parts, fmt.Sprintf("median %s, most from %s to %s", Millis(s.Median), Millis(s.Low), Millis(s.High)))
	}
	parts = append(parts, fmt.Sprintf("%d of %d packets lost (%s %%)", s.Lost, s.Sent, Percent(s.Lost, s.Sent)))
	if s.Worst.Sent > 0 && s.Worst.Lost < s.Lost {
		parts = append(parts, fmt.Sprintf("worst %s %% at %s", Percent(s.Worst.Lost, s.Worst.Sent), s.Worst.Start.UTC().Format("Mon 15:04")))
	}
	if s.Blank >= time.Minute {
		parts = append(parts, spell(s.Blank)+" not measured")
	}
	return strings.Join(parts, ", ")
}

// Millis spells a round trip: three digits.
func Millis(d time.Duration) string {
	v := d.Seconds() * 1000
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	case v >= 10:
		return fmt.Sprintf("%.1f ms", v)
	case v >= 1:
		return fmt.Sprintf("%.2f ms", v)
	default:
		return fmt.Sprintf("%.0f µs", v*1000)
	}
}

// Percent spells a share of packets: what is not nothing is not spelled as nothing,
// and what is not all not as all.
func Percent(lost, sent int) string {
	v := 100 * float64(lost) / float64(sent)
	switch {
	case lost == 0 || lost == sent:
		return fmt.Sprintf("%.0f", v)
	case v < 0.01:
		return "<0.01"
	case v < 10:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	default:
		return fmt.Sprintf("%.0f", min(math.Round(v), 99))
	}
}

// spell spells a stretch of time in its two largest units.
func spell(d time.Duration) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	default:
		return fmt.Sprintf("%d min", minutes)
	}
}
