package squidauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"milepost/lib/metric"
)

// Evidence is what was found out after a URL did not come.
type Evidence struct {
	NoSuchName bool   // this machine's resolver says that there is no such host
	LookUp     string // why this machine's resolver gave no address either; "" = it did, or was not asked
	ByAddress  *Fetch // the same origin by its IP address, through the proxy; nil = not asked
	Direct     *Fetch // the same URL without the proxy; nil = not asked
	Others     bool   // another URL came through the proxy
	Unproven   bool   // in this run the proxy's helper has not answered, only the proxy itself
}

// investigate finds evidence about the first URL that did not come. What does not
// succeed here says nothing against the proxy: the verdict stands, only whose
// fault it is stays open.
func (m *measurement) investigate(ctx context.Context) {
	r, e := &m.result, &m.result.Evidence
	first := slices.IndexFunc(r.Fetches, func(f Fetch) bool { return !f.ok() })
	if first < 0 {
		return
	}
	f, w := r.Fetches[first], m.wished(first)
	e.ByAddress = r.ByAddress
	e.Others = slices.ContainsFunc(r.Fetches, Fetch.ok)
	e.Unproven = r.Nobody != nil && r.Nobody.Status == http.StatusProxyAuthRequired && (r.Wrong == nil || r.WrongAge > 0)
	if f.refused() || f.kind() == denial || m.config.Fetch.NoDirect {
		return
	}
	addrs := m.findOrigin(ctx, w.url)
	if len(addrs) == 0 {
		return
	}
	if f.kind() == failure && e.ByAddress == nil && !w.url.literal() {
		half, cancel := halfOf(ctx)
		defer cancel()
		if a, err := m.fetch(half, w.at(addrs[0])); err == nil {
			e.ByAddress = &a
		}
	}
	half, cancel := halfOf(ctx)
	defer cancel()
	e.Direct = m.fetchDirectly(half, w, addrs)
}

// halfOf is ctx with half of the time that is left, so that each way to find out
// gets some.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// findOrigin asks this machine's resolver for the origin.
func (m *measurement) findOrigin(ctx context.Context, u URL) []netip.Addr {
	if a, err := netip.ParseAddr(u.host()); err == nil {
		return []netip.Addr{a}
	}
	half, cancel := halfOf(ctx)
	defer cancel()
	var addrs []netip.Addr
	_, err := m.step(half, fmt.Sprintf("resolving %q on this machine", u.host()), func(ctx context.Context) (said string, err error) {
		addrs, err = m.lookUp(ctx, "ip", u.host())
		return fmt.Sprint(addrs), err
	})
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if err != nil {
		m.result.Evidence.LookUp = "no answer"
		if d, ok := errors.AsType[*net.DNSError](err); ok {
			m.result.Evidence.LookUp, m.result.Evidence.NoSuchName = printable(d.Err, 60), d.IsNotFound
		}
	}
	return addrs
}

// fetchDirectly fetches u without the proxy; nil if this machine could not try.
func (m *measurement) fetchDirectly(ctx context.Context, w wish, addrs []netip.Addr) *Fetch {
	f := &Fetch{URL: w.url.shown(), Origin: true}
	port, _ := strconv.ParseUint(w.url.port(), 10, 16) // UnmarshalText has checked it
	var conn net.Conn
	_, err := m.step(ctx, fmt.Sprintf("connecting to %q directly", w.url.authority()), func(ctx context.Context) (said string, err error) {
		conn, _, said, err = m.reach(ctx, addrs, uint16(port))
		return said, err
	})
	if err != nil {
		if f.broke(err) != nil {
			return nil
		}
		return f
	}
	defer conn.Close()
	if err := m.fetchOn(ctx, conn, w.asked(), f, "directly"); err != nil {
		return nil
	}
	return f
}

// A kind is how a URL did not come.
type kind int

const (
	failure  kind = iota // the proxy, or something behind it, could not
	denial               // the proxy forbids it
	delivery             // an answer of the origin came, but not the right one
)

func (f Fetch) kind() kind {
	a := f.Answer
	switch {
	case a.Breach != nil || f.Step == stepTLS:
		return failure
	case f.Origin:
		return delivery
	case a.denied() && (a.SquidError != "" || a.Method == http.MethodConnect):
		return denial
	case a.SquidError != "" || a.Status >= 500 || a.Method == http.MethodConnect:
		return failure
	default:
		return delivery
	}
}

// A Blame is whose fault it is that a URL did not come, and the sentence.
type Blame struct {
	Fault  metric.Fault
	Reason metric.Reason
	Text   string
}

func blamed(f metric.Fault, r metric.Reason, format string, args ...any) Blame {
	return Blame{f, r, fmt.Sprintf(format, args...)}
}

func originAt(format string, args ...any) Blame {
	return blamed(metric.FaultOrigin, metric.ReasonOrigin, format, args...)
}

func proxyAt(format string, args ...any) Blame {
	return blamed(metric.FaultProxy, metric.ReasonGateway, format, args...)
}

func resolverAt(format string, args ...any) Blame {
	return blamed(metric.FaultProxyResolver, metric.ReasonProxyResolver, format, args...)
}

// blame says whose fault it is that f did not come. squid's own name for the
// error decides only where there is nothing better: it differs between versions
// and can be taken out.
func (f Fetch) blame(e Evidence) Blame {
	switch f.kind() {
	case denial:
		return blamed(metric.FaultACL, metric.ReasonACL, "%s denied by an access rule of the proxy (%s)", f.URL, f)
	case delivery:
		return f.blameDelivery(e)
	default:
		return f.blameFailure(e)
	}
}

// blameDelivery is for a wrong answer: does the origin give the same without the proxy?
func (f Fetch) blameDelivery(e Evidence) Blame {
	d := e.Direct
	switch {
	case d == nil && f.Answer.Status == http.StatusForbidden:
		return blamed(metric.FaultACL, metric.ReasonACL, "%s denied (%s) by the proxy or by the origin", f.URL, f)
	case d == nil && f.Wrong == errStaleNonce.Error():
		return proxyAt("%s %s", f.URL, f)
	case d == nil:
		return originAt("%s %s", f.URL, f)
	case !d.ok():
		return originAt("%s %s, directly %s", f.URL, f, d)
	case f.Answer.Status == http.StatusForbidden:
		return blamed(metric.FaultACL, metric.ReasonACL, "%s denied through the proxy (%s), directly %s", f.URL, f, d)
	default:
		return proxyAt("the proxy delivers something else: %s %s, directly %s", f.URL, f, d)
	}
}

// blameFailure is for no answer of the origin: which part of the way fails?
func (f Fetch) blameFailure(e Evidence) Blame {
	a, d := e.ByAddress, e.Direct
	arrived := a != nil && (a.ok() || a.kind() == delivery)
	lives := d != nil && (d.ok() || d.kind() == delivery)
	silent := f.Answer.Breach != nil && f.Answer.Breach.Silent && !f.Origin
	switch {
	case e.NoSuchName && !arrived:
		return originAt("%s %s: this machine does not find its name either (%s)", f.URL, f, e.LookUp)
	case arrived && !f.Origin:
		return resolverAt("the proxy's resolver fails: %s by name %s, by address %s", f.URL, f, a)
	case d != nil && !lives && d.Answer.Breach != nil && d.Answer.Breach.Silent:
		return originAt("%s %s: the origin fails, unless this machine has no way to it; directly %s", f.URL, f, d)
	case d != nil && !lives:
		return originAt("%s %s: the origin fails, directly %s", f.URL, f, d)
	case lives && f.Step == stepTLS:
		return proxyAt("%s %s, directly %s: something behind the proxy breaks into TLS", f.URL, f, d)
	case lives && e.Others:
		return originAt("%s %s, directly %s, while other URLs come through: the origin, or the way to it, refuses this proxy", f.URL, f, d)
	case silent && e.Unproven && !e.Others && !f.Answer.began():
		return blamed(metric.FaultAuth, metric.ReasonAuthRefused,
			"the authentication helper does not answer, or nothing behind the proxy does: 407 at once without credentials, %s %s with them; see cache.log on the proxy", f.URL, f)
	case lives:
		return proxyAt("%s %s, directly %s: the proxy does not get through to the origin", f.URL, f, d)
	default:
		return f.blameUnseen(e)
	}
}

// blameUnseen is for a failure of which nothing more was found out.
func (f Fetch) blameUnseen(e Evidence) Blame {
	switch f.Answer.SquidError {
	case "ERR_DNS_FAIL":
		return resolverAt("the proxy's resolver fails: %s %s", f.URL, f)
	case "ERR_CONNECT_FAIL", "ERR_READ_TIMEOUT", "ERR_ZERO_SIZE_OBJECT":
		return originAt("%s %s", f.URL, f)
	}
	switch {
	case f.Origin, f.Answer.began() && f.Answer.Begun < http.StatusInternalServerError && f.Answer.SquidError == "":
		return originAt("%s %s", f.URL, f)
	case e.LookUp != "":
		return proxyAt("%s %s; this machine cannot resolve it either (%s), so whose fault it is stays open", f.URL, f, e.LookUp)
	default:
		return proxyAt("%s %s", f.URL, f)
	}
}
