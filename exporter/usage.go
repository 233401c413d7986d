package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/fleet"
	"milepost/lib/ledger"
)

// usageFlags are the options of the command usage.
type usageFlags struct {
	configOption `embed:""`
	From         string         `placeholder:"DATE" help:"First moment that counts: 2026-11-01, 2026-11 (its first day), or RFC 3339; with --log to the second, of a ledger to the quarter of an hour."`
	To           string         `placeholder:"DATE" help:"First moment that does not count any more."`
	Timezone     string         `placeholder:"ZONE" help:"Zone of dates, hours, days and months; the inventory's billing.timezone, else UTC."`
	By           []string       `placeholder:"KEY,..." help:"What a row is: user, server, hour, day, month."`
	Format       string         `placeholder:"FORMAT" help:"table, csv or json."`
	Ledger       string         `placeholder:"PATH|URL" help:"The ledger to ask: a file, or the fleet's, postgres://user@host/database without a password (PGPASSFILE, or the inventory's publish_password_file); the inventory's billing.ledger if not given."`
	Log          []string       `sep:"none" placeholder:"FILE" help:"Count these logs, plain or .gz, or - for standard input, without a ledger; may be given again."`
	LogFormat    accesslog.Spec `placeholder:"FORMAT" help:"What the logs of --log look like: native, bill, or as squid.conf spells it after logformat; the inventory's billing.format, else native."`
	Exclude      []string       `name:"exclude-users" sep:"none" placeholder:"USER" help:"With --log: leave this user out; may be given again."`
	Holes        bool           `help:"Show what could not be counted, too."`
	Raw          bool           `help:"CSV without the apostrophe that keeps a spreadsheet from running a name as a formula."`
}

// Exit codes of usage.
const (
	exitWrongInput = 1
	exitHoles      = 3
)

// usageCommand prints who used how much. It ends with 3 if the range has holes.
func usageCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	flags := usageFlags{By: []string{"user"}, Format: "table"}
	more, done, err := parse("usage", &flags, args, 0, 1<<20, out)
	if err != nil || done {
		return exitOf(err), err
	}
	if len(more) == 2 && more[0] == "forget" && len(flags.Log) == 0 {
		err := flags.forget(ctx, more[1], out, faults)
		return exitOf(err), err
	}
	if len(more) > 0 && len(flags.Log) == 0 {
		return exitWrongInput, fmt.Errorf("unexpected argument %q: logs are named with --log", more[0])
	}
	flags.Log = append(flags.Log, more...) // --log a b c, as a shell's * makes of it
	if len(flags.Log) > 0 && flags.Ledger != "" {
		return exitWrongInput, errors.New("--log counts logs without a ledger: leave --ledger out, or --log")
	}
	inventory, err := flags.inventory()
	if err != nil {
		return exitWrongInput, err
	}
	q, err := flags.query(inventory)
	if err != nil {
		return exitWrongInput, err
	}
	rows, holes, err := flags.ask(ctx, inventory, q, faults)
	if err != nil {
		return exitWrongInput, err
	}
	output := ledger.Output{Format: flags.Format, By: flags.By, Raw: flags.Raw, Holes: flags.Holes}
	if err := output.Write(out, rows, holes); err != nil {
		return exitWrongInput, fmt.Errorf("writing: %w", err)
	}
	if len(holes) == 0 {
		return 0, nil
	}
	if flags.Format == "csv" { // which has no place for it
		flags.tell(faults, holes)
	}
	return exitHoles, nil
}

// tell says that something could not be counted, and with --holes what.
func (f usageFlags) tell(faults io.Writer, holes []ledger.Hole) {
	const incomplete = "milepost-exporter usage: incomplete: "
	if !f.Holes {
		fmt.Fprintf(faults, "%s%s: --holes shows what\n", incomplete, ledger.Incomplete(holes))
		return
	}
	fmt.Fprintf(faults, "%s%s:\n", incomplete, ledger.Incomplete(holes))
	for _, h := range holes {
		fmt.Fprintf(faults, "%v\n", h)
	}
}

// inventory is the one that was named; nil if none was.
func (f usageFlags) inventory() (*fleet.Fleet, error) {
	if f.ConfigFile == "" {
		return nil, nil
	}
	return fleet.Load(f.ConfigFile, served())
}

// ask asks the ledger, or counts the logs that were named.
func (f usageFlags) ask(ctx context.Context, inventory *fleet.Fleet, q ledger.Query, faults io.Writer) (rows []ledger.Row, holes []ledger.Hole, err error) {
	if len(f.Log) == 0 {
		where, err := f.place()
		if err != nil {
			return nil, nil, err
		}
		ask := func() (err error) {
			rows, holes, err = ledger.Usage(ctx, where.path, q)
			return err
		}
		if where.central.URL != "" {
			ask = func() (err error) {
				rows, holes, err = where.central.Usage(ctx, q)
				return err
			}
		}
		err = progressOn(faults).during("asking the ledger", ask)
		return rows, holes, err
	}
	c := ledger.Config{Server: serverName(""), Format: "native"}
	if inventory != nil {
		b := inventory.Billing
		c = ledger.Config{Server: serverName(b.Server), Format: string(b.Format), Exclude: b.ExcludeUsers}
	}
	if f.LogFormat != "" {
		c.Format = string(f.LogFormat)
	}
	c.Exclude = append(c.Exclude, f.Exclude...)
	p := progressOn(faults)
	defer p.clear()
	c.Notice = func(text string) {
		p.clear()
		fmt.Fprintf(faults, "milepost-exporter usage: %s\n", text)
	}
	return ledger.Count(ctx, f.Log, c, q, p.show)
}

// query is what was asked. Dates are those of --timezone, else of the inventory's.
func (f usageFlags) query(inventory *fleet.Fleet) (ledger.Query, error) {
	zone := f.Timezone
	if zone == "" {
		zone = "UTC"
		if inventory != nil {
			zone = inventory.Billing.Timezone
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" { // which is another's everywhere
		return ledger.Query{}, fmt.Errorf("timezone %q is unknown: write it as Europe/Berlin, or UTC", zone)
	}
	q := ledger.Query{Zone: location, By: f.By}
	for _, end := range []struct {
		option, text string
		at           *time.Time
	}{{"--from", f.From, &q.From}, {"--to", f.To, &q.To}} {
		if end.text == "" {
			continue
		}
		if *end.at, err = ledger.ParseMoment(end.text, location); err != nil {
			return q, fmt.Errorf("%s: %w", end.option, err)
		}
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, fmt.Errorf("--from %s is not before --to %s: there is nothing between", f.From, f.To)
	}
	return q, nil
}

// forget is "usage forget USER": the name goes, the sums stay.
func (f usageFlags) forget(ctx context.Context, user string, out, faults io.Writer) error {
	where, err := f.place()
	if err != nil {
		return err
	}
	var name string
	err = progressOn(faults).during("forgetting", func() (err error) {
		if where.central.URL != "" {
			name, err = where.central.Forget(ctx, user)
		} else {
			name, err = ledger.Forget(ctx, where.path, user)
		}
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s now. Logs and backups still hold the name.\n", user, name)
	return nil
}
