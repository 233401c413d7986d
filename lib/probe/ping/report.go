package ping

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"milepost/lib/burst"
	"milepost/lib/echo"
	"milepost/lib/metric"
)

// Report is r in samples; the zero Report if no packet is settled.
func (r Result) Report() metric.Report {
	report := metric.Report{Stages: r.stages()}
	if len(r.Packets) == 0 {
		return report
	}
	n := len(r.Packets)
	rtts := r.RoundTrips()
	k := n - len(rtts)
	report.Text = r.text(k, n)
	report.Samples = append(make([]metric.Sample, 0, 8), r.loss(k, n))
	if r.Stream == nil { // a stream's are counted without an end, and told apart
		report.Samples = append(report.Samples,
			metric.Sample{Name: "sent", Value: float64(n), Help: "Packets sent whose fate is known."},
			metric.Sample{Name: "received", Value: float64(n - k), Help: "Packets answered in time."},
		)
	}
	report.Samples = append(report.Samples, r.roundTrips(rtts)...)
	if r.Usual.Judged {
		report.Samples = append(report.Samples, r.unusual(k, n)...)
	}
	report.Samples = append(report.Samples, r.allLost(k, n))
	if r.Stream != nil { // what only Prometheus gets of a stream is Streams.Samples
		report.Samples = append(report.Samples, r.Stream.flags()...)
		report.Doubt = r.Stream.Common
		return report
	}
	report.Samples = append(report.Samples, r.exported()...)
	return report
}

// loss is the share of lost packets: in the end between what is lost already and
// that with all that are left.
func (r Result) loss(k, n int) metric.Sample {
	all := n + r.Left
	return metric.Sample{
		Name: "loss", Metric: "ping_loss_ratio", Help: "Share of the latest packets that were lost.",
		Unit: metric.Percent, Value: percent(k, n), Fault: metric.FaultPath, Reason: metric.ReasonLoss,
	}.Between(percent(k, all), percent(k+r.Left, all))
}

// unusual is how much more than usual is lost, in points, and how likely that
// is by chance. While packets are left, the chance is given as if all of them
// will be answered: it is the most that it can come to be.
func (r Result) unusual(k, n int) []metric.Sample {
	all := n + r.Left
	excess := metric.Sample{
		Name: "excess", Help: "Loss above the usual, in percentage points.",
		Value: percent(k, n) - r.Usual.Loss, Fault: metric.FaultPath, Reason: metric.ReasonLoss,
	}.Between(percent(k, all)-r.Usual.Loss, percent(k+r.Left, all)-r.Usual.Loss)
	most := r.Usual.chance(k, all)
	p := metric.Sample{
		Name: "p", Help: "Chance that as much is lost while the path is as usual.",
		Value: most, Fault: metric.FaultPath, Reason: metric.ReasonLoss,
	}.Between(r.Usual.chance(k+r.Left, all), most)
	return []metric.Sample{excess, p}
}

func (r Result) allLost(k, n int) metric.Sample {
	s := metric.Flag("all_lost", k == n, metric.FaultPath, metric.ReasonLoss, "no packet came back")
	if k == n && r.Left > 0 {
		return s.Between(0, 1) // the next may
	}
	return s
}

// flags are what the packets in a row tell, round after round.
func (s Stream) flags() []metric.Sample {
	return []metric.Sample{
		metric.Flag("down", s.State == burst.Down, metric.FaultPath, metric.ReasonLoss, fmt.Sprintf("the latest %d packets are lost", s.Run)),
		metric.Flag("degraded", s.State == burst.Degraded, metric.FaultPath, metric.ReasonLoss, "loss has risen above what is usual"),
	}
}

func (r Result) roundTrips(rtts []time.Duration) []metric.Sample {
	least, most := extremes(rtts)
	middle, lo, hi := median(slices.Sorted(slices.Values(rtts)), r.Left)
	rtt := func(name, help string, v float64) metric.Sample {
		return metric.Sample{Name: name, Help: help, Unit: metric.Seconds, Value: v, Fault: metric.FaultPath, Reason: metric.ReasonSlow}
	}
	m := rtt("rtt_median", "Median round trip.", middle).Between(lo, hi)
	m.Text = fmt.Sprintf("the median round trip is %s", seconds(time.Duration(middle*float64(time.Second))))
	all := []metric.Sample{rtt("rtt_min", "Least round trip.", least), m}
	if r.Stream != nil { // ten thousand streams' samples are kept: these are in the histogram
		return all
	}
	return append(
		all, rtt("rtt_max", "Longest round trip.", most),
		rtt("jitter", "Mean change from one round trip to the next.", jitter(rtts)),
	)
}

// exported is what only Prometheus gets of a round.
func (r Result) exported() []metric.Sample {
	samples := make([]metric.Sample, 0, voids)
	for _, c := range counters[:voids] {
		samples = append(samples, metric.Sample{Metric: c.name, Help: c.help, Kind: metric.Counter, Value: float64(c.of(r.Totals))})
	}
	return samples
}

// text is "3/20 lost (15 %, 95 % CI 5-36 %), baseline 2 %, p=0.037" and what is
// not as it was asked for.
func (r Result) text(k, n int) string {
	lo, hi := burst.Wilson(k, n)
	parts := []string{fmt.Sprintf("%d/%d lost (%s %%, 95 %% CI %s %%)", k, n, short(percent(k, n)), span(100*lo, 100*hi))}
	add := func(when bool, format string, args ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	if r.Usual.Judged {
		parts = append(parts, r.Usual.text(), "p"+chance(r.Usual.chance(k, n+r.Left)))
	}
	add(r.Usual.Unkept != "", "%s", r.Usual.Unkept)
	add(r.Fitted > 0, "%s to fit into %s", planned(r.Plan), seconds(r.Fitted.Round(100*time.Millisecond)))
	add(r.Left > 0 && r.CutShort == 0, "decided after %d of %d", n, n+r.Left)
	add(r.CutShort > 0, "cut short after %d of %d", n, n+r.CutShort)
	add(r.Missed > 0, "%d more not known: this machine dropped answers", r.Missed)
	if refused := r.refused(); refused > 0 {
		add(true, "%d refused (%s, says %v)", refused, r.Refusal.what, r.Refusal.by)
	}
	if r.Stream == nil { // a stream's only grow
		add(r.Totals.Late > 0, "%d late", r.Totals.Late)
		add(r.Totals.Duplicates > 0, "%d duplicate", r.Totals.Duplicates)
		add(r.Totals.Strays > 0, "%d from %v ignored", r.Totals.Strays, r.Stray)
	}
	return strings.Join(parts, ", ")
}

// planned is what was sent at most.
func planned(p echo.Plan) string {
	if p.Count == 1 {
		return "1 packet"
	}
	return fmt.Sprintf("%d packets %s apart", p.Count, seconds(p.Spacing))
}

// refused is how many of the lost packets an ICMP error came back for.
func (r Result) refused() int {
	n := 0
	for _, p := range r.Packets {
		if p.Lost && p.Refused {
			n++
		}
	}
	return n
}

// stages is the round in one; a stream has none.
func (r Result) stages() []metric.Stage {
	if r.Doing == "" || r.Stream != nil {
		return nil
	}
	var said strings.Builder
	for i, p := range r.Packets {
		what := "lost"
		switch {
		case p.Late:
			what = "lost, answered after " + millis(p.RTT)
		case !p.Lost:
			what = millis(p.RTT)
		case p.Refused:
			what = "lost, refused"
		}
		fmt.Fprintf(&said, "%d: %s\n", i, what)
	}
	return []metric.Stage{{Doing: r.Doing, Took: r.Took, Said: strings.TrimSuffix(said.String(), "\n")}}
}

func percent(k, n int) float64 { return 100 * float64(k) / float64(n) }

// short spells a percentage with at most one decimal, and none where it would
// only pretend.
func short(v float64) string {
	scale := 10.0
	if v >= 10 {
		scale = 1
	}
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// span spells an interval in percent: as coarse as its upper end.
func span(lo, hi float64) string {
	if hi >= 10 {
		lo = math.Round(lo)
	}
	return short(lo) + "-" + short(hi)
}

// chance spells a probability to two digits.
func chance(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return "=" + strconv.FormatFloat(p, 'g', 2, 64)
}

// seconds spells d for people, no finer than a millisecond.
func seconds(d time.Duration) string {
	return metric.Format(float64(d.Round(time.Millisecond).Milliseconds())/1000) + " s"
}

// millis spells a round trip as ping does.
func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64) + " ms"
}
