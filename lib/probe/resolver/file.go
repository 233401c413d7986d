package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/resolvconf"
)

// The flags of the file.
const (
	nameservers = "nameservers"
	search      = "search"
	options     = "options"
)

// A File is this machine's resolv.conf and what becomes of its lookups.
type File struct {
	resolvconf.File
	Wanted     bool // for its own sake, not only for its nameservers
	Expected   resolvconf.Expected
	Difference resolvconf.Difference
	Stall      resolvconf.Stall
	Took       time.Duration  // to read it
	Stages     []metric.Stage // what else was asked for the forecast
}

// read reads the file and compares it with what was expected.
func (m *measurement) read() (*File, error) {
	began := time.Now()
	f, err := resolvconf.Read(m.Local.path())
	if err != nil {
		return nil, err
	}
	expected := resolvconf.Expected{
		Nameservers: m.Local.ExpectNameserver, Search: m.Local.ExpectSearch, Options: m.Local.ExpectOption,
	}
	return &File{
		File: f, Wanted: m.Local.wanted(), Expected: expected, Difference: f.Compare(expected), Took: time.Since(began),
	}, nil
}

// alive puts the first question to each nameserver of the file, for the target is
// measured and not they, and the forecast needs to know.
func (m *measurement) alive(ctx context.Context, c *crew.Crew, t metric.Target, f *File) []*trial {
	asked := f.Asked()
	trials := make([]*trial, len(asked))
	for i, a := range asked {
		p := peer{role: "nameserver", addr: netip.AddrPortFrom(a, m.Port), own: true, patience: t.Patience}
		c.Go(func() { trials[i] = m.hold(ctx, p, m.plan()[0]) })
	}
	return trials
}

// forecast tells the stall from the first question to each nameserver. What we
// could not ask leaves nothing to tell.
func (f *File) forecast(trials []*trial) {
	if f == nil {
		return
	}
	health := map[netip.Addr]resolvconf.Health{}
	for _, t := range trials {
		if t.err != nil {
			return
		}
		health[t.addr.Addr()] = t.health
		if t.role == "nameserver" {
			f.Stages = append(f.Stages, t.stages...)
		}
	}
	var asked []resolvconf.Health
	for _, a := range f.Asked() {
		asked = append(asked, health[a])
	}
	f.Stall = f.File.Stall(asked)
}

// flags are samples for the parts of the file that were compared. In a report of
// several resolvers each has them, for each is held to every limit; the first
// tells the reason.
func (f *File) flags(of string, tell bool) []metric.Sample {
	var samples []metric.Sample
	add := func(name string, compared bool, difference string) {
		if !compared {
			return
		}
		text := difference
		if !tell {
			text = ""
		}
		samples = append(samples, metric.Flag(name, difference != "", metric.FaultHost, metric.ReasonProxyResolver, text))
	}
	add(nameservers, f.Expected.Nameservers != nil, f.Difference.Nameservers)
	add(search, f.Expected.Search != nil, f.Difference.Search)
	add(options, f.Expected.Options != nil, f.Difference.Options)
	for i := range samples {
		samples[i].Of = of
	}
	return samples
}

// text is what the line says of the file; "" if it is as it should be.
func (f *File) text() string {
	var parts []string
	if f.Stall.String() != "" {
		parts = append(parts, f.Stall.String())
	}
	switch {
	case f.Missing:
		parts = append(parts, fmt.Sprintf("%q is missing, so 127.0.0.1 is asked", f.Path))
	case len(f.Nameservers) == 0:
		parts = append(parts, fmt.Sprintf("%q names no nameserver, so 127.0.0.1 is asked", f.Path))
	}
	if f.Wanted && f.Writer.Name != "" {
		parts = append(parts, fmt.Sprintf("%q was written by %s", f.Path, f.Writer.Name))
	}
	return strings.Join(parts, "; ")
}

// advice is what to do on this host.
func (f *File) advice() []string {
	var lines []string
	for _, line := range f.Ignored {
		lines = append(lines, fmt.Sprintf("%q, %s: glibc ignores it", f.Path, line))
	}
	if n := len(f.Nameservers) - resolvconf.MaxNameservers; n > 0 {
		lines = append(lines, fmt.Sprintf("%q: glibc asks the first %d nameservers and never the other %d", f.Path, resolvconf.MaxNameservers, n))
	}
	if f.Difference == (resolvconf.Difference{}) {
		return lines
	}
	if f.Writer.Name == "" {
		return append(lines, fmt.Sprintf("%q: put it right, and keep others from writing it with: chattr +i %s", f.Path, f.Path))
	}
	return append(lines, fmt.Sprintf("%q: keep %s from writing it: %s", f.Path, f.Writer.Name, f.Writer.Keep))
}

// stage is what was read.
func (f *File) stage() metric.Stage {
	said := fmt.Sprintf("nameservers %v\nsearch %v\noptions %v", f.Nameservers, f.Search, f.Options)
	if f.Link != "" {
		said += "\nlink to " + f.Link
	}
	return metric.Stage{Doing: fmt.Sprintf("reading %q", f.Path), Took: f.Took, Said: said}
}
