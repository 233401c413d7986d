package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"milepost/lib/check"
	"milepost/lib/fleet"
	"milepost/lib/metric"
	"milepost/lib/nagios"
	"milepost/lib/option"
	"milepost/lib/prom"
)

// A prober answers /probe: a check of a host of the inventory, now.
type prober struct {
	m     *monitor
	slots chan struct{}

	mu   sync.Mutex
	busy map[string]bool // host and check that is being probed
}

func newProber(m *monitor) *prober {
	return &prober{m: m, slots: make(chan struct{}, max(1, m.flags.ProbeConcurrency)), busy: map[string]bool{}}
}

var (
	// fromURL are the options that a request may set.
	fromURL = []string{"warning", "critical", "timeout", "count"}
	// otherParams are the parameters that are no options of a check.
	otherParams = []string{"target", "check", "module", "ip", "debug"}
)

// A refusal is an error with the status that says it.
type refusal struct {
	status int
	error
}

// ServeHTTP probes.
func (p *prober) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := p.check(r)
	if err == nil {
		c.Timeout, err = scrapeTimeout(r, c.Timeout)
	}
	if err == nil {
		var leave func()
		if leave, err = p.enter(c.Target.Name + " " + c.Name); err == nil {
			defer leave()
			p.answer(w, r, c)
			return
		}
	}
	status := http.StatusBadRequest
	if refused, ok := errors.AsType[*refusal](err); ok {
		status = refused.status
	}
	http.Error(w, err.Error(), status)
}

// Unwrap is the reason.
func (r *refusal) Unwrap() error { return r.error }

func (p *prober) answer(w http.ResponseWriter, r *http.Request, c check.Check) {
	c.Lookup = p.m.lookup
	// The server's own limit is for pages that need no measuring.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(c.Timeout + 10*time.Second))
	o := p.m.board.Believe(c.Run(r.Context()))
	if debug, _ := strconv.ParseBool(r.URL.Query().Get("debug")); debug { // check has refused what is neither
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_ = nagios.Write(w, nagios.FormatNagios, 3, o) // a client that is gone misses nothing
		return
	}
	prom.Handler(p.m.collector.Probe(o), prom.Serving{Plain: true, Log: p.m.log}).ServeHTTP(w, r)
}

// scrapeHeader is how long Prometheus waits for the answer, in seconds.
const scrapeHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// scrapeTimeout leaves half a second of what Prometheus waits for the answer.
func scrapeTimeout(r *http.Request, timeout time.Duration) (time.Duration, error) {
	text := r.Header.Get(scrapeHeader)
	if text == "" {
		return timeout, nil
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(s > 0) {
		return 0, fmt.Errorf("header %s: %q is no number of seconds above 0", scrapeHeader, text)
	}
	wait := time.Duration(min(s, time.Hour.Seconds()) * float64(time.Second))
	return min(timeout, max(wait-500*time.Millisecond, wait/2)), nil
}

// enter takes a slot, of which there are few, and one a host and check.
func (p *prober) enter(what string) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[what] {
		return nil, &refusal{http.StatusTooManyRequests, errors.New("this check of this host is being probed already")}
	}
	select {
	case p.slots <- struct{}{}:
	default:
		return nil, &refusal{http.StatusServiceUnavailable, fmt.Errorf("%d probes run already: see --probe.concurrency", cap(p.slots))}
	}
	p.busy[what] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.busy, what)
		<-p.slots
	}, nil
}

// check is what the request asks for.
func (p *prober) check(r *http.Request) (check.Check, error) {
	query := r.URL.Query()
	for name, values := range query {
		if !slices.Contains(fromURL, name) && !slices.Contains(otherParams, name) {
			return check.Check{}, fmt.Errorf("unknown parameter %q: it may be %s", name, strings.Join(slices.Concat(otherParams, fromURL), ", "))
		}
		if len(values) > 1 {
			return check.Check{}, fmt.Errorf("parameter %q is there twice", name)
		}
		if values[0] == "" {
			return check.Check{}, fmt.Errorf("parameter %q is empty: give it a value, or leave it out", name)
		}
	}
	if _, err := strconv.ParseBool(cmp.Or(query.Get("debug"), "false")); err != nil {
		return check.Check{}, fmt.Errorf("debug %q is neither true nor false", query.Get("debug"))
	}
	host, name := query.Get("target"), cmp.Or(query.Get("check"), query.Get("module"))
	if alias := query.Get("module"); alias != "" && alias != name {
		return check.Check{}, fmt.Errorf("check %q and module %q: these are two names of one parameter", name, alias)
	}
	if host == "" || name == "" {
		return check.Check{}, errors.New("which host and which check? /probe?target=HOST&check=NAME")
	}
	f := p.m.watching()
	c, err := p.find(f, host, name)
	if err != nil {
		return check.Check{}, err
	}
	if c, err = override(c, query); err != nil {
		return check.Check{}, err
	}
	switch ip := query.Get("ip"); ip {
	case "":
	case "4", "6":
		c.Network = "ip" + ip
	default:
		return check.Check{}, fmt.Errorf("ip %q is neither 4 nor 6", ip)
	}
	return c, nil
}

// find is the check of the host, or of any address where that is allowed.
func (p *prober) find(f *fleet.Fleet, host, name string) (check.Check, error) {
	for _, h := range f.Hosts {
		if h.Name != host {
			continue
		}
		for _, c := range h.Checks {
			if c.Name == name {
				return c, nil
			}
		}
		return check.Check{}, &refusal{http.StatusNotFound, fmt.Errorf("host %q has no check %q", host, name)}
	}
	if !p.m.flags.ProbeAny {
		return check.Check{}, &refusal{http.StatusNotFound, noHost(host, names(f))}
	}
	kind, err := open(name)
	if err != nil {
		return check.Check{}, &refusal{http.StatusForbidden, err}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return check.Check{}, &refusal{http.StatusForbidden, errors.New("hosts outside the inventory are given by address")}
	}
	if a = a.Unmap(); near(a) || translated.Contains(a) || near(embedded(a)) {
		return check.Check{}, &refusal{http.StatusForbidden, errors.New("loopback, link-local and multicast addresses are not probed, nor those of a local translator")}
	}
	cfg := kind.Default()
	if kind.OnAnybody != nil {
		kind.OnAnybody(cfg)
	}
	c, err := kind.Bind(cfg, metric.Target{Name: a.String(), Address: a.String()})
	c.Timeout = f.Timeout
	return c, err
}

// near says that an address is this machine, its network, or no host's.
func near(a netip.Addr) bool {
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.IsInterfaceLocalMulticast() ||
		a.Is4() && a.As4()[0] == 0 // "this network" (RFC 1122, 3.2.1.3)
}

// translated is the prefix of local translators (NAT64: RFC 8215). Each network cuts its own
// out of it, as long as it likes, and the length decides where the IPv4 address stands (RFC
// 6052, 2.2): any address in it may lead to this machine.
var translated = netip.MustParsePrefix("64:ff9b:1::/48")

// carriers are the prefixes of addresses that hold an IPv4 address, and at which byte:
// a translator's (RFC 6052, 2.1), 6to4 (RFC 3056), IPv4-compatible (RFC 4291, 2.5.5.1).
var carriers = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12,
	netip.MustParsePrefix("2002::/16"):    2,
	netip.MustParsePrefix("::/96"):        12,
}

// embedded is the IPv4 address that a leads to; else a itself.
func embedded(a netip.Addr) netip.Addr {
	b := a.As16()
	for prefix, i := range carriers {
		if prefix.Contains(a) {
			return netip.AddrFrom4([4]byte(b[i : i+4]))
		}
	}
	return a
}

// open is the kind of a check that may be run against any address.
func open(name string) (check.Kind, error) {
	var names []string
	for _, k := range kinds() {
		if !k.IsOpen {
			continue
		}
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return check.Kind{}, fmt.Errorf("hosts outside the inventory may be asked for %s only", strings.Join(names, ", "))
}

// override is c with the options of the request, fit for a stranger.
func override(c check.Check, query map[string][]string) (check.Check, error) {
	given := slices.DeleteFunc(slices.Clone(fromURL), func(name string) bool { return len(query[name]) == 0 })
	if len(given) == 0 && c.Kind.OnRequest == nil {
		return c, nil
	}
	timeout := struct{ Timeout time.Duration }{c.Timeout}
	c, err := c.With(func(cfg any) error {
		if c.Kind.OnRequest != nil {
			c.Kind.OnRequest(cfg)
		}
		if len(given) == 0 {
			return nil // options cost more than a packet
		}
		o := option.New(cfg, &timeout)
		for _, name := range given {
			if err := o.Put(name, "the URL", query[name][0]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && timeout.Timeout <= 0 {
		err = errors.New("timeout: a timeout is longer than 0")
	}
	c.Timeout = min(c.Timeout, timeout.Timeout) // never above the inventory's
	return c, err
}
