// Package fleet reads the inventory: hosts and their places, the checks of each
// with their limits, and what else the exporter is told in the same file.
//
// Every value goes through option.Put as it stands in the file, so that an
// option means the same here and on a command line, and each fault has its line
// and column whatever type refused it.
package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"milepost/lib/accesslog"
	"milepost/lib/check"
	"milepost/lib/maintenance"
	"milepost/lib/metric"
	"milepost/lib/option"
)

// A Fleet is an inventory.
type Fleet struct {
	File        string
	Vantage     Vantage
	StateDir    string
	References  References
	Interval    time.Duration // one round
	Timeout     time.Duration // of a check that says nothing else
	Hosts       []Host
	Maintenance []maintenance.Window
	Billing     Billing
	Status      Status

	places map[string]place // of keys, for Fault
}

// Fault says what is wrong with a key ("billing.start") or a section ("billing"),
// with the line and column where it stands: where the file begins, if it does not.
func (f *Fleet) Fault(key, format string, args ...any) *Fault {
	section, _, _ := strings.Cut(key, ".")
	at, ok := f.places[key]
	if !ok {
		at, ok = f.places[section]
	}
	if !ok {
		at = place{1, 1}
	}
	return &Fault{f.File, at.line, at.column, fmt.Sprintf(format, args...)}
}

// Inline are the secrets that stand in the file itself, as faults: what they are to a file
// that others may read.
func (f *Fleet) Inline() []error {
	var all []error
	for key := range f.places {
		if name, ok := strings.CutPrefix(key, inline); ok {
			all = append(all, f.Fault(key, "%s stands in this file, which others may read: run chmod o-rwx %s, or write it into a file of its own", name, f.File))
		}
	}
	return all
}

// A Host is one machine that is watched.
type Host struct {
	Identity
	Located bool // Latitude and Longitude were given
	Labels  map[string]string
	Checks  []check.Check // by name, ready to run
}

// An Identity is who and where a host is.
type Identity struct {
	Name           string
	Address        string
	City           string
	Country        string
	Latitude       float64
	Longitude      float64
	Virtualization string
	Group          string
}

// Vantage is the place this monitor looks from.
type Vantage struct {
	Name, Provider, Region, City string
	Latitude, Longitude          float64

	Located bool `kong:"-"` // Latitude and Longitude were given
}

// References are what this monitor must see before it may blame others.
type References struct {
	Resolve   []string `sep:"none"`
	Resolvers []string `sep:"none"`
	Ping      []string `sep:"none"`
	NTP       []string `sep:"none" name:"ntp"`
}

// Billing is how the bytes of squid's users are counted.
type Billing struct {
	Server              string
	AccessLog           []string `sep:"none"` // globs; empty = nothing is counted
	Format              accesslog.Spec
	Start               string
	ExcludeUsers        []string `sep:"none"`
	Timezone            string
	KeepBuckets         time.Duration
	Ledger              string
	Publish             string
	PublishPasswordFile string
	CacheManager        string
	ExposeUsers         bool
	TopUsers            int
	PseudonymKeyFile    string
}

// Status is what is published of the hosts' states.
type Status struct {
	Page          Page     `kong:"-"`
	Prometheus    Upstream `kong:"-"`
	Down          []string `sep:"none"`
	Degraded      []string `sep:"none"`
	PublishDir    string
	SecondOpinion bool

	HostStatusFile string // "NAME N" a line, for shell loops; "" = none
}

// Page says what the status page is called.
type Page struct{ ID, Name, URL string }

// Upstream is a Prometheus-compatible API.
type Upstream struct{ URL, HeadersFile string }

// Defaults is a fleet before its file is read.
func Defaults() *Fleet {
	return &Fleet{
		Interval: time.Minute,
		Timeout:  10 * time.Second,
		Billing: Billing{
			Format: "native", Start: "beginning", Timezone: "UTC",
			KeepBuckets: 400 * 24 * time.Hour, ExposeUsers: true, TopUsers: 1000,
		},
		Status: Status{
			Page: Page{ID: "proxies", Name: "Proxies"},
			Down: []string{"squid_auth"}, Degraded: []string{"packet_loss", "resolver"}, SecondOpinion: true,
		},
	}
}

// fileLimit is the most that is read of an inventory, in bytes: 10,000 hosts
// take about 4 MB.
const fileLimit = 64 << 20

// A Judge finds what only the program that uses an inventory can know to be wrong.
type Judge func(*Fleet) []error

// Load reads the inventory at path, whose checks are of the kinds. The error
// joins every fault that was found, the judges' too.
func Load(path string, kinds []check.Kind, judges ...Judge) (*Fleet, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, kinds, judges...)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unread(path, err)
	case handed(path) && !info.IsDir():
		return readHanded(path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("reading inventory %q: not a regular file", path)
	case info.Size() > fileLimit:
		return nil, fmt.Errorf("reading inventory %q: larger than %d MB", path, fileLimit>>20)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unread(path, err)
	}
	return text, nil
}

// unread is why the inventory could not be read, and what helps.
func unread(path string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the path is told already
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("reading inventory %q: %w: let the user that this runs as (uid %d) read it: chgrp and chmod g+r", path, err, os.Geteuid())
	}
	return fmt.Errorf("reading inventory %q: %w", path, err)
}

// handed says that a shell gave the file to this process, open already: <(...) and
// /dev/stdin. Any other pipe may have nobody at its other end, for ever.
func handed(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func readHanded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unread(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	switch {
	case err != nil:
		return nil, unread(path, err)
	case len(text) > fileLimit:
		return nil, fmt.Errorf("reading inventory %q: larger than %d MB", path, fileLimit>>20)
	}
	return text, nil
}

// Parse is Load of a text that is already there; file is what faults call it.
func Parse(file string, text []byte, kinds []check.Kind, judges ...Judge) (*Fleet, error) {
	doc, top := parse(file, text)
	f := Defaults()
	f.File, f.places = file, doc.places
	if top.doc != nil {
		r := newReader(doc, kinds)
		r.top(f, top)
	}
	if top.doc == nil && len(doc.faults) > 0 {
		return nil, Join(doc.faults)
	}
	for _, judge := range judges {
		doc.faults = append(doc.faults, judge(f)...)
	}
	if len(doc.faults) > 0 {
		return nil, Join(doc.faults)
	}
	return f, nil
}

// Join is errors.Join of faults in the order in which they stand in the file; what is
// wrong with the file as a whole, and what is no Fault, comes first.
func Join(faults []error) error {
	slices.SortStableFunc(faults, func(a, b error) int {
		p, q := placeOf(a), placeOf(b)
		return cmp.Or(p.line-q.line, p.column-q.column)
	})
	return errors.Join(faults...)
}

func placeOf(err error) place {
	if f, ok := errors.AsType[*Fault](err); ok {
		return place{f.Line, f.Column}
	}
	return place{}
}

// Options puts what the inventory says of one check of one host into o, whose
// check is of that kind, and returns the host as a target; no host at all is the only
// one of the file. Nothing else in the file is judged: a plugin knows its own check only.
func Options(path, host string, kind check.Kind, o *option.Options) (metric.Target, error) {
	text, err := read(path)
	if err != nil {
		return metric.Target{}, err
	}
	doc, top := parse(path, text)
	var all map[string]value
	if len(doc.faults) == 0 && top.doc != nil {
		all = index(top.entries("inventory"))
	}
	var names []string
	id := newIdentityReader()
	hosts := list(all["hosts"], "hosts")
	for _, item := range hosts {
		name, _ := scalar(index(item.entries("host"))["name"])
		if names = append(names, name); name != host && (host != "" || len(hosts) > 1) {
			continue
		}
		h, given := id.read(item)
		base := index(entriesOf(all["defaults"], "defaults"))
		if t, ok := base["timeout"]; ok {
			entry{"timeout", t, t}.put(o, "defaults")
		}
		settings(kind.Name, index(entriesOf(base["checks"], "checks")), index(entriesOf(given["checks"], "checks")), o)
		v, _ := vantageOf(all["vantage"])
		return h.target(v), errors.Join(doc.faults...)
	}
	switch {
	case len(doc.faults) > 0:
		return metric.Target{}, errors.Join(doc.faults...)
	case len(names) == 0:
		return metric.Target{}, fmt.Errorf("inventory %q names no hosts", path)
	case host == "":
		return metric.Target{}, fmt.Errorf("inventory %q has %d hosts: name one with --fleet-host", path, len(names))
	}
	return metric.Target{}, fmt.Errorf("inventory %q has no host %q%s", path, host, nearest(host, "hosts", names[:min(len(names), 20)]))
}

// target is the host as a probe knows it.
func (h Host) target(v Vantage) metric.Target {
	return metric.Target{
		Name: h.Name, Address: h.Address, Virtualization: h.Virtualization,
		At: h.Coordinates(), From: v.Coordinates(),
	}
}

func index(all []entry) map[string]value {
	m := map[string]value{}
	for _, e := range all {
		m[e.key] = e.value
	}
	return m
}

func list(v value, what string) []value {
	if v.node == nil {
		return nil
	}
	return v.items(what)
}

func entriesOf(v value, what string) []entry {
	if v.node == nil {
		return nil
	}
	return v.entries(what)
}

func scalar(v value) (string, bool) {
	if v.node == nil {
		return "", false
	}
	return v.text()
}
