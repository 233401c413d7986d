package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"milepost/lib/control"
	"milepost/lib/history"
	"milepost/lib/hoststate"
	"milepost/lib/verdict"
)

// whyFlags are the options of the command why.
type whyFlags struct {
	socketOption `embed:""`
	Last         int `short:"n" placeholder:"N" help:"How many of its last changes are told."`
}

// whyCommand tells what a host is, why, and what it was before: by the exporter that
// runs, or from its history if none does.
func whyCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	flags := whyFlags{Last: 10}
	operands, done, err := parse("why", &flags, args, 1, 1, out)
	if err != nil || done {
		return exitOf(err), err
	}
	client, dir, err := flags.client()
	if err != nil {
		return 1, err
	}
	host := operands[0]
	err = client.Follow(ctx, http.MethodGet, "/why", url.Values{"host": {host}, "last": {fmt.Sprint(flags.Last)}}, out)
	var absent *control.Absent
	if !errors.As(err, &absent) {
		return exitOf(err), err
	}
	path := filepath.Join(dir, historyFile)
	if _, missing := os.Stat(path); missing != nil {
		return 1, err
	}
	fmt.Fprintf(out, "%s: no exporter runs here, so nobody knows what it is now\n", host)
	err = fromHistory(ctx, out, path, host, flags.Last)
	return exitOf(err), err
}

// fromHistory tells what the file knows.
func fromHistory(ctx context.Context, out io.Writer, path, host string, last int) error {
	h, err := history.Open(ctx, path, time.Now(), nil)
	if err != nil {
		return err
	}
	defer h.Close()
	return changes(ctx, out, h, host, last)
}

// changes tells the last changes of a host, the newest first.
func changes(ctx context.Context, out io.Writer, h *history.History, host string, last int) error {
	all, err := h.Transitions(ctx, host, last)
	if err != nil {
		return fmt.Errorf("reading the history of %q: %w", host, err)
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "no change of it is known")
	}
	for _, t := range all {
		fmt.Fprintf(out, "\n%s  %s to %s", t.Since.UTC().Format(time.RFC3339), t.From, t.To)
		if late := t.Told.Sub(t.Since).Round(time.Second); late > 0 {
			fmt.Fprintf(out, ", told %v later", late)
		}
		if t.Reason != "" {
			fmt.Fprintf(out, ": %s", t.Reason)
		}
		if t.Fault != "" {
			fmt.Fprintf(out, ", fault: %s", t.Fault)
		}
		fmt.Fprintln(out)
		for _, text := range []string{t.Text, t.Others} {
			if text != "" {
				fmt.Fprintf(out, "    %s\n", text)
			}
		}
	}
	return nil
}

// tellWhy answers the command.
func (m *monitor) tellWhy(w http.ResponseWriter, r *http.Request) {
	name, now := r.URL.Query().Get("host"), time.Now()
	if _, ok := m.host(name); !ok {
		answer(w, nil, noHost(name, names(m.watching())))
		return
	}
	last := 10
	_, _ = fmt.Sscan(r.URL.Query().Get("last"), &last)
	m.present(w, name, now)
	if err := changes(r.Context(), w, m.past.History, name, min(max(last, 1), 100)); err != nil {
		fmt.Fprintln(w, err)
	}
}

// present tells what a host is now and by what.
func (m *monitor) present(out io.Writer, name string, now time.Time) {
	s, others := m.standings.Stand(name, now), m.standings.Heard(name)
	is := s.Status.String()
	if s.Work != nil {
		is = "in " + is
	}
	fmt.Fprintf(out, "%s is %s", name, is)
	if !s.Since.IsZero() {
		fmt.Fprintf(out, " since %s", s.Since.UTC().Format(time.RFC3339))
	}
	if s.Reason != "" {
		fmt.Fprintf(out, ": %s", s.Reason)
	}
	if s.Flapping {
		fmt.Fprint(out, ", flapping")
	}
	fmt.Fprintln(out)
	if s.Votes != nil {
		fmt.Fprintf(out, "vantages that see it up: %d, down: %d, not at all: %d\n", s.Votes.Up, s.Votes.Down, s.Votes.Unknown)
	}
	if len(s.Regions) > 0 {
		fmt.Fprintf(out, "down as seen from %s\n", strings.Join(s.Regions, ", "))
	}
	if s.Work != nil {
		fmt.Fprintf(out, "maintenance until %s: %s; beneath it the host is %v\n", s.Work.Until.UTC().Format(time.RFC3339), s.Work.Reason, s.Work.Beneath)
	}
	if s.LastKnown != hoststate.Unknown {
		fmt.Fprintf(out, "it was %v before\n", s.LastKnown)
	}
	for _, o := range m.board.Of(name) {
		fmt.Fprintf(out, "%s %v: %s (%s, %v ago)\n", o.Check, o.Status, o.Summary, faultOf(o.Verdict), now.Sub(o.At).Round(time.Second))
	}
	if others.Said != "" {
		fmt.Fprintf(out, "asked about it %v ago: %s\n", now.Sub(others.Asked).Round(time.Second), others.Said)
	}
	if last := m.check().Last(); last.Why != "" {
		fmt.Fprintf(out, "this monitor: %s\n", last.Why)
	}
}

func faultOf(v verdict.Verdict) string {
	if v.Fault == "" {
		return "no fault"
	}
	return "fault: " + string(v.Fault)
}
