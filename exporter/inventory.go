package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"milepost/lib/cachemgr"
	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/option"
	"milepost/lib/secret"
	"milepost/lib/selfcheck"
	"milepost/lib/vantage"
)

// configOption is where the inventory is; the commands share it.
type configOption struct {
	ConfigFile string `name:"config.file" placeholder:"FILE" help:"The inventory, milepost.yml. Without one, this machine is watched."`
}

// load reads the inventory, or makes one of this machine, with checks of these kinds.
func (c configOption) load(kinds []check.Kind) (*fleet.Fleet, error) {
	f, err := c.read(kinds)
	if err == nil && c.ConfigFile != "" && len(f.Hosts) == 0 && len(f.Billing.AccessLog) == 0 {
		err = f.Fault("hosts", "neither hosts nor billing: there is nothing to do")
	}
	return f, err
}

// read reads an inventory that may do nothing but say where a ledger is.
func (c configOption) read(kinds []check.Kind) (*fleet.Fleet, error) {
	if c.ConfigFile == "" {
		return thisMachine(kinds, squidLog)
	}
	return fleet.Load(c.ConfigFile, kinds, validate)
}

// validate refuses what the inventory's reader cannot know to be wrong.
func validate(f *fleet.Fleet) (all []error) {
	for key, c := range map[string]selfcheck.Config{
		"references.resolve":   {Resolve: f.References.Resolve},
		"references.resolvers": {Resolvers: f.References.Resolvers},
		"references.ping":      {Ping: f.References.Ping},
	} {
		if _, err := selfcheck.New(c); err != nil {
			all = append(all, f.Fault(key, "%v", err))
		}
	}
	if n := len(f.References.NTP); n > 0 && n < 3 {
		all = append(all, f.Fault("references.ntp", "references: ntp: %d of them are no majority against one that lies: name three or more, or none", n))
	}
	if p := f.Status.Prometheus; p.URL != "" {
		if _, err := vantage.New(p.URL, p.HeadersFile); err != nil {
			all = append(all, f.Fault("status.prometheus", "status: prometheus: %v", err))
		}
	}
	for _, glob := range f.Billing.AccessLog {
		if _, err := filepath.Match(glob, ""); err != nil {
			all = append(all, f.Fault("billing.access_log", "billing: access_log: %q is no pattern of file names: %v", glob, err))
		}
	}
	if text := f.Status.Page.URL; text != "" {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			all = append(all, f.Fault("status.page", "status: page: url %q: write http:// or https:// and a host", text))
		}
	}
	if f.Billing.CacheManager != "" {
		if _, err := cachemgr.New(f.Billing.CacheManager); err != nil {
			all = append(all, f.Fault("billing.cache_manager", "billing: %v", err))
		}
	}
	if _, err := secret.File(f.Billing.PseudonymKeyFile).Read(); err != nil {
		all = append(all, f.Fault("billing.pseudonym_key_file", "billing: pseudonym_key_file: %v", err))
	}
	if _, err := centralOf(f); err != nil {
		all = append(all, f.Fault("billing.publish", "%v", err))
	}
	return all
}

func exitOf(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// stateDir is where things are kept over a restart. It is there afterwards.
func stateDir(inventory, flag string) (string, error) {
	dir, err := statePath(inventory, flag)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("making state directory: %w: name another with --state-dir", err)
	}
	return dir, nil
}

// statePath is where that is, there or not.
func statePath(inventory, flag string) (string, error) {
	dir := inventory
	if dir == "" {
		dir = flag
		if dir == os.Getenv("STATE_DIRECTORY") { // which holds several, if the unit has several (systemd.exec(5))
			dir, _, _ = strings.Cut(dir, ":")
		}
	}
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("finding a place for state: %w: name one with --state-dir", err)
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "milepost")
	}
	return dir, nil
}

// names are the inventory's hosts.
func names(f *fleet.Fleet) []string {
	var all []string
	for _, h := range f.Hosts {
		all = append(all, h.Name)
	}
	return all
}

// noHost is the error about a host that is not among these.
func noHost(name string, among []string) error {
	if n := option.Nearest(name, among); n != "" {
		return fmt.Errorf("no host %q in the inventory: did you mean %q?", name, n)
	}
	return fmt.Errorf("no host %q in the inventory", name)
}
