package statusbar

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// A curve is a host's answer times and its lost packets, drawn.
type curve struct {
	Width, Height int
	Label         string
	Lines         []curveLine
	Paths         []curvePath
	Losses        []curveLoss
}

type curveLine struct {
	Y, TextY int
	Text     string
}

type curvePath struct{ Class, D string }

type curveLoss struct {
	Class, Title        string
	X, Y, Width, Height int
}

const (
	curveWidth  = 900
	curveHeight = 150
	curveFoot   = 30 // where losses stand
)

// draughtCurve draws the time from begin on; nil if nothing was measured in it.
func draughtCurve(all []Stretch, begin time.Time) *curve {
	top, sent, lost := time.Duration(0), 0, 0
	for _, s := range all {
		top, sent, lost = max(top, s.Latency, s.RTT), sent+s.Sent, lost+s.Lost
	}
	if top == 0 && sent == 0 {
		return nil
	}
	top = max(top*11/10, time.Microsecond)
	c := &curve{Width: curveWidth, Height: curveHeight}
	x := func(t time.Time) float64 { return float64(curveWidth) * float64(t.Sub(begin)) / float64(curveTime) }
	y := func(d time.Duration) float64 {
		return float64(curveHeight-curveFoot) * (1 - float64(d)/float64(top))
	}
	for _, part := range []time.Duration{top * 2 / 3, top / 3} {
		c.Lines = append(c.Lines, curveLine{int(y(part)), int(y(part)) - 3, duration(part)})
	}
	c.Paths = []curvePath{
		{"took", path(all, func(s Stretch) time.Duration { return s.Latency }, x, y)},
		{"trip", path(all, func(s Stretch) time.Duration { return s.RTT }, x, y)},
	}
	for _, s := range all {
		if s.Lost > 0 {
			// A single packet is seen too; all of them fill the foot.
			h := max(curveFoot*s.Lost/max(s.Sent, 1), 3)
			c.Losses = append(c.Losses, curveLoss{
				"d", fmt.Sprintf("%s UTC: %d of %d packets lost", s.Start.UTC().Format("2 Jan 15:04"), s.Lost, s.Sent),
				int(x(s.Start)), curveHeight - h, max(int(x(s.Start.Add(s.Length))-x(s.Start)), 2), h,
			})
		}
	}
	c.Label = fmt.Sprintf("Answer times (blue) and round trips (green) up to %s; %d of %d packets lost (red, below).", duration(top*10/11), lost, sent)
	return c
}

// path is a line through what was measured. A gap stays one.
func path(all []Stretch, of func(Stretch) time.Duration, x func(time.Time) float64, y func(time.Duration) float64) string {
	var d strings.Builder
	var end time.Time
	for _, s := range all {
		v := of(s)
		if v == 0 {
			continue
		}
		if !s.Start.Equal(end) {
			fmt.Fprintf(&d, "M%.1f %.1fh.5", x(s.Start), y(v))
		}
		fmt.Fprintf(&d, "L%.1f %.1f", x(s.Start.Add(s.Length/2)), y(v))
		end = s.Start.Add(s.Length)
	}
	return d.String()
}

// escapeID is a host's name as a part of a URL.
func escapeID(id string) string { return url.PathEscape(id) }
