package vantage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// An Answer is what all vantages said at one moment.
type Answer struct {
	At     time.Time // when it was asked for
	places map[source]place
	says   map[string]map[source][]said // by host
}

// A source is one exporter as it is scraped.
type source struct{ job, instance string }

type place struct {
	vantage, provider, region string
	trusted                   bool
	scraped                   time.Time // when the engine took its word on that
	folded                    bool      // several vantages come under this source: nobody knows who says what
}

// votes says that the vantage trusts itself, and was heard of lately.
func (p place) votes(now time.Time, interval time.Duration) bool {
	return p.trusted && !p.folded && near(p.scraped, now, interval)
}

// near says that a word of then is a vote now. One that is said to be of the future is
// of a clock that nobody can tell its age by.
func near(then, now time.Time, interval time.Duration) bool {
	return now.Sub(then).Abs() <= interval*5/2
}

// places is every vantage that there should be: those that are there, and those that
// were in the last day. contrib/prometheus/rules/quorum.yml says the same.
const places = "milepost_vantage_info or topk by (job, instance) (1, " +
	"last_over_time(milepost_vantage_info[1d]) unless on (job, instance) milepost_vantage_info)"

// said is one check's latest word.
type said struct {
	check   string
	status  verdict.Status
	scraped time.Time // when the engine took it
	ran     time.Time // when the check ended
}

// Ask asks the engine for what every vantage says. Only checks that decide a host's
// state are asked for.
func (c *Client) Ask(ctx context.Context, checks []string, now time.Time) (Answer, error) {
	a := Answer{At: now, places: map[source]place{}, says: map[string]map[source][]said{}}
	wanted := ""
	if len(checks) > 0 {
		wanted = fmt.Sprintf(`{check=~%q}`, strings.Join(checks, "|"))
	}
	status, ran := "milepost_check_status"+wanted, "milepost_check_last_run_timestamp_seconds"+wanted
	for _, q := range []struct {
		expression string
		take       func(sample)
	}{
		{places, a.takePlace},
		{`milepost_monitor_trusted{test="all"}`, a.takeTrust},
		{`timestamp(milepost_monitor_trusted{test="all"})`, a.takeTime},
		{status, func(s sample) { a.word(s).status = statusOf(s.value) }},
		{"timestamp(" + status + ")", func(s sample) { a.word(s).scraped = moment(s.value) }},
		{ran, func(s sample) { a.word(s).ran = moment(s.value) }},
	} {
		all, err := c.query(ctx, q.expression, now)
		if err != nil {
			return Answer{}, err
		}
		for _, s := range all {
			q.take(s)
		}
	}
	return a, nil
}

func sourceOf(s sample) source { return source{s.labels["job"], s.labels["instance"]} }

func (a Answer) takePlace(s sample) {
	p := place{vantage: s.labels["vantage"], provider: s.labels["provider"], region: s.labels["region"]}
	if known, twice := a.places[sourceOf(s)]; twice && known.vantage != p.vantage {
		all := append(strings.Split(known.vantage, " and "), p.vantage)
		slices.Sort(all)
		p.vantage, p.folded = strings.Join(slices.Compact(all), " and "), true
	}
	a.places[sourceOf(s)] = p
}

// Folded is the vantages that the engine cannot tell from each other, as a sentence, ""
// if it can tell all: they have no vote.
func (a Answer) Folded() string {
	var all []string
	for from, p := range a.places {
		if p.folded {
			all = append(all, fmt.Sprintf("%s have one job %q and instance %q: give each an instance of its own where it is scraped", p.vantage, from.job, from.instance))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func (a Answer) takeTrust(s sample) {
	if p, known := a.places[sourceOf(s)]; known {
		p.trusted = s.value == 1
		a.places[sourceOf(s)] = p
	}
}

func (a Answer) takeTime(s sample) {
	if p, known := a.places[sourceOf(s)]; known {
		p.scraped = moment(s.value)
		a.places[sourceOf(s)] = p
	}
}

// word is what a vantage says by one check of one host, to be filled in.
func (a Answer) word(s sample) *said {
	host, from, name := s.labels["host"], sourceOf(s), s.labels["check"]
	if a.says[host] == nil {
		a.says[host] = map[source][]said{}
	}
	all := a.says[host][from]
	i := slices.IndexFunc(all, func(w said) bool { return w.check == name })
	if i < 0 {
		all = append(all, said{check: name, status: verdict.Unknown})
		a.says[host][from] = all
		i = len(all) - 1
	}
	return &all[i]
}

func statusOf(v float64) verdict.Status {
	for _, s := range []verdict.Status{verdict.OK, verdict.Warning, verdict.Critical} {
		if v == float64(s) {
			return s
		}
	}
	return verdict.Unknown
}

func moment(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)) }

// fresh says that a word is no older than two and a half intervals, whoever took it
// down: an engine shows the last sample of a vantage that is gone for minutes, and an
// exporter that hangs is scraped as well as one that works.
func (w said) fresh(now time.Time, interval time.Duration) bool {
	return near(w.scraped, now, interval) && near(w.ran, now, interval)
}

// Votes is what every vantage that there should be says of a host with these roles,
// in rounds one interval apart, and when the oldest of the evidence was taken; a vantage that
// does not trust itself, or was not heard of for two and a half intervals, or could
// not measure, has no vote.
func (a Answer) Votes(host string, roles hoststate.Roles, now time.Time, interval time.Duration) (votes []hoststate.Vote, at time.Time) {
	for from, p := range a.places {
		v := hoststate.Vote{Vantage: cmp.Or(p.vantage, from.instance), Provider: p.provider, Region: p.region}
		round := roles.Round(a.outcomes(host, from, now, interval))
		if p.votes(now, interval) && round.Status != hoststate.Unknown {
			v.Status = round.Status
			if at.IsZero() || round.At.Before(at) {
				at = round.At
			}
		}
		votes = append(votes, v)
	}
	slices.SortFunc(votes, func(x, y hoststate.Vote) int { return strings.Compare(x.Vantage, y.Vantage) })
	return votes, at
}

// outcomes is what is fresh of one vantage's words on a host.
func (a Answer) outcomes(host string, from source, now time.Time, interval time.Duration) []check.Outcome {
	var all []check.Outcome
	for _, w := range a.says[host][from] {
		if w.fresh(now, interval) {
			all = append(all, check.Outcome{Check: w.check, Host: host, At: w.ran, Verdict: verdict.Verdict{Status: w.status}})
		}
	}
	return all
}

// Monitor is how many vantages there should be and how many may vote now. It is blind
// if their providers are too few for any word.
func (a Answer) Monitor(now time.Time, interval time.Duration) hoststate.Monitor {
	m := hoststate.Monitor{Total: len(a.places)}
	var all []hoststate.Vote
	for from, p := range a.places {
		v := hoststate.Vote{Vantage: cmp.Or(p.vantage, from.instance), Provider: p.provider}
		if p.votes(now, interval) {
			m.Healthy++
			v.Status = hoststate.Up
		}
		all = append(all, v)
	}
	m.Quorum = min(m.Total/2+1, max(m.Healthy, 1))
	if hoststate.Count(all).Status == hoststate.Unknown {
		m.Quorum = m.Healthy + 1
		m.Reasons = []metric.Reason{metric.ReasonNoQuorum}
	}
	return m
}
