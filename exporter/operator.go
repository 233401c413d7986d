package main

import (
	"context"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/statusbar"
)

// operatorSees is what the operator's pages show and nobody else may see.
func (m *monitor) operatorSees() statusbar.Operator {
	return statusbar.Operator{Labels: m.labels, Usage: m.topUsers, Others: m.others, Past: m.past.stretches, Events: m.past.events}
}

func (m *monitor) labels(name string) map[string]string {
	host, _ := m.host(name) // one that is gone has none
	return host.Labels
}

func (m *monitor) others(name string) (said string, asked time.Time) {
	heard := m.standings.Heard(name)
	return heard.Said, heard.Asked
}

// mostUsers is how many users the page shows: `usage` has them all.
const mostUsers = 10

// topUsers are the users that were sent the most, by the names of /metrics/users.
func (m *monitor) topUsers() []statusbar.Usage {
	var all []statusbar.Usage
	for _, c := range m.billing.top(mostUsers) {
		all = append(all, statusbar.Usage{User: c.User, Bytes: float64(c.Out), Requests: float64(c.Requests)})
	}
	return all
}

// stretches are the host's past as its page draws it.
func (p *past) stretches(ctx context.Context, host string, from, to time.Time, step time.Duration) ([]statusbar.Stretch, error) {
	slots, err := p.Range(ctx, host, from, to, step)
	all := make([]statusbar.Stretch, 0, len(slots))
	for _, s := range slots {
		all = append(all, statusbar.Stretch{
			Start: s.Start, Length: s.Length, Latency: s.Latency, RTT: s.Pings.RTT[3], Sent: int(s.Pings.Sent), Lost: int(s.Pings.Lost),
		})
	}
	return all, err
}

// eventsShown is how many changes a host's page shows.
const eventsShown = 50

func (p *past) events(ctx context.Context, host string) ([]statusbar.Event, error) {
	transitions, err := p.Transitions(ctx, host, eventsShown)
	all := make([]statusbar.Event, 0, len(transitions))
	for _, t := range transitions {
		e := statusbar.Event{Since: t.Since, From: t.From, To: t.To, Reason: t.Reason, Fault: t.Fault, Text: t.Text, Others: t.Others}
		if t.To == hoststate.Up {
			e.Fault, e.Text = "", "" // what is still not well has no part in it
		}
		all = append(all, e)
	}
	return all, err
}
