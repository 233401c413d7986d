package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"milepost/lib/cachemgr"
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
	ledger  atomic.Pointer[ledger.Ledger] // nil = nothing is counted
	shut    atomic.Bool                   // it should count, and cannot yet
	config  ledger.Config                 // of the ledger
	central ledger.Central                // the fleet's; its URL is "" if there is none
	manager *cachemgr.Manager             // squid's own counters; nil = they are not asked for
	server  string
	expose  bool
	log     *slog.Logger
	closed  complaint // why it cannot count yet
	refused complaint // what squid's cache manager does not tell
}

func openBilling(f *fleet.Fleet, dir string, log *slog.Logger) (*billing, error) {
	b := &billing{
		server: serverName(f.Billing.Server), expose: f.Billing.ExposeUsers, log: log,
		closed:  complaint{what: "NOTHING IS COUNTED until the ledger can be opened, which is tried again"},
		refused: complaint{what: "squid's own counters are not known"},
	}
	if f.Billing.CacheManager != "" {
		var err error
		if b.manager, err = cachemgr.New(f.Billing.CacheManager); err != nil {
			return nil, fmt.Errorf("billing: %w", err)
		}
	}
	if len(f.Billing.AccessLog) == 0 {
		return b, nil
	}
	key, err := secret.File(f.Billing.PseudonymKeyFile).Read()
	if err != nil {
		return nil, fmt.Errorf("billing: pseudonym_key_file: %w", err)
	}
	if b.central, err = centralOf(f); err != nil {
		return nil, err
	}
	b.config = ledger.Config{
		Server: b.server, Globs: f.Billing.AccessLog, Format: string(f.Billing.Format), Start: f.Billing.Start,
		Exclude: f.Billing.ExcludeUsers, Timezone: f.Billing.Timezone, KeepBuckets: f.Billing.KeepBuckets,
		Path: ledgerFile(f, dir), TopUsers: f.Billing.TopUsers, Pseudonyms: key, Fleet: b.central,
		Notice: func(text string) { log.Warn(text) },
	}
	if err = b.open(context.Background()); err != nil && len(f.Hosts) > 0 { // they are watched all the same
		b.closed.take(log, err)
		b.shut.Store(true)
		return b, nil
	}
	return b, err
}

func (b *billing) open(ctx context.Context) error {
	l, err := ledger.Open(ctx, b.config)
	if err == nil {
		b.ledger.Store(l)
	}
	return err
}

// reopenEvery is how often a ledger is tried that could not be opened: a disk may be
// full no more.
const reopenEvery = 10 * time.Second

// opened waits until the ledger is open; false if ctx ends before.
func (b *billing) opened(ctx context.Context) bool {
	again := time.NewTicker(reopenEvery)
	defer again.Stop()
	for b.shut.Load() {
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
		}
		b.reopen(ctx)
	}
	return b.ledger.Load() != nil
}

// reopen tries once more. Another cause than the last is told.
func (b *billing) reopen(ctx context.Context) {
	err := b.open(ctx)
	switch {
	case err == nil:
		b.log.Info("the ledger is open now: counting begins", "path", b.config.Path)
		b.shut.Store(false)
	case ctx.Err() == nil:
		b.closed.take(b.log, err)
	}
}

// ledgerFile is this machine's own ledger. Where the inventory names the fleet's,
// it is what is published there.
func ledgerFile(f *fleet.Fleet, dir string) string {
	if f.Billing.Ledger != "" && !ledger.IsCentral(f.Billing.Ledger) {
		return f.Billing.Ledger
	}
	return filepath.Join(dir, "ledger.db")
}

// centralOf is the fleet's ledger that the inventory names; its URL is "" if it
// names none.
func centralOf(f *fleet.Fleet) (ledger.Central, error) {
	url := f.Billing.Publish
	if url == "" && ledger.IsCentral(f.Billing.Ledger) {
		url = f.Billing.Ledger
	}
	if url == "" {
		return ledger.Central{}, nil
	}
	return central(url, f.Billing.PublishPasswordFile)
}

// central is the fleet's ledger at a URL. Its password is in the file, or among the
// unit's credentials (systemd.exec(5), LoadCredential=), or where PGPASSFILE says.
func central(url, passwordFile string) (ledger.Central, error) {
	if !ledger.IsCentral(url) {
		return ledger.Central{}, fmt.Errorf("billing: publish %q is no postgres:// URL", url)
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); passwordFile == "" && dir != "" {
		if file := filepath.Join(dir, "publish_password"); exists(file) {
			passwordFile = file
		}
	}
	password, err := secret.File(passwordFile).Read()
	if err != nil {
		return ledger.Central{}, fmt.Errorf("billing: publish_password_file: %w", err)
	}
	return ledger.Central{URL: url, Password: password}, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// follow counts until ctx ends. What breaks the counting does not break the rest.
func (b *billing) follow(ctx context.Context) {
	if !b.opened(ctx) {
		return
	}
	l := b.ledger.Load()
	var counting crew.Crew
	counting.Go(func() {
		if err := l.Follow(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("counting has stopped", "why", err)
		}
	})
	if b.central.URL != "" {
		counting.Go(func() { l.Publish(ctx) })
	}
	counting.Wait()
	if err := l.Close(); err != nil {
		b.log.Error("closing the ledger", "why", err)
	}
}

func (b *billing) samples(yield func(metric.Sample) bool) {
	if l := b.ledger.Load(); l != nil {
		l.Samples()(yield)
	} else if b.shut.Load() {
		yield(metric.Sample{Metric: "ledger_counting", Help: ledger.CountingHelp, Labels: []string{"host", b.server}})
	}
}

// squidSamples are squid's own counters, asked for anew.
func (b *billing) squidSamples(yield func(metric.Sample) bool) {
	if b.manager == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second) // a scrape has ten
	defer cancel()
	var refused error
	b.manager.Samples(ctx, b.server, func(err error) { refused = err })(yield)
	b.refused.take(b.log, refused)
}

// users are the samples of /metrics/users.
func (b *billing) users() []iter.Seq[metric.Sample] {
	if !b.expose {
		return nil
	}
	return []iter.Seq[metric.Sample]{func(yield func(metric.Sample) bool) {
		if l := b.ledger.Load(); l != nil {
			l.UserSamples()(yield)
		}
	}}
}

// top are the users that were sent the most, where users may be shown at all.
func (b *billing) top(n int) []ledger.Consumer {
	l := b.ledger.Load()
	if l == nil || !b.expose {
		return nil
	}
	return l.Top(n)
}

func (b *billing) bytes() map[string]statusbar.Bytes {
	l := b.ledger.Load()
	if l == nil {
		return nil
	}
	total, day := l.Bytes()
	return map[string]statusbar.Bytes{b.server: {Total: total, Day: day}}
}

// A ledgerPlace is where a ledger is: a file, or the fleet's.
type ledgerPlace struct {
	path    string
	central ledger.Central
}

// place is the ledger that is meant. Who reads makes no directories.
func (f usageFlags) place() (ledgerPlace, error) {
	var p ledgerPlace
	inventory, err := f.read(served())
	if err != nil {
		return p, err
	}
	if ledger.IsCentral(f.Ledger) {
		p.central, err = central(f.Ledger, inventory.Billing.PublishPasswordFile)
		return p, err
	}
	if scheme, _, is := strings.Cut(f.Ledger, "://"); is { // the rest may hold a password
		return p, fmt.Errorf("--ledger %s://... is no URL of a PostgreSQL: write postgres://user@host/database, or a file's path", scheme)
	}
	if f.Ledger != "" {
		p.path = f.Ledger
		return p, nil
	}
	if ledger.IsCentral(inventory.Billing.Ledger) {
		p.central, err = centralOf(inventory)
		return p, err
	}
	dir, err := statePath(inventory.StateDir, os.Getenv("STATE_DIRECTORY"))
	if err != nil {
		return p, err
	}
	p.path = ledgerFile(inventory, dir)
	return p, nil
}
