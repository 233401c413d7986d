package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"milepost/lib/maintenance"
)

// maintenanceFlags are the options of the command maintenance.
type maintenanceFlags struct {
	socketOption `embed:""`
	For          time.Duration `name:"for" placeholder:"DURATION" help:"start: how long it lasts, such as 2h."`
	From         string        `placeholder:"TIME" help:"start: when it begins, if not now."`
	Until        string        `placeholder:"TIME" help:"start: when it ends."`
	Weekly       string        `placeholder:"TIME" help:"start: every week at that time, such as 'Sun 02:00-04:00', until somebody ends it."`
	Timezone     string        `placeholder:"ZONE" help:"start: of --from, --until and --weekly, such as Europe/Berlin."`
	Group        []string      `sep:"none" placeholder:"GROUP" help:"start: a group whose hosts it is of; repeatable."`
	Reason       string        `placeholder:"TEXT" help:"start: why, for those who read the operator's page."`
}

// maintenanceCommand starts, ends and lists windows of maintenance at the exporter
// that runs.
func maintenanceCommand(ctx context.Context, args []string, out, _ io.Writer) (int, error) {
	flags := maintenanceFlags{Timezone: "UTC"}
	operands, done, err := parse("maintenance", &flags, args, 1, 1000, out)
	if err != nil || done {
		return exitOf(err), err
	}
	client, _, err := flags.client()
	if err != nil {
		return 1, err
	}
	var windows []shownWindow
	switch verb, rest := operands[0], operands[1:]; verb {
	case "start":
		var w maintenance.Window
		if w, err = flags.window(rest, time.Now()); err == nil {
			err = client.Ask(ctx, http.MethodPost, "/maintenance", nil, w, &windows)
		}
	case "end":
		if len(rest) == 0 {
			return 1, errors.New("end: name the window, or its host or group: see milepost-exporter maintenance list")
		}
		err = client.Ask(ctx, http.MethodDelete, "/maintenance", url.Values{"window": rest}, nil, &windows)
	case "list":
		err = client.Ask(ctx, http.MethodGet, "/maintenance", nil, nil, &windows)
	default:
		return 1, fmt.Errorf("no %q: start, end or list", verb)
	}
	if err != nil {
		return 1, err
	}
	if operands[0] == "list" && len(windows) == 0 {
		fmt.Fprintln(out, "no maintenance is announced")
		return 0, nil
	}
	if operands[0] == "end" {
		return 0, writeEnded(out, windows)
	}
	return 0, writeWindows(out, windows)
}

// window is what the options say.
func (f maintenanceFlags) window(hosts []string, now time.Time) (maintenance.Window, error) {
	zone, err := maintenance.ParseZone(f.Timezone)
	if err != nil {
		return maintenance.Window{}, fmt.Errorf("--timezone: %w", err)
	}
	w := maintenance.Window{Hosts: hosts, Groups: f.Group, Reason: f.Reason}
	if f.Weekly != "" {
		if f.From != "" || f.Until != "" || f.For != 0 {
			return w, errors.New("--weekly excludes --from, --until and --for: a window is either once or every week")
		}
		if err := w.Weekly.UnmarshalText([]byte(f.Weekly)); err != nil {
			return w, fmt.Errorf("--weekly: %w", err)
		}
		w.Zone = zone
		return w, w.Validate()
	}
	w.From = now.UTC().Truncate(time.Second)
	if f.From != "" {
		if w.From, err = maintenance.Time(f.From, zone.Location()); err != nil {
			return w, fmt.Errorf("--from: %w", err)
		}
	}
	switch {
	case f.For < 0:
		return w, fmt.Errorf("--for: %v is negative", f.For)
	case f.For > 0 && f.Until != "":
		return w, errors.New("--for and --until exclude each other: both say when it ends")
	case f.For == 0 && f.Until == "":
		return w, errors.New("one of --for, --until and --weekly is needed: maintenance that nobody ends would hide outages")
	case f.For > 0:
		w.To = w.From.Add(f.For)
	default:
		if w.To, err = maintenance.Time(f.Until, zone.Location()); err != nil {
			return w, fmt.Errorf("--until: %w", err)
		}
	}
	return w, w.Validate()
}

// A shownWindow is a window with whether it is under way.
type shownWindow struct {
	maintenance.Window
	Now bool `json:"now"`
}

func shown(all []maintenance.Window, now time.Time) []shownWindow {
	windows := []shownWindow{}
	for _, w := range all {
		s := shownWindow{Window: w}
		_, _, s.Now = w.At(now)
		windows = append(windows, s)
	}
	return windows
}

// of is whom a window concerns.
func (w shownWindow) of() string {
	of := slices.Clone(w.Hosts)
	for _, g := range w.Groups {
		of = append(of, "group "+g)
	}
	return strings.Join(of, ", ")
}

// writeEnded tells of windows that are no more; one that was not under way never was.
func writeEnded(out io.Writer, windows []shownWindow) error {
	for _, w := range windows {
		fate := "will not begin"
		switch {
		case !w.Weekly.IsZero():
			fate = "will not begin again"
		case w.Now:
			fate = "has ended"
		}
		if _, err := fmt.Fprintf(out, "window %s of %s %s\n", w.ID, w.of(), fate); err != nil {
			return err
		}
	}
	return nil
}

func writeWindows(out io.Writer, windows []shownWindow) error {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "WINDOW\tNOW\tOF\tWHEN\tREASON")
	for _, w := range windows {
		when := fmt.Sprintf("%s to %s", w.From.UTC().Format(time.RFC3339), w.To.UTC().Format(time.RFC3339))
		if !w.Weekly.IsZero() {
			when = fmt.Sprintf("every %v %s", w.Weekly, w.Zone)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", cmp.Or(w.ID, "inventory"), map[bool]string{true: "yes", false: "no"}[w.Now],
			w.of(), when, w.Reason)
	}
	return table.Flush()
}

func (m *monitor) listMaintenance(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	answer(w, shown(m.calendar.List(now), now), nil)
}

func (m *monitor) startMaintenance(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var window maintenance.Window
	err := json.NewDecoder(r.Body).Decode(&window)
	if err == nil {
		err = m.known(window)
	}
	if err == nil {
		if window, err = m.calendar.Start(window, now); err == nil {
			m.log.Info("maintenance was started by hand", "window", window.ID, "hosts", window.Hosts, "groups", window.Groups,
				"from", window.From, "to", window.To, "weekly", window.Weekly, "reason", window.Reason)
			m.news.soon()
		}
	}
	answer(w, shown([]maintenance.Window{window}, now), err)
}

// known refuses a window of hosts and groups that do not exist.
func (m *monitor) known(w maintenance.Window) error {
	m.mu.Lock()
	var hosts, groups []string
	for _, h := range m.inventory.Hosts {
		hosts, groups = append(hosts, h.Name), append(groups, h.Group)
	}
	m.mu.Unlock()
	for _, name := range w.Hosts {
		if name != maintenance.All && !slices.Contains(hosts, name) {
			return noHost(name, hosts)
		}
	}
	for _, name := range w.Groups {
		if name == "" || !slices.Contains(groups, name) {
			return fmt.Errorf("no host of the inventory is in a group %q", name)
		}
	}
	return nil
}

func (m *monitor) endMaintenance(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	ended, err := m.calendar.End(r.URL.Query()["window"], now)
	if err == nil {
		for _, one := range ended {
			m.log.Info("maintenance was ended by hand", "window", one.ID, "hosts", one.Hosts, "groups", one.Groups)
		}
		m.news.soon()
	}
	answer(w, shown(ended, now), err)
}
