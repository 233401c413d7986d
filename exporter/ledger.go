package main

import (
	"context"
	"fmt"
	"io"

	"milepost/lib/ledger"
)

// ledgerFlags are the options of the command ledger.
type ledgerFlags struct {
	configOption `embed:""`
	Ledger       string `placeholder:"PATH" help:"The ledger; the inventory's billing.ledger if not given."`
}

// ledgerCommand looks after a ledger, which may be written meanwhile.
func ledgerCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	var flags ledgerFlags
	words, done, err := parse("ledger", &flags, args, 1, 2, out)
	if err != nil || done {
		return exitOf(err), err
	}
	if words[0] == "schema" && len(words) == 1 {
		_, err := io.WriteString(out, ledger.CentralSchema())
		return exitOf(err), err
	}
	where, err := usageFlags{configOption: flags.configOption, Ledger: flags.Ledger}.place()
	if err != nil {
		return 1, err
	}
	if where.central.URL != "" {
		return 1, fmt.Errorf("%s is for a ledger of this machine: name its file with --ledger", words[0])
	}
	p := progressOn(faults)
	switch {
	case words[0] == "check" && len(words) == 1:
		if err = p.during("checking the ledger", func() error { return ledger.Check(ctx, where.path) }); err == nil {
			fmt.Fprintf(out, "ledger %q is whole, and its books balance\n", where.path)
		}
	case words[0] == "backup" && len(words) == 2:
		if err = p.during("copying the ledger", func() error { return ledger.Backup(ctx, where.path, words[1]) }); err == nil {
			fmt.Fprintf(out, "ledger %q is backed up as %q\n", where.path, words[1])
		}
	case words[0] == "adopt" && len(words) == 2:
		if err = ledger.Adopt(ctx, where.path, words[1]); err == nil {
			fmt.Fprintf(out, "ledger %q goes on as %s\n", where.path, words[1])
		}
	default:
		err = fmt.Errorf("%q: write check, backup FILE, adopt ID, or schema", words)
	}
	return exitOf(err), err
}
