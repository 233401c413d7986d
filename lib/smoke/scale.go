package smoke

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// An axis maps values to places in the picture.
type axis struct {
	lo, hi float64 // values
	at, to float64 // where lo and hi are
}

// place is where v is; what lies beyond an end is at it.
func (a axis) place(v float64) float64 {
	return a.at + (min(max(v, a.lo), a.hi)-a.lo)/(a.hi-a.lo)*(a.to-a.at)
}

// rounded is a step of 1, 2 or 5 times a power of ten that is at least v.
func rounded(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range [...]float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// delays is the axis of the round trips in milliseconds, with its ticks. It holds
// nearly all of the smoke: a single packet may leave it at the top. It begins at
// nothing, unless all of it would be in the upper part of the picture; a fifth of
// the median is the least that it shows, so that calm looks calm.
func delays(rounds []Round, bottom, top float64) (a axis, ticks []float64) {
	var lows, highs, medians []float64
	for _, r := range rounds {
		if !r.silent() {
			lows = append(lows, millis(r.RTT[least]))
			highs = append(highs, millis(r.RTT[high]), millis(r.RTT[most]))
			medians = append(medians, millis(r.RTT[middle]))
		}
	}
	if len(medians) == 0 {
		return axis{0, 100, bottom, top}, []float64{0, 50, 100}
	}
	slices.Sort(highs)
	lo, hi := slices.Min(lows), max(highs[(len(highs)-1)*97/100], slices.Max(medians))
	if spread := 0.2 * slices.Max(medians); hi-lo < spread {
		lo, hi = lo-(spread-(hi-lo))/2, hi+(spread-(hi-lo))/2
	}
	if lo < 0.6*hi {
		lo = 0
	}
	hi = max(hi+0.06*(hi-lo), 0.01)
	step := rounded((hi - lo) / 5)
	a = axis{math.Floor(lo/step) * step, math.Ceil(hi/step) * step, bottom, top}
	for i := 0; ; i++ {
		v := a.lo + float64(i)*step
		if v > a.hi+step/2 {
			return a, ticks
		}
		ticks = append(ticks, v)
	}
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// label spells a tick of an axis.
func label(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// A tick is a moment with what is written at it.
type tick struct {
	at   time.Time
	text string
}

// moments are the ticks of a stretch of time, in UTC.
func moments(from, to time.Time) []tick {
	step, layout := 24*time.Hour, "Mon 2"
	switch span := to.Sub(from); {
	case span <= 4*time.Hour:
		step, layout = 30*time.Minute, "15:04"
	case span <= 12*time.Hour:
		step, layout = time.Hour, "15:04"
	case span <= 48*time.Hour:
		step, layout = 3*time.Hour, "15:04"
	case span > 20*24*time.Hour:
		step, layout = 7*24*time.Hour, "2 Jan"
	}
	for to.Sub(from)/step > 30 { // whoever asks for years
		step, layout = step*2, "2 Jan 2006"
	}
	var all []tick
	for t := from.UTC().Truncate(step); t.Before(to); t = t.Add(step) {
		if t.Before(from) {
			continue
		}
		text := t.Format(layout)
		if text == "00:00" {
			text = t.Format("Mon 2")
		}
		all = append(all, tick{t, text})
	}
	return all
}
