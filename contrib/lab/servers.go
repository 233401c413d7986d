package main

import (
	"context"
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Who may use the proxies and ask the agents of the world.
const (
	probeUser      = "monitor"
	probePassword  = "lab"
	probeCommunity = "lab"
)

// A town is a city with its servers, as a proxy of a fleet has them.
type town struct {
	*city
	world   *world
	dir     string
	bin     string // where milepost's programs are
	servers map[string]*process
}

// settle makes the directory of a city. Everybody may read what is in it: its servers
// are several users'.
func (w *world) settle(c *city, bin string) (*town, error) {
	t := &town{city: c, world: w, dir: filepath.Join(w.dir, c.ID), bin: bin, servers: map[string]*process{}}
	if err := os.MkdirAll(t.dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(t.dir, 0o777); err != nil { //nolint:gosec // a toy's, in a directory of root's
		return nil, err
	}
	if err := t.write("hostname", t.ID); err != nil {
		return nil, err
	}
	return t, t.write("resolv.conf", "nameserver 127.0.0.1\n")
}

func (t *town) path(name string) string { return filepath.Join(t.dir, name) }

func (t *town) write(name string, lines ...string) error {
	return os.WriteFile(t.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

func (t *town) place(as string) place {
	return place{city: t.city, resolver: t.path("resolv.conf"), as: as}
}

// start starts one of t's servers.
func (t *town) start(ctx context.Context, as, name string, arguments ...string) error {
	path, err := program(name)
	if err != nil {
		return err
	}
	r, err := t.world.start(ctx, t.place(as), t.dir, name, append([]string{path}, arguments...)...)
	if err == nil {
		t.servers[name] = r
	}
	return err
}

// unbound is the city's resolver, which knows the names of the world and no other.
func (t *town) unbound(ctx context.Context) error {
	if err := t.writeUnbound(); err != nil {
		return err
	}
	return t.start(ctx, "", "unbound", "-d", "-p", "-c", t.path("unbound.conf"))
}

func (t *town) writeUnbound() error {
	lines := []string{
		"server:",
		"  interface: 127.0.0.1", "  interface: " + t.Address.String(),
		"  access-control: 127.0.0.0/8 allow", "  access-control: 198.18.0.0/15 allow",
		"  do-ip6: no", "  module-config: iterator", `  username: ""`, `  chroot: ""`, `  pidfile: ""`, "  use-syslog: no",
		"  directory: " + t.dir,
	}
	if t.hijack { // what does not exist is this city's own address
		lines = append(lines, `  local-zone: "." redirect`, fmt.Sprintf(`  local-data: ". 60 IN A %s"`, t.Address))
	} else {
		lines = append(lines, `  local-zone: "." static`, `  local-data: ". 60 IN SOA lab. root.lab. 1 60 60 60 60"`)
	}
	lines = append(lines, `  local-zone: "lab." static`, `  local-data: "lab. 60 IN SOA lab. root.lab. 1 60 60 60 60"`)
	for _, c := range t.world.cities {
		lines = append(lines, fmt.Sprintf(`  local-data: "%s. 60 IN A %s"`, c.host(), c.Address))
	}
	lines = append(lines, fmt.Sprintf(`  local-data: "%s. 60 IN A %s"`, canaryHost, t.world.cities[0].Address), "remote-control:", "  control-enable: no")
	return t.write("unbound.conf", lines...)
}

// setHijack makes the resolver lie about names that do not exist, or tell the truth.
func (t *town) setHijack(on bool) error {
	t.hijack = on
	if err := t.writeUnbound(); err != nil {
		return err
	}
	if r := t.servers["unbound"]; r != nil && r.ended() == nil {
		return r.cmd.Process.Signal(syscall.SIGHUP)
	}
	return nil
}

// squid is the city's proxy.
func (t *town) squid(ctx context.Context) error {
	if err := t.write("users", fmt.Sprintf("%s:%x", probeUser, md5.Sum([]byte(probePassword)))); err != nil {
		return err
	}
	if err := t.write("squid.conf",
		"http_port 3128", "dns_nameservers 127.0.0.1", "visible_hostname "+t.host(),
		"access_log stdio:"+t.path("access.log")+" squid", "cache_log "+t.path("cache.log"), "buffered_logs off",
		"pid_filename none", "coredump_dir none", "netdb_filename none", "pinger_enable off", "cache deny all",
		"cache_mem 1 MB", "max_filedescriptors 1024", "shutdown_lifetime 0 seconds",
		"auth_param basic program /usr/lib/squid/basic_ncsa_auth "+t.path("users"), "auth_param basic children 2 startup=1 idle=1",
		"auth_param basic realm lab", "acl users proxy_auth REQUIRED", "http_access allow users", "http_access deny all",
	); err != nil {
		return err
	}
	return t.start(ctx, "proxy", "squid", "-N", "-d", "1", "-f", t.path("squid.conf"))
}

// snmpd tells the city's time, which may be wrong.
func (t *town) snmpd(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t.clock.mu.Lock()
	t.clock.file = t.path("offset")
	t.clock.mu.Unlock()
	if err := t.clock.set(0); err != nil {
		return err
	}
	if err := t.write("snmpd.conf", "agentaddress udp:161", "rocommunity "+probeCommunity,
		fmt.Sprintf("pass_persist %s %s clock %s", clockBase, self, t.clock.file)); err != nil {
		return err
	}
	// -C: no configuration but ours. -I: no modules that talk to other daemons. -M, -m:
	// no MIB files, and none of their warnings.
	return t.start(ctx, "", "snmpd", "-C", "-c", t.path("snmpd.conf"), "-f", "-Lo",
		"-I", "-smux,mteTrigger,mteTriggerConf,agentx", "-M", "", "-m", "", "-p", t.path("snmpd.pid"))
}

// nrpe runs milepost's checks of the city itself.
func (t *town) nrpe(ctx context.Context) error {
	if err := t.write("nrpe.cfg",
		"server_port=5666", "allowed_hosts=127.0.0.1,198.18.0.0/24", "nrpe_user=nagios", "nrpe_group=nagios",
		"pid_file="+t.path("nrpe.pid"), "log_file="+t.path("nrpe-messages.log"), "disable_syslog=1", "command_timeout=30",
		fmt.Sprintf("command[check_resolver]=%s/check_resolver -H 127.0.0.1 --query %s=%s --dnssec no", t.bin, t.host(), t.Address),
		fmt.Sprintf("command[check_host_drift]=%s/check_host_drift --expect-hostname %s", t.bin, t.ID),
	); err != nil {
		return err
	}
	return t.start(ctx, "nagios", "nrpe", "-c", t.path("nrpe.cfg"), "-f")
}

// all starts every server of the city.
func (t *town) all(ctx context.Context) error {
	for _, start := range []func(context.Context) error{t.unbound, t.squid, t.snmpd, t.nrpe} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	return nil
}
