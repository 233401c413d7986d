package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
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
	}{
		{nameservers, difference.Nameservers, expected.Nameservers != nil},
		{search, difference.Search, expected.Search != nil},
		{options, difference.Options, expected.Options != nil},
	} {
		if part.compared {
			l := look{flag: part.flag, drift: part.drift, mend: "run " + m.conf(f, nil)}
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
	var dead []netip.Addr
	for i, err := range errs {
		if err != nil {
			l.err = fmt.Errorf("%s: %w", asked[i], err)
		}
		if health[i] != resolvconf.Answers {
			dead = append(dead, asked[i])
		}
	}
	if l.err == nil {
		s := f.Stall(health)
		m.result.stall = &s
		if s.Fails || s.Worst > 0 {
			l.drift, l.mend = s.String(), m.alive(f, dead)
		}
	}
	m.saw(began, "asking the nameservers", l)
}
