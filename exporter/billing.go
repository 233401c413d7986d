package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strings"

	"milepost/lib/crew"
	"milepost/lib/fleet"
	"milepost/lib/ledger"
	"milepost/lib/metric"
	"milepost/lib/secret"
	"milepost/lib/statusbar"
)

// serverName is this machine's name in the ledger.
func serverName(configured string) string {
	if configured != "" {
		return configured
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}

// billing is the counting of this machine's squid; it counts nothing where no
// log is named.
type billing struct {
	ledger *ledger.Ledger // nil = nothing is counted
	server string
	expose bool
	log    *slog.Logger
}

func openBilling(f *fleet.Fleet, dir string, log *slog.Logger) (*billing, error) {
	b := &billing{server: serverName(f.Billing.Server), expose: f.Billing.ExposeUsers, log: log}
	if len(f.Billing.AccessLog) == 0 {
		return b, nil
	}
	if strings.Contains(f.Billing.Ledger, "://") {
		return nil, errors.New("billing: the ledger is a file: name its path")
	}
	key, err := secret.File(f.Billing.PseudonymKeyFile).Read()
	if err != nil {
		return nil, fmt.Errorf("billing: pseudonym_key_file: %w", err)
	}
	b.ledger, err = ledger.Open(context.Background(), ledger.Config{
		Server: b.server, Globs: f.Billing.AccessLog, Format: string(f.Billing.Format), Start: f.Billing.Start,
		Exclude: f.Billing.ExcludeUsers, Timezone: f.Billing.Timezone, KeepBuckets: f.Billing.KeepBuckets,
		Path: ledgerFile(f, dir), TopUsers: f.Billing.TopUsers, Pseudonyms: key,
		Notice: func(text string) { log.Warn(text) },
	})
	return b, err
}

// follow counts until ctx ends. What breaks the counting does not break the rest.
func (b *billing) follow(ctx context.Context) {
	if b.ledger == nil {
		return
	}
	var counting crew.Crew
	counting.Go(func() {
		if err := b.ledger.Follow(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("counting has stopped", "why", err)
		}
	})
	counting.Wait()
	if err := b.ledger.Close(); err != nil {
		b.log.Error("closing the ledger", "why", err)
	}
}

func (b *billing) samples(yield func(metric.Sample) bool) {
	if b.ledger != nil {
		b.ledger.Samples()(yield)
	}
}

// users are the samples of /metrics/users.
func (b *billing) users() []iter.Seq[metric.Sample] {
	if b.ledger == nil || !b.expose {
		return nil
	}
	return []iter.Seq[metric.Sample]{b.ledger.UserSamples()}
}

func (b *billing) bytes() map[string]statusbar.Bytes {
	if b.ledger == nil {
		return nil
	}
	total, day := b.ledger.Bytes()
	return map[string]statusbar.Bytes{b.server: {Total: total, Day: day}}
}
