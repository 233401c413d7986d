package statusbar

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A Stretch is what became of a host in a stretch of time.
type Stretch struct {
	Start      time.Time
	Length     time.Duration
	Latency    time.Duration // its answer time; 0 = not measured
	RTT        time.Duration // the median round trip; 0 = none came back
	Sent, Lost int           // packets
}

// An Event is a change of a host's state with what it was decided by.
type Event struct {
	Since    time.Time
	From, To hoststate.Status
	Reason   metric.Reason
	Fault    metric.Fault
	Text     string
	Others   string // who else saw it how at that time
}

// A hostView is what host.html shows.
type hostView struct {
	Page      Page
	Up        string // the way to the page of all hosts
	Lapsed    bool
	Refresh   int
	Row       row
	Why       string
	Notes     []string // what else is known of why
	Labels    []string
	Days      []dayView
	DaysLabel string
	Shares    []shareView
	Checks    []checkView
	Curve     *curve
	Smoke     string
	Events    []eventView
}

type shareView struct{ Name, Uptime, Coverage string }

type checkView struct {
	Letter, Check, Said, Text string
	Fault                     metric.Fault
	Advice                    []string
	Took                      string
	At                        moment
}

type eventView struct {
	state
	From  string
	Since moment
	Fault metric.Fault
	Text  string

	Others string
}

// curveTime is how much of the past a host's page draws.
const curveTime = 30 * time.Hour

// hostPage is the page of the host; nil if there is none of that name.
func (e *edition) hostPage(ctx context.Context, id string) *body {
	i := slices.IndexFunc(e.hosts, func(h Component) bool { return h.ID == id })
	if i < 0 {
		return nil
	}
	v := e.hostView(i)
	// What the disk does not tell is left out: the page is for now.
	if past := e.content.operator.Past; past != nil {
		if all, err := past(ctx, id, e.generatedAt.Add(-curveTime), e.generatedAt, 10*time.Minute); err == nil {
			v.Curve = draughtCurve(all, e.generatedAt.Add(-curveTime))
		}
	}
	if events := e.content.operator.Events; events != nil {
		if all, err := events(ctx, id); err == nil {
			v.Events = eventViews(all, e.generatedAt)
		}
	}
	return e.drawn.host(v)
}

func (e *edition) hostView(i int) hostView {
	h, now := e.hosts[i], e.generatedAt
	if e.lapsed {
		now = time.Time{}
	}
	c := h.component()
	v := hostView{
		Page: e.page, Up: "../", Lapsed: e.lapsed, Refresh: refreshSeconds(e.interval), Row: c.row(now), Why: whole(sinceNever(h.Reason, time.Time(c.CheckedAt))),
		Labels: e.labelsOf(i),
	}
	v.Notes = e.notes(h, c, now)
	v.Page.Name = cmp.Or(v.Page.Name, "Status")
	v.Days, v.DaysLabel = dayViews(e.days()[i], e.generatedAt)
	for _, s := range []struct {
		name             string
		uptime, coverage *float64
	}{{"24 hours", c.Uptime.Day, c.Coverage.Day}, {"30 days", c.Uptime.Month, c.Coverage.Month}, {"90 days", c.Uptime.Quarter, c.Coverage.Quarter}} {
		v.Shares = append(v.Shares, shareView{s.name, orNot(s.uptime, "not enough is known"), orNot(s.coverage, "nothing")})
	}
	for _, o := range h.Outcomes {
		at := at(o.At, e.generatedAt)
		v.Checks = append(v.Checks, checkView{
			Letter: letterOf(o.Status), Check: o.Check, Said: o.Status.String(), Text: short(o.Summary, 600), Fault: o.Fault, Advice: o.Advice,
			Took: duration(o.Took), At: at,
		})
		if o.Check == "packet_loss" {
			v.Smoke = "../smoke/" + escapeID(h.ID)
		}
	}
	return v
}

// notes are what others say of the host, and what it is beneath its maintenance.
func (e *edition) notes(h Component, c component, now time.Time) []string {
	var notes []string
	if w := c.Maintenance; w != nil {
		notes = append(notes, fmt.Sprintf("It is %s; beneath it, it is %v.", w.text(now), h.Work.Beneath))
	}
	if text := SeenBy(c.Votes, c.RegionsDown); text != "" {
		notes = append(notes, text+".")
	}
	if others := e.content.operator.Others; others != nil && !now.IsZero() {
		if said, asked := others(h.ID); said != "" {
			notes = append(notes, fmt.Sprintf("Asked %s: %s.", at(asked, now).Text, said))
		}
	}
	return notes
}

func orNot(share *float64, none string) string {
	if share == nil {
		return none
	}
	return percent(*share)
}

// letterOf is the look of a check's status.
func letterOf(s verdict.Status) string {
	switch s {
	case verdict.OK:
		return spell(hoststate.Up).Letter
	case verdict.Warning:
		return spell(hoststate.Degraded).Letter
	case verdict.Critical:
		return spell(hoststate.Down).Letter
	default:
		return spell(hoststate.Unknown).Letter
	}
}

func eventViews(all []Event, now time.Time) []eventView {
	var views []eventView
	for _, e := range all {
		text := e.Text
		if text == "" && e.Reason != "" {
			text = sentence(e.Reason)
		}
		views = append(views, eventView{stateOf(e.To), e.From.String(), at(e.Since, now), e.Fault, text, e.Others})
	}
	return views
}

// duration is d as people say it; "" if it is nothing.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
}

// A dayView is one bar of 90.
type dayView struct {
	X     int
	Title string
	Parts []dayPart
}

type dayPart struct {
	Letter    string
	X         int
	Y, Height string
}

// dayViews draws days as the widget does: a bar is as high as the day was measured,
// and what was bad of it stands at its foot, large enough to be seen.
func dayViews(days []Day, now time.Time) (views []dayView, label string) {
	first := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-len(days))
	outages, dark := 0, 0
	for i, d := range days {
		v := dayView{X: 4 * i, Title: first.AddDate(0, 0, i).Format("2 Jan") + ": " + d.text()}
		if d.Down > 0 {
			outages++
		}
		seen := d.Up + d.Degraded + d.Down
		whole := float64(seen + d.Maintenance + d.Unknown)
		if seen+d.Maintenance == 0 {
			dark++
			views = append(views, v)
			continue
		}
		part := func(letter string, y, height float64) {
			v.Parts = append(v.Parts, dayPart{letter, v.X, strconv.FormatFloat(y, 'f', 1, 64), strconv.FormatFloat(height, 'f', 1, 64)})
		}
		high, base := 30*float64(seen+d.Maintenance)/whole, "u"
		if seen == 0 {
			base = "m"
		}
		part(base, 30-high, high)
		y := 30.0
		for _, bad := range []struct {
			letter  string
			seconds uint32
		}{{"d", d.Down}, {"g", d.Degraded}, {"m", d.Maintenance}} {
			if bad.seconds > 0 && seen > 0 {
				h := min(max(30*float64(bad.seconds)/whole, 6), y)
				y -= h
				part(bad.letter, y, h)
			}
		}
		views = append(views, v)
	}
	return views, fmt.Sprintf("%d days: %d with outages, %d not measured", len(days), outages, dark)
}

// text is d for a person.
func (d Day) text() string {
	seen := d.Up + d.Degraded + d.Down
	whole := seen + d.Maintenance + d.Unknown
	switch {
	case seen == 0 && d.Maintenance == 0:
		return "not measured"
	case seen == 0:
		return "maintenance"
	}
	text := percent(float64(seen-d.Down)/float64(seen)) + " up"
	if d.Down > 0 {
		text += ", down for " + ago(time.Duration(d.Down)*time.Second)
	}
	if float64(seen+d.Maintenance) < 0.98*float64(whole) {
		text += ", measured " + percent(float64(seen+d.Maintenance)/float64(whole))
	}
	return text
}
