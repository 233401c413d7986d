package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"milepost/lib/crew"
)

// canaryHost is the origin that the proxies fetch, in the first city.
const canaryHost = "canary.lab"

// The ports in the first city, which is the vantage.
const (
	exporterPort   = 10120
	prometheusPort = 9090
)

// canary starts the origin that the proxies fetch.
func (t *town) canary(ctx context.Context) error {
	return t.milepost(ctx, "canary", "canary", "--web.listen-address", t.Address.String()+":80")
}

// watch starts the exporter of the city, which watches all of them. It asks the engine
// at that URL what the others see; "" = it judges alone.
func (t *town) watch(ctx context.Context, engine string) error {
	if err := t.writeInventory(engine); err != nil {
		return err
	}
	return t.milepost(ctx, "exporter", "--config.file", t.path("milepost.yml"), "--web.enable-lifecycle",
		"--web.listen-address", loopback(exporterPort).String(), "--web.listen-address", fmt.Sprintf("%s:%d", t.Address, exporterPort))
}

// milepost starts the exporter's program as a server called name.
func (t *town) milepost(ctx context.Context, name string, arguments ...string) error {
	exporter := filepath.Join(t.bin, "milepost-exporter")
	if _, err := os.Stat(exporter); err != nil {
		return fmt.Errorf("looking for the exporter: %w: run make build", err)
	}
	r, err := t.world.start(ctx, t.place(""), t.dir, name, append([]string{exporter}, arguments...)...)
	if err == nil {
		t.servers[name] = r
	}
	return err
}

// prometheus starts a Prometheus that asks the exporters.
func (t *town) prometheus(ctx context.Context, exporters []*town) error {
	targets := make([]string, len(exporters))
	for i, e := range exporters {
		targets[i] = fmt.Sprintf("'%s:%d'", e.Address, exporterPort)
	}
	if err := t.write("prometheus.yml",
		"global: {scrape_interval: 5s, evaluation_interval: 5s}",
		"scrape_configs:", "  - job_name: milepost", "    static_configs: [{targets: ["+strings.Join(targets, ", ")+"]}]"); err != nil {
		return err
	}
	return t.start(ctx, "", "prometheus", "--config.file="+t.path("prometheus.yml"), "--storage.tsdb.path="+t.path("tsdb"),
		"--web.listen-address="+loopback(prometheusPort).String())
}

// writeInventory writes the inventory of the world as seen from t.
func (t *town) writeInventory(engine string) error {
	for name, secret := range map[string]string{"password": probePassword, "community": probeCommunity} {
		if err := os.WriteFile(t.path(name), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(t.path("state"), 0o700); err != nil {
		return err
	}
	var lines, others []string
	for _, c := range t.world.cities {
		lines = append(lines, fmt.Sprintf("  - {name: %s, address: %s, city: %s}", c.ID, c.Address, c.Name))
		if c != t.city && len(others) < 3 {
			others = append(others, c.Address.String())
		}
	}
	return t.write("milepost.yml",
		fmt.Sprintf("vantage: {name: %s, city: %s, provider: %s, region: %s}", t.ID, t.Name, t.ID, t.ID),
		"state_dir: "+t.path("state"),
		fmt.Sprintf("references: {resolve: [%s, %s], resolvers: [%s], ping: [%s]}", canaryHost, t.host(), strings.Join(others, ", "), strings.Join(others, ", ")),
		"defaults:", "  interval: "+t.world.interval.String(), fmt.Sprintf("  timeout: %v", t.world.interval/2), "  checks:",
		fmt.Sprintf("    clock_offset: {source: snmp, oid: %s.0, community_file: %s, reference: none}", strings.TrimPrefix(clockBase, "."), t.path("community")),
		fmt.Sprintf(`    squid_auth: {port: 3128, user: %s, password_file: %s, urls: ["http://%s/"], wrong_every: 1m}`, probeUser, t.path("password"), canaryHost),
		fmt.Sprintf(`    resolver: {query: ["%s=%s"], dnssec: no}`, t.host(), t.Address),
		"    packet_loss: {}", "    path: {}",
		"hosts:", strings.Join(lines, "\n"),
		fmt.Sprintf("status: {page: {id: lab, name: \"The world in a box\"}, prometheus: {url: %q}}", engine),
	)
}

// forward carries what comes to the listener to a port inside of the city, until ctx
// ends: the browser is not in the city.
func (w *world) forward(ctx context.Context, from net.Listener, c *city, port int) {
	w.crew.Go(func() {
		<-ctx.Done()
		_ = from.Close()
	})
	w.crew.Go(func() {
		for {
			outside, err := from.Accept()
			if err != nil {
				return // it is closed
			}
			w.crew.Go(func() { carry(ctx, outside, c, port) })
		}
	})
}

// carry joins a connection with one inside of the city.
func carry(ctx context.Context, outside net.Conn, c *city, port int) {
	defer outside.Close()
	inner, err := c.dial(ctx, loopback(port))
	if err != nil {
		return // nobody is there yet: the browser sees a connection that ends
	}
	defer inner.Close()
	stop := context.AfterFunc(ctx, func() { _ = outside.Close(); _ = inner.Close() })
	defer stop()
	var both crew.Crew
	both.Go(func() { _, _ = io.Copy(inner, outside); closeWrite(inner) })
	both.Go(func() { _, _ = io.Copy(outside, inner); closeWrite(outside) })
	both.Wait()
}

func closeWrite(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
}

// loopback is a port of whoever asks for it.
func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// dial connects as somebody in the city does.
func (c *city) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var conn net.Conn
	err := c.space.do(func() error {
		var err error
		conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp4", to.String())
		return err
	})
	return conn, err
}
