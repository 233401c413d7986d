package main

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/maintenance"
	"milepost/lib/metric"
	"milepost/lib/schedule"
	"milepost/lib/verdict"
)

// fleetOf is so many hosts, spread over so many providers.
func fleetOf(hosts, providers int) *fleet.Fleet {
	f := fleet.Defaults()
	for i := range hosts {
		h := fleet.Host{Identity: fleet.Identity{Name: fmt.Sprintf("h%d", i), Group: "eu"}, Labels: map[string]string{"provider": fmt.Sprint(i % providers)}}
		h.Checks = []check.Check{{Name: "squid_auth"}}
		f.Hosts = append(f.Hosts, h)
	}
	return f
}

func newStandings(f *fleet.Fleet) *standings {
	s := &standings{log: slog.New(slog.DiscardHandler), board: &schedule.Board{}}
	s.watch(f, nil)
	return s
}

// round gives the host a round that says so.
func (s *standings) round(host string, says verdict.Status, at time.Time) (after time.Duration, again bool) {
	v := verdict.Verdict{Status: says}
	if says != verdict.OK {
		v.Reason = metric.ReasonRefused
	}
	_, after, again = s.take(schedule.Round{Host: host, Ended: at, Outcomes: []check.Outcome{{Check: "squid_auth", Host: host, At: at, Verdict: v}}})
	return after, again
}

// In a landslide nobody is called down before he was looked at once more, at once.
func TestLandslideIsLookedAtOnceMore(t *testing.T) {
	start := time.Now()
	for _, row := range []struct {
		situation        string
		fallen, of, runs int // runs by so many providers
		rounds           int // bad ones until they are down
		wait             time.Duration
	}{
		{"one of ten", 1, 10, 5, 3, hoststate.Retry},
		{"three of ten", 3, 10, 5, 3, hoststate.Retry},
		{"four of ten, of four providers", 4, 10, 5, 4, 0},
		{"all, of one provider", 10, 10, 1, 3, hoststate.Retry},
		{"all, of ten", 10, 10, 10, 4, 0},
	} {
		s := newStandings(fleetOf(row.of, row.runs))
		down := func() (n int) {
			for i := range row.of {
				if s.stand(fmt.Sprintf("h%d", i), start).Status == hoststate.Down {
					n++
				}
			}
			return n
		}
		for i := range row.of {
			s.round(fmt.Sprintf("h%d", i), verdict.OK, start)
		}
		var after time.Duration
		for n := 1; n <= row.rounds; n++ {
			if down() > 0 {
				t.Errorf("%s: %d are down after %d bad rounds", row.situation, down(), n-1)
			}
			for i := range row.fallen {
				after, _ = s.round(fmt.Sprintf("h%d", i), verdict.Critical, start.Add(time.Duration(n)*10*time.Second))
			}
		}
		if down() != row.fallen || after != row.wait {
			t.Errorf("%s: %d are down after %d bad rounds, %v apart", row.situation, down(), row.rounds, after)
		}
	}
}

func TestMaintenanceMasksNobodyElse(t *testing.T) {
	now := time.Now()
	f := fleetOf(2, 2)
	f.Maintenance = []maintenance.Window{{Hosts: []string{"h0"}, From: now.Add(-time.Hour), To: now.Add(time.Hour), Reason: "disk"}}
	s := newStandings(f)
	s.calendar = &maintenance.Calendar{}
	s.calendar.Replace(f.Maintenance)
	for n := range 3 {
		for i := range 2 {
			s.round(fmt.Sprintf("h%d", i), verdict.Critical, now.Add(time.Duration(n)*time.Second))
		}
	}
	under, other := s.stand("h0", now), s.stand("h1", now)
	if under.Status != hoststate.Maintenance || under.Work.Beneath != hoststate.Down || under.Work.Reason != "disk" || other.Status != hoststate.Down {
		t.Errorf("%+v, %+v", under, other)
	}
	if page := hoststate.RollUp([]hoststate.Standing{under, other}, hoststate.Monitor{Total: 1, Healthy: 1}, false); page.Status != hoststate.Down {
		t.Errorf("the page is %v: %s", page.Status, page.Summary)
	}
	if after := s.stand("h0", now.Add(time.Hour)); after.Status != hoststate.Unknown && after.Status != hoststate.Down {
		t.Errorf("when it is over: %v", after.Status)
	}
}

func TestOnlyWhoWasNotReachedIsAskedAbout(t *testing.T) {
	for reason, want := range map[metric.Reason]bool{
		metric.ReasonConnectTimeout: true, metric.ReasonRefused: true, metric.ReasonReset: true, metric.ReasonTLS: true, metric.ReasonLoss: true,
		metric.ReasonAuthRefused: false, metric.ReasonOpenProxy: false, metric.ReasonACL: false, metric.ReasonGateway: false, metric.ReasonOrigin: false,
	} {
		if got := unreachable(hoststate.Round{Status: hoststate.Down, Reason: reason}); got != want {
			t.Errorf("%s: %v", reason, got)
		}
	}
	if unreachable(hoststate.Round{Status: hoststate.Degraded, Reason: metric.ReasonLoss}) {
		t.Error("one that is degraded was reached")
	}
}

// Where all vantages judge, what this one sees decides nothing.
func TestManyVantages(t *testing.T) {
	now := time.Now()
	f := fleetOf(1, 1)
	f.Status.Prometheus.URL = "http://engine"
	s := newStandings(f)
	votes := func(up, down, unknown int, n int) {
		var all []hoststate.Vote
		for i, says := range []hoststate.Status{hoststate.Up, hoststate.Down, hoststate.Unknown} {
			for j := range []int{up, down, unknown}[i] {
				name := fmt.Sprint(i, j)
				all = append(all, hoststate.Vote{Vantage: name, Provider: name, Region: name, Status: says})
			}
		}
		s.elect(func(*watched) (hoststate.Tally, time.Time) {
			return hoststate.Count(all), now.Add(time.Duration(n) * time.Second)
		}, now)
	}
	stand := func() string {
		h := s.stand("h0", now)
		return fmt.Sprintf("%v %s %v", h.Status, h.Reason, h.LastKnown)
	}
	for n := range 3 {
		s.round("h0", verdict.Critical, now.Add(time.Duration(n)*time.Second))
	}
	if got := stand(); got != "unknown not_measured unknown" {
		t.Errorf("before any vote: %s", got)
	}
	if m := s.seen(); m.Sight() != hoststate.Blind {
		t.Errorf("before any vote the monitor is %v", m.Sight())
	}
	for i, row := range []struct {
		situation         string
		up, down, unknown int
		rounds            int
		want              string
	}{
		{"all others see it up", 2, 1, 0, 3, "degraded refused unknown"},
		{"all see it up", 3, 0, 0, 2, "up  unknown"},
		{"two of three see it down: not yet", 1, 2, 0, 3, "degraded refused unknown"},
		{"and still do", 1, 2, 0, 3, "down refused unknown"},
		{"no quorum", 0, 1, 2, 1, "unknown no_quorum down"},
		{"a quorum again, and all see it up", 3, 0, 0, 1, "up  unknown"},
		{"all see it down", 0, 3, 0, 3, "down refused unknown"},
	} {
		for n := range row.rounds {
			votes(row.up, row.down, row.unknown, 10*i+n)
		}
		if got := stand(); got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}
