package statusbar

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A view is what page.html shows.
type view struct {
	Page       Page
	Operator   bool // has the sentences of the checks
	Lapsed     bool
	State      state
	Summary    string
	Tallies    []tally
	Doubts     []string // what is not well with the monitor
	Sight      string
	DataAt     moment // zero: nothing was measured yet
	ValidUntil moment
	Refresh    int       // seconds until it is loaded again
	Fade       int       // seconds until it goes grey if it is not; 0 = it has nothing to lose
	today      time.Time // when it is read; zero: nobody knows, after the lease
	Attention  []row
	Well       []row // all is well with them
	WholeRows  int   // of how many everything is told; 0 = of all

	Labels []label // what hosts can be chosen by
	Label  string  // what they were chosen by; "" = all are shown
	Usage  []usageRow
	Still  bool // it is a file
}

// A state is a status with its shape.
type state struct {
	Word string
	spelling
}

func stateOf(s hoststate.Status) state { return state{s.String(), spell(s)} }

// A tally is how many hosts are in a state, and their place in a bar 1000 wide.
type tally struct {
	state
	N, X, Width int
}

// A moment is a time for a machine and for a person.
type moment struct{ ISO, Text string }

// at is t as read on the day of now; zero: on any other.
func at(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t, now = t.UTC(), now.UTC()
	m := moment{ISO: t.Format(rfc3339Z), Text: t.Format("15:04:05")}
	switch {
	case t.Year() != now.Year():
		m.Text = t.Format("2 Jan 2006 15:04")
	case t.YearDay() != now.YearDay():
		m.Text = t.Format("2 Jan 15:04")
	}
	return m
}

// publicView is the page as status.json alone tells it.
func publicView(c content) view { return viewOf(c.document(), c.page, c.lapsed) }

func viewOf(d document, p Page, lapsed bool) view {
	interval := time.Duration(d.IntervalS * float64(time.Second))
	now := time.Time(d.GeneratedAt)
	if lapsed {
		now = time.Time{}
	}
	p.Name = cmp.Or(p.Name, "Status")
	v := view{
		Page: p, Lapsed: lapsed, State: stateOf(d.Status), Summary: d.Summary, Tallies: tallies(d.Counts), Sight: d.Monitor.Status.String(),
		DataAt: at(time.Time(d.DataAt), now), ValidUntil: at(time.Time(d.ValidUntil), now),
		Refresh: refreshSeconds(interval), today: now,
	}
	if v.DataAt.ISO == "" {
		v.Refresh = soon
	}
	if !lapsed && v.DataAt.ISO != "" {
		v.Fade = fadeSeconds(time.Time(d.ValidUntil).Sub(time.Time(d.DataAt)), interval)
	}
	for _, r := range d.Monitor.Reasons {
		v.Doubts = append(v.Doubts, sentence(r))
	}
	for _, c := range d.Components {
		r := c.row(v.today)
		if !lapsed && c.Reason != nil && slices.Contains(d.Monitor.Reasons, *c.Reason) {
			r.Text, r.public = unjudged, unjudged // why was told above
		}
		if c.Status == hoststate.Up {
			v.Well = append(v.Well, r)
		} else {
			v.Attention = append(v.Attention, r)
		}
	}
	v.sort()
	return v
}

// operatorView is the public page with what the checks say: also those without a
// role, and those of hosts that are up. It shows the hosts with the label; all if
// that is "".
func operatorView(c content, label string) view {
	d := c.document()
	v := viewOf(d, c.page, c.lapsed)
	room := min(max(ofAll/max(len(v.Attention), 1), shortest), longest)
	v.Operator, v.Attention, v.Well, v.Label = true, nil, nil, label
	v.Labels = c.labels(label)
	v.Doubts = c.doubts(d.Monitor.Reasons)
	if c.operator.Usage != nil {
		v.Usage = usageRows(c.operator.Usage())
	}
	for i, o := range d.Components {
		if label != "" && !c.has(i, label) {
			continue
		}
		r := o.row(v.today)
		r.Link = "host/" + escapeID(c.hosts[i].ID)
		if !c.lapsed {
			r.tell(c.hosts[i].Standing, c.hosts[i].Outcomes, room, v.Doubts)
		}
		if r.status == hoststate.Up && r.worst == verdict.OK {
			v.Well = append(v.Well, r)
		} else {
			v.Attention = append(v.Attention, r)
		}
	}
	v.sort()
	return v
}

// soon is in how many seconds a page is loaded again that has nothing to show yet.
const soon = 2

// fadeSeconds is how long a page may stay as it is that is not loaded again: no
// script runs in it that could look at a clock. It is what is left of the lease
// when a page is opened that a round and its time in caches have made old, so it
// errs to grey. A page that is loaded again in time never comes to it.
func fadeSeconds(lease, interval time.Duration) int {
	return max(int((lease - interval - interval/4).Seconds()), refreshSeconds(interval)+1)
}

// How much of a sentence a row shows, in runes: the plugin's -v has the rest. Where
// hundreds of hosts fail, the page is read for what they have in common, and must
// still load at once.
const (
	longest  = 240
	shortest = 50
	ofAll    = 40_000
)

// doubts are the reasons why the monitor may not be believed, each as its self-check
// told it, where a check that it casts doubt on has that sentence.
func (c content) doubts(reasons []metric.Reason) []string {
	var all []string
	for _, r := range reasons {
		why := sentence(r)
	search:
		for _, h := range c.hosts {
			for _, o := range h.Outcomes {
				if o.Reason == r && o.Doubt != "" {
					why = o.Doubt
					break search
				}
			}
		}
		all = append(all, why)
	}
	return all
}

func (v *view) sort() {
	order := func(a, b row) int {
		return cmp.Or(hoststate.WorstFirst(a.status, b.status), verdict.WorstFirst(a.worst, b.worst), cmp.Compare(a.Name, b.Name))
	}
	slices.SortStableFunc(v.Attention, order)
	slices.SortStableFunc(v.Well, order)
	whole := wholeRows
	for _, rows := range [][]row{v.Attention, v.Well} {
		for i := range rows[min(whole, len(rows)):] {
			rows[whole+i].shorten()
		}
		whole = max(0, whole-len(rows))
	}
	if len(v.Attention)+len(v.Well) > wholeRows {
		v.WholeRows = wholeRows
	}
}

// wholeRows is how many hosts are shown with all that is known of them. Where more are
// not well, the page is read for what they have in common.
const wholeRows = 200

// tallies are the states that hosts are in, the worst first. The least of them can
// still be seen in the bar.
func tallies(c hoststate.Counts) []tally {
	all := hoststate.Statuses()
	slices.SortFunc(all, hoststate.WorstFirst)
	var shown []tally
	const whole, least = 1000, 8
	room := whole
	for _, s := range all {
		if n := c.Of(s); n > 0 {
			shown = append(shown, tally{state: stateOf(s), N: n})
			room -= least
		}
	}
	x := 0
	for i := range shown {
		shown[i].X, shown[i].Width = x, least+room*shown[i].N/c.Total()
		x += shown[i].Width
	}
	return shown
}

// ago is d as people say it, by its two greatest units.
func ago(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes, secs := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", secs)
	}
}
