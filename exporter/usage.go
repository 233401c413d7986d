package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/ledger"
)

// usageFlags are the options of the command usage.
type usageFlags struct {
	configOption `embed:""`
	From         string   `placeholder:"DATE" help:"First moment that counts: 2026-11-01, or RFC 3339."`
	To           string   `placeholder:"DATE" help:"First moment that does not count any more."`
	Timezone     string   `placeholder:"ZONE" help:"Zone of dates, hours, days and months; the inventory's billing.timezone, else UTC."`
	By           []string `placeholder:"KEY,..." help:"What a row is: user, server, hour, day, month."`
	Format       string   `placeholder:"FORMAT" help:"table, csv or json."`
	Ledger       string   `placeholder:"PATH" help:"The ledger to ask; the inventory's billing.ledger if not given."`
	Log          []string `sep:"none" placeholder:"FILE" help:"Count these logs, plain or .gz, without a ledger; may be given again."`
	LogFormat    string   `placeholder:"native|bill" help:"What the logs of --log look like."`
	Exclude      []string `name:"exclude-users" sep:"none" placeholder:"USER" help:"With --log: leave this user out; may be given again."`
	Holes        bool     `help:"Show what could not be counted, too."`
	Raw          bool     `help:"CSV without the apostrophe that keeps a spreadsheet from running a name as a formula."`
}

// Exit codes of usage.
const (
	exitWrongInput = 1
	exitHoles      = 3
)

// usageCommand prints who used how much. It ends with 3 if the range has holes.
func usageCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	flags := usageFlags{By: []string{"user"}, Format: "table", LogFormat: "native"}
	more, done, err := parse("usage", &flags, args, 0, 1<<20, out)
	if err != nil || done {
		return exitOf(err), err
	}
	if len(more) > 0 && len(flags.Log) == 0 {
		return exitWrongInput, fmt.Errorf("unexpected argument %q: logs are named with --log", more[0])
	}
	flags.Log = append(flags.Log, more...) // --log a b c, as a shell's * makes of it
	q, err := flags.query()
	if err != nil {
		return exitWrongInput, err
	}
	var rows []ledger.Row
	var holes []ledger.Hole
	if len(flags.Log) > 0 {
		c := ledger.Config{Server: serverName(""), Format: flags.LogFormat, Exclude: flags.Exclude, Timezone: flags.Timezone}
		p := &progress{w: faults, terminal: isTerminal(faults)}
		rows, holes, err = ledger.Count(ctx, flags.Log, c, q, p.show)
		p.clear()
	} else {
		var path string
		if path, err = flags.ledgerPath(); err == nil {
			rows, holes, err = ledger.Usage(ctx, path, q)
		}
	}
	if err != nil {
		return exitWrongInput, err
	}
	output := ledger.Output{Format: flags.Format, By: flags.By, Raw: flags.Raw, Holes: flags.Holes}
	if err := output.Write(out, rows, holes); err != nil {
		return exitWrongInput, fmt.Errorf("writing: %w", err)
	}
	if len(holes) > 0 {
		return exitHoles, nil
	}
	return 0, nil
}

func (f usageFlags) query() (ledger.Query, error) {
	zone := f.Timezone
	if zone == "" {
		zone = "UTC"
		if f.ConfigFile != "" && len(f.Log) == 0 {
			inventory, err := fleet.Load(f.ConfigFile, served())
			if err != nil {
				return ledger.Query{}, err
			}
			zone = inventory.Billing.Timezone
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return ledger.Query{}, fmt.Errorf("timezone %q is unknown: write it as Europe/Berlin, or UTC", zone)
	}
	q := ledger.Query{Zone: location, By: f.By}
	if q.From, err = moment("--from", f.From, location); err != nil {
		return q, err
	}
	if q.To, err = moment("--to", f.To, location); err != nil {
		return q, err
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, fmt.Errorf("--from %s is not before --to %s: there is nothing between", f.From, f.To)
	}
	return q, nil
}

// moment reads a date, the start of which is meant, or a time.
func moment(name, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%s: %q is no date: write 2026-11-01, 2026-11-01T15:00, or RFC 3339 with a zone", name, text)
}

// ledgerPath is where the ledger is.
func (f usageFlags) ledgerPath() (string, error) {
	if f.Ledger != "" {
		return f.Ledger, nil
	}
	inventory, err := f.load(served())
	if err != nil {
		return "", err
	}
	dir, err := stateDir(inventory.StateDir, os.Getenv("STATE_DIRECTORY"))
	if err != nil {
		return "", err
	}
	return ledgerFile(inventory, dir), nil
}

func ledgerFile(f *fleet.Fleet, dir string) string {
	if f.Billing.Ledger != "" {
		return f.Billing.Ledger
	}
	return filepath.Join(dir, "ledger.db")
}

// A progress shows how far long work is, where somebody looks.
type progress struct {
	w        io.Writer
	terminal bool
	shown    time.Time
}

func (p *progress) show(done, total int64) {
	if !p.terminal || total <= 0 || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	const width = 30
	filled := int(width * done / total)
	fmt.Fprintf(p.w, "\r[%-*s] %3d %% of %d MB", width, strings.Repeat("#", min(filled, width)), 100*done/total, total>>20)
}

func (p *progress) clear() {
	if p.terminal && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
