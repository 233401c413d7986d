package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"milepost/lib/crew"
	"milepost/lib/systemd"
	"milepost/lib/version"
)

// flags are the options of serve.
type flags struct {
	configOption     `embed:""`
	Listen           []string `name:"web.listen-address" sep:"none" placeholder:"ADDR" help:"Where the operator's pages are served; may be given again."`
	Systemd          bool     `name:"web.systemd-socket" help:"Serve the operator's pages on the sockets that systemd hands over."`
	WebConfig        string   `name:"web.config.file" placeholder:"FILE" help:"TLS and passwords of the operator's pages, in the format of the Prometheus exporter-toolkit."`
	PublicListen     string   `name:"web.public-listen-address" placeholder:"ADDR" help:"Where the public pages are served; nowhere if not given."`
	PublicWebConfig  string   `name:"web.public-config.file" placeholder:"FILE" help:"TLS of the public pages."`
	EnableReload     bool     `name:"web.enable-lifecycle" help:"Let POST /-/reload read the inventory again, as SIGHUP does."`
	StateDir         string   `name:"state-dir" env:"STATE_DIRECTORY" placeholder:"DIR" help:"What is kept over a restart; the inventory's state_dir goes before it."`
	ProbeAny         bool     `name:"probe.any-target" help:"Let /probe ask hosts that are not in the inventory, with checks that need no secret; never loopback or link-local ones."`
	Compat           compat   `placeholder:"PROGRAM" help:"Have /metrics tell round trips as this program does too, for the dashboards made for it: smokeping_prober."`
	Classic          classic  `name:"classic-histograms" placeholder:"WHEN" help:"Whether milepost_ping_rtt_seconds has classic buckets, twenty series a host, beside the native histogram: auto (up to 2,000 pinged hosts), always or never."`
	ProbeConcurrency int      `name:"probe.concurrency" placeholder:"N" help:"How many /probe requests run at once."`
	LogLevel         logLevel `name:"log.level" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogJSON          bool     `name:"log.json" help:"Log in JSON."`
}

func defaultFlags() flags {
	return flags{Listen: []string{"127.0.0.1:10120"}, ProbeConcurrency: 16, Classic: classicAuto}
}

// A logLevel is the least level that is logged.
type logLevel struct{ slog.Level }

// String is the level in lower case.
func (l logLevel) String() string {
	switch {
	case l.Level < slog.LevelInfo:
		return "debug"
	case l.Level < slog.LevelWarn:
		return "info"
	case l.Level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

// serveCommand runs until ctx ends. A second thing that ends it is a server that
// cannot serve.
func serveCommand(ctx context.Context, args []string, out, faults io.Writer) (int, error) {
	f := defaultFlags()
	if _, done, err := parse("serve", &f, args, 0, 0, out); err != nil || done {
		return exitOf(err), err
	}
	if f.ProbeConcurrency < 1 {
		return 1, fmt.Errorf("--probe.concurrency: %d is less than one", f.ProbeConcurrency)
	}
	f.Systemd = f.Systemd || systemd.HandedSockets(os.Getenv)
	options := &slog.HandlerOptions{Level: f.LogLevel.Level}
	log := slog.New(slog.NewTextHandler(faults, options))
	if f.LogJSON {
		options.ReplaceAttr = spelled
		log = slog.New(slog.NewJSONHandler(faults, options))
	}
	inventory, err := f.load(served())
	if err != nil {
		return 1, err
	}
	// From now on a SIGHUP is heard, be the ledger ever so long in opening.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	m, err := newMonitor(f, inventory, log)
	if err != nil {
		return 1, err
	}
	m.hangup = hangup
	log.Info("milepost starts", "version", version.String(), "inventory", inventory.File, "holds", inventory.Describe())
	if err := m.serve(ctx); err != nil {
		return 1, err
	}
	log.Info("milepost ends")
	return 0, nil
}

// spelled has a duration with its unit in JSON too: a bare number of nanoseconds is
// taken for seconds.
func spelled(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// serve runs everything, and ends when ctx does or when a listener breaks.
func (m *monitor) serve(ctx context.Context) error {
	thrifty()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	servers := []*listener{{
		server: newServer(m.operator()), log: m.log, option: "--web.listen-address", file: "--web.config.file",
		config: web.FlagConfig{WebListenAddresses: &m.flags.Listen, WebSystemdSocket: &m.flags.Systemd, WebConfigFile: &m.flags.WebConfig},
	}}
	if m.flags.PublicListen != "" {
		no := false
		servers = append(servers, &listener{
			server: newServer(m.public()), log: m.log, option: "--web.public-listen-address", file: "--web.public-config.file",
			config: web.FlagConfig{WebListenAddresses: &[]string{m.flags.PublicListen}, WebSystemdSocket: &no, WebConfigFile: &m.flags.PublicWebConfig},
		})
	}
	manager := systemd.New(os.Getenv, m.log)
	manager.Listens(servers[0].server)
	var all crew.Crew
	defer all.Wait()
	all.Go(func() { manager.Attend(ctx, m.alive) })
	for _, l := range servers {
		all.Go(func() {
			if err := l.serve(); err != nil {
				stop(err)
			}
		})
		all.Go(func() {
			<-ctx.Done()
			m.ending.Store(true)
			l.end()
		})
	}
	all.Go(func() { m.reloads(ctx) })
	m.watch(ctx)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// A listener is one HTTP server with its addresses and its TLS.
type listener struct {
	server *http.Server
	config web.FlagConfig
	option string // that says where it listens
	file   string // the option that names its TLS and passwords
	log    *slog.Logger
}

// serve ends without an error after end was called.
func (l *listener) serve() error {
	err := web.ListenAndServe(l.server, &l.config, l.log)
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	where := *l.config.WebListenAddresses
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listening on %q: the port is in use: see ss -ltnp, or choose another with %s", where, l.option)
	}
	if named := *l.config.WebConfigFile; named != "" {
		return fmt.Errorf("serving on %q with %s %q: %w", where, l.file, named, err)
	}
	return fmt.Errorf("serving on %q: %w", where, err)
}

// end lets answers that are under way finish for a moment.
func (l *listener) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		_ = l.server.Close() // those that are left are cut
	}
}

// newServer bounds what a client may take: the toolkit leaves that to us.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      150 * time.Second, // a probe may take two minutes
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
