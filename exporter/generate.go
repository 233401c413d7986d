package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/generate"
	"milepost/lib/option"
	"milepost/lib/statusbar"
)

// generateFlags are the options of the command generate.
type generateFlags struct {
	configOption `embed:""`
	Host         string `placeholder:"NAME" help:"The host that nrpe and proxy are for; the only one of the inventory if not given."`

	generate.Scrape `embed:""`
}

// generateCommand writes what another system wants to know of the inventory.
func generateCommand(_ context.Context, args []string, out, _ io.Writer) (int, error) {
	flags := generateFlags{Scrape: generate.Scrape{Exporter: defaultFlags().Listen[0], Scheme: "http"}}
	what, done, err := parse("generate", &flags, args, 1, 1, out)
	if err != nil || done {
		return exitOf(err), err
	}
	if flags.ConfigFile == "" {
		return 1, errors.New("name the inventory with --config.file")
	}
	path, err := filepath.Abs(flags.ConfigFile)
	if err != nil {
		return 1, fmt.Errorf("finding the inventory: %w", err)
	}
	f, err := fleet.Load(path, kinds())
	if err != nil {
		return 1, err
	}
	text, err := flags.generate(what[0], f)
	if err == nil {
		_, err = io.WriteString(out, text)
	}
	return exitOf(err), err
}

func (flags generateFlags) generate(what string, f *fleet.Fleet) (string, error) {
	inv := toldOf(f)
	switch what {
	case "nagios":
		return generate.NagiosObjects(inv)
	case "icinga2":
		return generate.IcingaObjects(inv)
	case "prometheus":
		if err := flags.Scrape.Validate(); err != nil {
			return "", err
		}
		return generate.PrometheusConfig(inv, flags.Scrape), nil
	case "prometheus-limits":
		return generate.PrometheusLimits(inv), nil
	case "hosts":
		return generate.HostsFile(inv), nil
	case "nrpe":
		h, err := flags.host(inv)
		if err != nil {
			return "", err
		}
		return generate.NRPECommands(h)
	case "proxy":
		h, err := flags.host(inv)
		if err != nil {
			return "", err
		}
		return fleet.Excerpt(f.File, h.Name)
	case "host-status":
		dir, err := statePath(f.StateDir, os.Getenv("STATE_DIRECTORY"))
		if err != nil {
			return "", err
		}
		return statusbar.KeptHostStatus(dir, names(f), time.Now())
	}
	all := []string{"nagios", "icinga2", "prometheus", "prometheus-limits", "nrpe", "hosts", "proxy", "host-status"}
	if n := option.Nearest(what, all); n != "" {
		return "", fmt.Errorf("nothing is called %q: did you mean %q?", what, n)
	}
	return "", fmt.Errorf("nothing is called %q: there are %s", what, strings.Join(all, ", "))
}

// toldOf is what other systems are told of f.
func toldOf(f *fleet.Fleet) generate.Inventory {
	inv := generate.Inventory{File: f.File, Interval: f.Interval}
	for _, h := range f.Hosts {
		told := generate.Host{Name: h.Name, Address: h.Address, City: h.City, Country: h.Country, Group: h.Group}
		for _, c := range h.Checks {
			told.Checks = append(told.Checks, generate.Check{Kind: c.Name, Inside: inside(c.Kind), Afar: c.Kind.IsAfar, Limits: c.Limits})
		}
		inv.Hosts = append(inv.Hosts, told)
	}
	return inv
}

// inside says that a check sees only the machine that it runs on.
func inside(k check.Kind) bool { return k.IsLocal && !k.IsAimed }

// host is the one that is meant.
func (flags generateFlags) host(inv generate.Inventory) (generate.Host, error) {
	var names []string
	for _, h := range inv.Hosts {
		if h.Name == flags.Host || flags.Host == "" && len(inv.Hosts) == 1 {
			return h, nil
		}
		names = append(names, h.Name)
	}
	if flags.Host == "" {
		return generate.Host{}, fmt.Errorf("the inventory has %d hosts: name one with --host", len(names))
	}
	return generate.Host{}, noHost(flags.Host, names)
}
