package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/hoststate"
	"milepost/lib/metric"
	"milepost/lib/statusbar"
	"milepost/lib/verdict"
)

// TestPast tells a day of a host, over a restart, and reads what is left of it.
func TestPast(t *testing.T) {
	dir, now := t.TempDir(), time.Now().Truncate(time.Minute)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	p := openPast(t.Context(), dir, log)
	standing := func(s hoststate.Status, since time.Duration, reason metric.Reason) hoststate.Standing {
		return hoststate.Standing{Status: s, Since: now.Add(since), CheckedAt: now, Reason: reason, Latency: time.Second}
	}
	bad := []check.Outcome{
		{Check: "packet_loss", Verdict: verdict.Verdict{Status: verdict.OK}},
		{Check: "squid_auth", Verdict: verdict.Verdict{Status: verdict.Critical, Fault: metric.FaultProxy, Summary: `connecting to proxy "a:3128": connection refused`}},
	}
	tell := func(at time.Duration, s hoststate.Standing, outcomes []check.Outcome) {
		p.tell(now.Add(at), time.Minute, []statusbar.Component{{Host: statusbar.Host{ID: "a"}, Standing: s, Outcomes: outcomes}})
	}
	tell(0, hoststate.Standing{}, nil) // nothing was measured yet
	tell(time.Minute, standing(hoststate.Up, 0, ""), nil)
	tell(2*time.Minute, standing(hoststate.Up, 0, ""), nil)
	tell(3*time.Minute, standing(hoststate.Down, 90*time.Second, metric.ReasonRefused), bad)
	p.close()
	p = openPast(t.Context(), dir, log)
	defer p.close()
	tell(4*time.Minute, hoststate.Standing{}, nil)
	tell(5*time.Minute, standing(hoststate.Down, 4*time.Minute, metric.ReasonRefused), bad) // as before the restart
	tell(6*time.Minute, standing(hoststate.Up, 5*time.Minute, ""), nil)
	p.flush(t.Context(), now.Add(6*time.Minute))

	all, err := p.Transitions(t.Context(), "a", 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprintf("%s to %s after %s, told after %s: %s %s %s", c.From, c.To, c.Since.Sub(now), c.Told.Sub(now), c.Reason, c.Fault, c.Text))
	}
	want := []string{
		"down to up after 5m0s, told after 6m0s:   ",
		`up to down after 1m30s, told after 3m0s: refused proxy squid_auth: connecting to proxy "a:3128": connection refused`,
		"unknown to up after 0s, told after 1m0s:   ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	slots, err := p.Range(t.Context(), "a", now, now.Add(10*time.Minute), 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	up, down := 0, 0
	for _, s := range slots { // one or two: slots begin where the clock says
		up += int(s.States[hoststate.Up])
		down += int(s.States[hoststate.Down])
	}
	if up != 90+60 || down != 90+60 {
		t.Errorf("up for %d s and down for %d", up, down)
	}
	if c := p.changes(); len(c) != 3 || c[1].Reason != "refused" {
		t.Errorf("%+v", c)
	}
}

// What others said is kept with the change: later they say something else. A host that
// is down by the votes of others, and well from here, is so for a reason, too.
func TestEvidenceIsKept(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	well := check.Outcome{Check: "squid_auth", Verdict: verdict.Verdict{Status: verdict.OK, Summary: "fetched in 84 ms"}}
	bad := check.Outcome{Check: "squid_auth", Verdict: verdict.Verdict{Status: verdict.Critical, Fault: metric.FaultAuth, Reason: metric.ReasonAuthRefused, Summary: "407"}}
	for _, row := range []struct {
		situation string
		outcome   check.Outcome
		votes     *hoststate.Votes
		regions   []string
		heard     string
		want      string
	}{
		{"this vantage alone", bad, nil, nil, "", "auth | squid_auth: 407 | "},
		{"others were asked", bad, nil, nil, "h2 reaches it", "auth | squid_auth: 407 | asked: h2 reaches it"},
		{
			"down by votes, and from here", bad, &hoststate.Votes{Up: 1, Down: 2},
			[]string{"eu", "us"},
			"h2 does not reach it",
			"auth | squid_auth: 407 | Vantages that see it up: 1, down: 2, not at all: 0; down as seen from eu, us; asked: h2 does not reach it",
		},
		{
			"down by votes, up from here", well, &hoststate.Votes{Up: 1, Down: 2},
			[]string{"us"},
			"",
			"proxy | other vantages see it fail: from here all is well | Vantages that see it up: 1, down: 2, not at all: 0; down as seen from us",
		},
	} {
		t.Run(row.situation, func(t *testing.T) {
			dir := t.TempDir()
			p := openPast(t.Context(), dir, slog.New(slog.DiscardHandler))
			p.heard = func(string) string { return row.heard }
			is := hoststate.Standing{
				Status: hoststate.Down, Since: now, CheckedAt: now, Reason: metric.ReasonAuthRefused, Votes: row.votes, Regions: row.regions,
				Checks: []hoststate.Word{{Check: "squid_auth"}},
			}
			p.tell(now, time.Minute, []statusbar.Component{{Host: statusbar.Host{ID: "a"}, Standing: is, Outcomes: []check.Outcome{row.outcome}}})
			p.close()
			p = openPast(t.Context(), dir, slog.New(slog.DiscardHandler)) // nobody is asked any more
			defer p.close()
			events, err := p.events(t.Context(), "a")
			if err != nil || len(events) != 1 {
				t.Fatalf("%v, %v", events, err)
			}
			if e := events[0]; fmt.Sprintf("%s | %s | %s", e.Fault, e.Text, e.Others) != row.want {
				t.Errorf("on its page: %s | %s | %s, want %s", e.Fault, e.Text, e.Others, row.want)
			}
			var told strings.Builder
			if err := changes(t.Context(), &told, p.History, "a", 1); err != nil {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(row.want, " | ") {
				if !strings.Contains(told.String(), part) {
					t.Errorf("why says\n%s without %q", told.String(), part)
				}
			}
		})
	}
}

// TestWhatResumesDoesNotRewrite tells states that hide another for a while.
func TestWhatResumesDoesNotRewrite(t *testing.T) {
	type step struct {
		at, since int // minutes
		status    hoststate.Status
	}
	for _, row := range []struct {
		situation string
		steps     []step
		want      string // minutes up, degraded, down, in maintenance
	}{
		{"up all the time", []step{{2, 0, hoststate.Up}, {4, 0, hoststate.Up}, {10, 0, hoststate.Up}}, "10 0 0 0"},
		{"an outage is dated back", []step{{2, 0, hoststate.Up}, {6, 0, hoststate.Up}, {8, 4, hoststate.Down}, {10, 4, hoststate.Down}}, "4 0 6 0"},
		{"and over", []step{{2, 0, hoststate.Up}, {8, 4, hoststate.Down}, {10, 9, hoststate.Up}}, "5 0 5 0"},
		{"maintenance hides that it is up", []step{{2, 0, hoststate.Up}, {6, 4, hoststate.Maintenance}, {8, 4, hoststate.Maintenance}, {10, 0, hoststate.Up}}, "6 0 0 4"},
		{"maintenance hides that it is down", []step{{2, 0, hoststate.Down}, {6, 4, hoststate.Maintenance}, {10, 0, hoststate.Down}}, "0 0 8 2"},
		{"it fell under maintenance", []step{{2, 0, hoststate.Up}, {6, 4, hoststate.Maintenance}, {10, 8, hoststate.Down}}, "4 0 2 4"},
		{"nobody could tell for a while", []step{{2, 0, hoststate.Up}, {6, 3, hoststate.Unknown}, {8, 3, hoststate.Unknown}, {10, 0, hoststate.Up}}, "5 0 0 0"},
		{"the first verdict is dated back", []step{{2, -99, hoststate.Unknown}, {6, 1, hoststate.Down}, {10, 1, hoststate.Down}}, "0 0 9 0"},
		{"nothing was told for long", []step{{2, 0, hoststate.Up}, {10, 9, hoststate.Up}}, "3 0 0 0"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			p := openPast(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
			defer p.close()
			now := time.Now().Truncate(time.Minute)
			minute := func(n int) time.Time { return now.Add(time.Duration(n) * time.Minute) }
			for _, s := range row.steps {
				h := statusbar.Component{Host: statusbar.Host{ID: "a"}, Standing: hoststate.Standing{Status: s.status, Since: minute(s.since), CheckedAt: minute(s.at)}}
				if s.since < 0 {
					h.Standing = hoststate.Standing{}
				}
				p.tell(minute(s.at), 5*time.Minute, []statusbar.Component{h})
			}
			var sum statusbar.Day
			for _, d := range p.days("a", minute(10)) {
				sum.Up, sum.Degraded, sum.Down, sum.Maintenance = sum.Up+d.Up, sum.Degraded+d.Degraded, sum.Down+d.Down, sum.Maintenance+d.Maintenance
			}
			if got := fmt.Sprintf("%d %d %d %d", sum.Up/60, sum.Degraded/60, sum.Down/60, sum.Maintenance/60); got != row.want {
				t.Errorf("minutes up, degraded, down and in maintenance: %s, want %s", got, row.want)
			}
		})
	}
}

// TestNoHistory starts with a history that nobody can open: the status goes on without.
func TestNoHistory(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	if err := os.Mkdir(filepath.Join(dir, historyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	p := openPast(t.Context(), dir, slog.New(slog.NewTextHandler(&said, nil)))
	for _, want := range []string{"there is no history: uptimes begin with this start, and nothing is kept", "unable to open database file"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log does not say %q: %s", want, said.String())
		}
	}
	h := []statusbar.Component{{Host: statusbar.Host{ID: "a"}, Standing: hoststate.Standing{Status: hoststate.Up, Since: now, CheckedAt: now}}}
	p.tell(now.Add(time.Minute), time.Minute, h)
	p.flush(t.Context(), now.Add(time.Minute))
	if h[0].Coverage.Day == nil || up(p.days("a", now.Add(time.Minute))) != 60 || len(p.changes()) != 1 {
		t.Errorf("without a file nothing is known: %+v", h[0])
	}
	if all, err := p.events(t.Context(), "a"); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	p.close()
}

// up is for how long of all the days.
func up(days []statusbar.Day) uint32 {
	n := uint32(0)
	for _, d := range days {
		n += d.Up
	}
	return n
}
