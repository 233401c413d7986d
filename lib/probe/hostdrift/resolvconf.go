package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"milepost/lib/crew"
	"milepost/lib/resolvconf"
)

// maxKnock bounds the wait for a nameserver: a lookup that takes longer fails.
const maxKnock = 2 * time.Second

// resolvConf compares the host's resolv.conf with what is expected, and forecasts
// how long lookups stall.
func (m *measurement) resolvConf(ctx context.Context) {
	if !m.ResolvConf.Asked() {
		return
	}
	began := time.Now()
	path := m.root.name(resolvconf.Path)
	doing := fmt.Sprintf("reading %q", path)
	f, err := m.root.resolvConf()
	if err != nil {
		m.saw(began, doing, look{err: err})
		return
	}
	m.result.file = &f
	expected := m.ResolvConf.Expected()
	difference := f.Compare(expected)
	for _, part := range []struct {
		flag, drift string
		compared    bool
		lines       []string
	}{
		{nameservers, difference.Nameservers, expected.Nameservers != nil, each("nameserver", expected.Nameservers)},
		{search, difference.Search, expected.Search != nil, all("search", expected.Search)},
		{options, difference.Options, expected.Options != nil, all("options", expected.Options)},
	} {
		if part.compared {
			l := look{flag: part.flag, drift: part.drift, mend: fmt.Sprintf("write %s into %s", strings.Join(part.lines, ", "), path)}
			if len(part.lines) == 0 {
				l.mend = fmt.Sprintf("delete the %s line of %s", part.flag, path)
			}
			l.stage.Said = fmt.Sprintf("nameservers %v, search %v, options %v", f.Nameservers, f.Search, f.Options)
			m.saw(began, doing, l)
		}
	}
	m.forecast(ctx, f)
}

// resolvConf is the host's resolv.conf.
func (r root) resolvConf() (resolvconf.File, error) {
	const limit = 64 << 10
	if r == "" {
		return resolvconf.Read(resolvconf.Path)
	}
	text, err := r.read(resolvconf.Path, limit) // a link in there must not lead to this machine's file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return resolvconf.File{}, err
	}
	f := resolvconf.Parse(text)
	f.Path, f.Missing = r.name(resolvconf.Path), err != nil
	return f, nil
}

// each is a line for each value, quoted.
func each(keyword string, values []netip.Addr) []string {
	var lines []string
	for _, v := range values {
		lines = append(lines, fmt.Sprintf("%q", keyword+" "+v.String()))
	}
	return lines
}

// all is one line for all values, quoted; none for an expectation of none.
func all(keyword string, values []string) []string {
	if len(values) == 0 || len(values) == 1 && values[0] == resolvconf.None {
		return nil
	}
	return []string{fmt.Sprintf("%q", keyword+" "+strings.Join(values, " "))}
}

// forecast asks each nameserver whether it is there. The nameservers of another
// root's file are asked all the same: they are addresses.
func (m *measurement) forecast(ctx context.Context, f resolvconf.File) {
	const port = 53
	began := time.Now()
	patience := maxKnock
	if m.target.Patience > 0 {
		patience = min(patience, m.target.Patience)
	}
	asked := f.Asked()
	health, errs := make([]resolvconf.Health, len(asked)), make([]error, len(asked))
	var c crew.Crew
	for i, a := range asked {
		at := netip.AddrPortFrom(a, port)
		if m.Place.port != 0 {
			at = netip.AddrPortFrom(a, m.Place.port)
		}
		c.Go(func() { health[i], errs[i] = resolvconf.Knock(ctx, at, patience) })
	}
	c.Wait()
	l := look{flag: lookupsFail}
	for i, err := range errs {
		if err != nil {
			l.err = fmt.Errorf("%s: %w", asked[i], err)
		}
	}
	if l.err == nil {
		s := f.Stall(health)
		m.result.stall = &s
		if s.Fails || s.Worst > 0 {
			l.drift, l.mend = s.String(), "see why they are dead, or name others"
		}
	}
	m.saw(began, "asking the nameservers", l)
}
