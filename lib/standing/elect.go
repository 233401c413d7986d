package standing

import (
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/metric"
)

// Elect takes what the vantages say of each host at now: the tally of their votes, and when
// the oldest evidence of theirs was taken. It says whether any host changed so that it is
// to be published at once.
func (f *Fleet) Elect(count func(Member) (hoststate.Tally, time.Time), now time.Time) (urgent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.roster.Many {
		return false // since the inventory was read again
	}
	rounds := make(map[*watched]hoststate.Round, len(f.watched))
	for _, w := range f.watched {
		tally, at := count(w.Member)
		rounds[w] = w.counted(tally, at, now)
	}
	fleet := f.fallen(func(w *watched) time.Time { return fellAt(*w.elected, rounds[w]) })
	for _, w := range f.watched {
		r := rounds[w]
		r.Braked = r.Status == hoststate.Down && hoststate.Landslide(fleet, fellAt(*w.elected, r), w.elected.Interval)
		w.elect(r)
		if f.roster.Doubt != nil && w.elected.Suspect() && unreachable(w.latest) {
			f.suspect(w, now)
		}
		urgent = f.tell(w, now) || urgent
	}
	return urgent
}

// counted is one count of the votes on w as a round.
func (w *watched) counted(t hoststate.Tally, at, now time.Time) hoststate.Round {
	votes := t.Votes
	r := hoststate.Round{
		At: at, Status: t.Status, Votes: &votes, Regions: t.Regions, Split: t.Split,
		Reason: w.latest.Reason, Latency: w.latest.Latency, Checks: w.latest.Checks,
	}
	switch r.Status {
	case hoststate.Unknown:
		r.Reason = metric.ReasonNoQuorum
		return r
	case hoststate.Up:
		r.Reason = ""
	case hoststate.Down:
		r.Disputed = w.disputed(w.elected.Fell(), now)
	}
	if r.Status != hoststate.Up && r.Reason == "" {
		r.Reason = metric.ReasonConnectTimeout // others see what this vantage does not
	}
	return r
}

// elect takes a counted round.
func (w *watched) elect(r hoststate.Round) {
	if r.Status == hoststate.Unknown {
		*w.elected = w.elected.Forsaken(r)
		return
	}
	*w.elected = w.elected.Next(r)
}

// BelieveAll takes how far all vantages may be believed, and says whether that is news.
func (f *Fleet) BelieveAll(m hoststate.Monitor) (news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	news = f.everybody == nil || !f.everybody.Same(m)
	f.everybody = &m
	return news
}
