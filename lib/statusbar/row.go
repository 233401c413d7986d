package statusbar

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// A row is one host.
type row struct {
	state
	status   hoststate.Status
	worst    verdict.Status
	ID       string
	Name     string
	Group    string
	Was      string // what an unknown host was; "" = nothing
	Check    string // the worst of its checks; "" = all are well
	Said     string // that one's status
	Fault    metric.Fault
	Text     string // why
	public   string // why, as the public is told
	Others   []word // the other checks that are not well
	Since    moment
	For      string // how long since
	Checked  moment
	Latency  string
	Uptime   string // of 30 days
	Link     string // to the host's own page
	Flapping bool
}

type word struct{ Check, Said string }

func (c component) row(now time.Time) row {
	r := row{
		state: stateOf(c.Status), status: c.Status, ID: c.ID, Name: c.Name, Group: c.Group,
		Since: at(time.Time(c.Since), now), Checked: at(time.Time(c.CheckedAt), now), Flapping: c.Flapping,
	}
	if c.Uptime.Month != nil {
		r.Uptime = percent(*c.Uptime.Month)
	}
	if r.Name == r.ID {
		r.ID = ""
	}
	if !time.Time(c.Since).IsZero() && !now.IsZero() {
		r.For = ago(now.Sub(time.Time(c.Since)))
	}
	if c.Reason != nil {
		r.Text = sinceNever(*c.Reason, time.Time(c.CheckedAt))
	}
	if w := c.Maintenance; w != nil {
		r.Text = w.text(now)
	}
	if c.LastKnown != nil {
		r.Was = c.LastKnown.String()
	}
	if c.LatencyMS != nil {
		r.Latency = latency(*c.LatencyMS)
	}
	r.public = r.Text
	if c.Status == hoststate.Up {
		return r
	}
	for _, w := range c.Checks {
		if w.Status.Worse(r.worst) {
			r.worst, r.Check, r.Said = w.Status, w.Check, w.Status.String()
		}
	}
	return r
}

// latency is so many ms for a person: no answer takes none.
func latency(ms int64) string {
	if ms < 1 {
		return "<1 ms"
	}
	return strconv.FormatInt(ms, 10) + " ms"
}

// unjudged is what is said of a host where the monitor itself is at fault.
const unjudged = "not judged"

// tell puts the sentence that tells best why the host is so in the place of the public
// reason, and names the others that are not well. What was told of the monitor itself
// is not told again of each host.
func (r *row) tell(is hoststate.Standing, outcomes []check.Outcome, longest int, told []string) {
	if len(outcomes) == 0 {
		return
	}
	bad := is.Evidence(outcomes)
	if len(bad) == 0 {
		r.worst, r.Check, r.Said = verdict.OK, "", ""
		return
	}
	first := bad[0]
	r.worst, r.Check, r.Said, r.Fault = first.Status, first.Check, first.Status.String(), first.Fault
	said := first.Summary
	if first.Doubt != "" && slices.Contains(told, first.Doubt) {
		said = cmp.Or(strings.TrimPrefix(strings.TrimPrefix(said, first.Doubt), "; "), unjudged)
	}
	r.Text = short(said, longest)
	for _, o := range bad[1:] {
		r.Others = append(r.Others, word{o.Check, o.Status.String()})
	}
}

func short(s string, longest int) string {
	if all := []rune(s); len(all) > longest {
		return string(all[:longest-1]) + "…"
	}
	return s
}

// shorten leaves what status.json says of the host, without the words of its checks.
func (r *row) shorten() {
	r.Text, r.Check, r.Fault, r.Others = r.public, "", "", nil
	r.For, r.Checked = "", moment{}
}
