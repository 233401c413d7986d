package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"milepost/lib/hoststate"
)

// A drill breaks one part of this monitor, in a copy of it that nobody but the drill
// looks at: with the inventory, the references and the self-check of the one that runs,
// and a board, hosts' states and a page of its own, which is never published. Nothing
// else on the machine is touched. Then every check of every host fails, as it would,
// and the page must turn grey: neither red nor green.

const (
	// drillLimit is how long a drill takes at most.
	drillLimit = 5 * time.Minute

	// drillRounds is how many bad rounds every host has: more than it takes to be down.
	drillRounds = hoststate.Fall + 2

	// drillStep is from one round of it to the next, and drillPatience in how many the
	// monitor must have noticed.
	drillStep     = time.Second
	drillPatience = 15
)

// drillParts is what can be broken.
func drillParts() []string { return []string{"resolver", "route", "clock", "scheduler"} }

// drillFlags are the options of the command drill.
type drillFlags struct {
	socketOption `embed:""`
	Yes          bool   `help:"Do it."`
	Break        string `placeholder:"PART" help:"What is broken: resolver, route, clock or scheduler."`
}

// drillCommand has the exporter that runs prove that it would not lie.
func drillCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	var flags drillFlags
	_, done, err := parse("drill", &flags, args, 0, 0, out)
	switch {
	case err != nil || done:
		return exitOf(err), err
	case !slices.Contains(drillParts(), flags.Break):
		return 1, fmt.Errorf("--break: %q is none of %s", flags.Break, strings.Join(drillParts(), ", "))
	case !flags.Yes:
		return 1, fmt.Errorf("this breaks the %s in a copy of the monitor that runs, for some seconds and five minutes at most, and publishes nothing: say --yes", flags.Break)
	}
	client, _, err := flags.client()
	if err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(ctx, drillLimit)
	defer cancel()
	var said bytes.Buffer
	if err := client.Follow(ctx, http.MethodPost, "/drill", url.Values{"break": {flags.Break}}, io.MultiWriter(out, &said)); err != nil {
		return 1, err
	}
	if !strings.Contains(said.String(), "\n"+proven) {
		return 2, nil
	}
	return 0, nil
}

// proven begins the last line of a drill that went well.
const proven = "PROVEN: "

// drillOver answers the command, line by line.
func (m *monitor) drillOver(w http.ResponseWriter, r *http.Request) {
	part := r.URL.Query().Get("break")
	if !slices.Contains(drillParts(), part) {
		answer(w, nil, fmt.Errorf("%q is none of %s", part, strings.Join(drillParts(), ", ")))
		return
	}
	if !m.drilling.CompareAndSwap(false, true) {
		answer(w, nil, errors.New("another drill is under way"))
		return
	}
	defer m.drilling.Store(false)
	flush := http.NewResponseController(w)
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(w, "%5.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
		_ = flush.Flush() // a client that is gone misses nothing
	}
	f := m.watching()
	m.log.Info("a drill begins", "breaks", part)
	err := runDrill(r.Context(), f, checkerConfig(f, ""), part, say)
	switch {
	case err != nil:
		fmt.Fprintf(w, "NOT PROVEN: %v\n", err)
	default:
		fmt.Fprintf(w, "%swith its %s broken, this monitor turns grey: never red, and not green again\n", proven, part)
	}
	m.log.Info("the drill ended", "broke", part, "proven", err == nil, "why", err)
}
