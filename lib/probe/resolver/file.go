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

// The samples of the file.
const (
	nameservers = "nameservers"
	search      = "search"
	options     = "options"
	stall       = "stall"
	lookupsFail = "lookups_fail"
)

// nameserver is the role of one that is asked for the forecast only.
const nameserver = "nameserver"

// A File is this machine's resolv.conf and what becomes of its lookups.
type File struct {
	resolvconf.File
	Wanted     bool // for its own sake, not only for its nameservers
	Expected   resolvconf.Expected
	Difference resolvconf.Difference
	Stall      resolvconf.Stall
	Forecast   bool           // the stall is known
	Took       time.Duration  // to read it
	Stages     []metric.Stage // what else was asked for the forecast
}

// read reads the file and compares it with what was expected.
func (l Local) read() (*File, error) {
	began := time.Now()
	f, err := resolvconf.Read(l.path())
	if err != nil {
		return nil, err
	}
	expected := l.Expected()
	return &File{
		File: f, Wanted: l.Asked(), Expected: expected, Difference: f.Compare(expected), Took: time.Since(began),
	}, nil
}

// knock puts the first question to each nameserver of the file: the target is
// measured and not they, but the forecast needs to know.
func (m *measurement) knock(ctx context.Context, c *crew.Crew) {
	asked := m.file.Asked()
	m.alive = make([]*trial, len(asked))
	for i, a := range asked {
		p := peer{role: nameserver, addr: netip.AddrPortFrom(a, m.Local.port()), own: true, patience: m.target.Patience}
		c.Go(func() { m.alive[i] = m.hold(ctx, p, m.plan()[0]) })
	}
}

// forecast tells the stall from the first question to each nameserver. What we
// could not ask leaves nothing to tell.
func (f *File) forecast(trials []*trial) {
	health := map[netip.Addr]resolvconf.Health{}
	for _, t := range trials {
		if t.err != nil {
			return
		}
		health[t.addr.Addr()] = t.health
		if t.role == nameserver {
			f.Stages = append(f.Stages, t.stages...)
		}
	}
	var asked []resolvconf.Health
	for _, a := range f.Asked() {
		asked = append(asked, health[a])
	}
	f.Stall, f.Forecast = f.File.Stall(asked), true
}

// samples are the stall and a flag for each part that was compared. In a report of
// several resolvers each has them, for each is held to every limit; the first tells
// the reason.
func (f *File) samples(of string, tell bool) []metric.Sample {
	if !f.Wanted {
		return nil
	}
	var samples []metric.Sample
	add := func(s metric.Sample) {
		if s.Of = of; !tell {
			s.Text = ""
		}
		samples = append(samples, s)
	}
	compared := func(name string, was bool, difference string) {
		if was {
			add(metric.Flag(name, difference != "", metric.FaultHost, metric.ReasonProxyResolver, difference))
		}
	}
	compared(nameservers, f.Expected.Nameservers != nil, f.Difference.Nameservers)
	compared(search, f.Expected.Search != nil, f.Difference.Search)
	compared(options, f.Expected.Options != nil, f.Difference.Options)
	if f.Forecast {
		add(metric.Sample{
			Name: stall, Unit: metric.Seconds, Value: f.Stall.Worst.Seconds(),
			Fault: metric.FaultResolver, Reason: metric.ReasonProxyResolver, Text: "lookups stall",
		})
		add(metric.Flag(lookupsFail, f.Stall.Fails, metric.FaultResolver, metric.ReasonProxyResolver, "lookups fail"))
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
