package squidauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"milepost/lib/metric"
)

// flags are the findings, in the order of Config.Limits.
func (r Result) flags() []metric.Sample {
	var all []metric.Sample
	for _, flag := range []func() (metric.Sample, bool){
		r.unreachable, r.openProxy, r.noChallenge, r.wrongAccepted, r.helperSilent, r.rightRefused, r.noFetch, r.wrongExit,
	} {
		if s, tested := flag(); tested {
			all = append(all, s)
		}
	}
	return all
}

// found is a flag that is yes, and whose fault that is.
func found(name string, b Blame) metric.Sample {
	return metric.Flag(name, true, b.Fault, b.Reason, b.Text)
}

// none is a flag that is no.
func none(name string) metric.Sample { return metric.Flag(name, false, "", "", "") }

func (r Result) unreachable() (metric.Sample, bool) {
	if u := r.Unreachable; u != nil {
		return found(flagUnreachable, blamed(metric.FaultProxy, u.Breach.Reason, "%s", u)), true
	}
	return none(flagUnreachable), r.answered()
}

func (r Result) openProxy() (metric.Sample, bool) {
	a := r.Nobody
	switch {
	case a == nil || r.config.Login.NoCredentials != Refused:
		return metric.Sample{}, false
	case !a.served(), r.NoProxy:
		return none(flagOpenProxy), true
	case a.SquidError != "":
		return found(flagOpenProxy, blamed(metric.FaultProxy, metric.ReasonOpenProxy, "open proxy: tried to fetch without credentials (%s)", a)), true
	default:
		return found(flagOpenProxy, blamed(metric.FaultProxy, metric.ReasonOpenProxy, "open proxy: served without credentials (%s)", a)), true
	}
}

// noChallenge: a client that is refused without a challenge cannot know that it
// could log in; browsers then never ask for the password.
func (r Result) noChallenge() (metric.Sample, bool) {
	a := r.Nobody
	switch {
	case a == nil || r.config.Login.NoCredentials != Refused:
		return metric.Sample{}, false
	case r.NoProxy:
		return found(flagNoChallenge, proxyAt("no proxy answers there, but a web server, for itself (%s): give the proxy's -H and -p", a)), true
	case a.served() || a.Status == http.StatusProxyAuthRequired && a.Challenged:
		return none(flagNoChallenge), true
	case a.denied():
		return found(flagNoChallenge, blamed(metric.FaultACL, metric.ReasonACL,
			"refused without credentials, but by an access rule (%s) and not with 407: no client is asked to log in", a)), true
	case a.Status == http.StatusProxyAuthRequired:
		return found(flagNoChallenge, proxyAt("refused without credentials (407), but without Proxy-Authenticate: no client knows how to log in")), true
	default:
		return found(flagNoChallenge, proxyAt("answered %s without credentials, and not 407", a)), true
	}
}

// wrongAccepted is not tested by an answer that neither serves nor refuses.
func (r Result) wrongAccepted() (metric.Sample, bool) {
	switch a := r.Wrong; {
	case a == nil:
		return metric.Sample{}, false
	case a.served():
		return found(flagWrongAccepted, blamed(metric.FaultAuth, metric.ReasonOpenProxy, "wrong credentials accepted (%s)", a)), true
	default:
		return none(flagWrongAccepted), a.refused()
	}
}

func (r Result) helperSilent() (metric.Sample, bool) {
	if h := r.HelperSilent; h != nil {
		return found(flagHelperSilent, blamed(metric.FaultAuth, metric.ReasonAuthRefused,
			"the authentication helper does not answer: 407 at once without credentials, %s with them; see cache.log on the proxy", h.Breach.What)), true
	}
	asked := r.Wrong != nil && r.WrongAge == 0 || slices.ContainsFunc(r.Fetches, Fetch.answered)
	return none(flagHelperSilent), asked
}

func (r Result) rightRefused() (metric.Sample, bool) {
	switch {
	case r.config.Login.User == "":
		return metric.Sample{}, false
	case slices.ContainsFunc(r.Fetches, Fetch.refused):
		return found(flagRightRefused, blamed(metric.FaultAuth, metric.ReasonAuthRefused,
			"right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy")), true
	default:
		return none(flagRightRefused), slices.ContainsFunc(r.Fetches, Fetch.answered)
	}
}

// noFetch says nothing where the credentials were refused: that is the finding.
func (r Result) noFetch() (metric.Sample, bool) {
	if slices.ContainsFunc(r.Fetches, Fetch.refused) {
		return metric.Sample{}, false
	}
	f := r.failed()
	switch {
	case f == nil:
		return none(flagNoFetch), r.Fetched
	case r.noCanary() != nil:
		return metric.Sample{}, false // a page came: it proves nothing, and nothing is broken
	}
	b := f.blame(r.Evidence)
	b.Text += r.otherFailures(f)
	return found(flagNoFetch, b), true
}

// otherFailures are the URLs beside f that did not come either.
func (r Result) otherFailures(f *Fetch) string {
	var more []string
	for i := range r.Fetches {
		if o := &r.Fetches[i]; o != f && !o.ok() {
			more = append(more, fmt.Sprintf("%s %s", o.URL, o))
		}
	}
	if len(more) == 0 {
		return ""
	}
	return "; also " + strings.Join(more, ", ")
}

// noCanary is the URL that should have been a canary's, if the origin is not one by
// all that is known: what comes without the proxy is none either, or was not asked
// for. That is this check's configuration, and not the proxy's doing.
func (r Result) noCanary() *Fetch {
	f, d := r.failed(), r.Evidence.Direct
	if f == nil || f.Wrong != errNoCanary.Error() || f.kind() != delivery || d != nil && d.Wrong != f.Wrong {
		return nil
	}
	return f
}

func (r Result) wrongExit() (metric.Sample, bool) {
	if len(r.Fetches) == 0 || !r.Fetches[0].Exit.IsValid() {
		return metric.Sample{}, false
	}
	saw := r.Fetches[0].Exit
	var want []string
	for _, a := range r.config.Fetch.ExpectExit {
		if a.Unmap().WithZone("") == saw {
			return none(flagWrongExit), true
		}
		want = append(want, a.String())
	}
	return found(flagWrongExit, blamed(metric.FaultProxy, metric.ReasonWrongExit,
		"wrong exit: the origin saw %s and not %s", saw, strings.Join(want, " or "))), true
}

// text is what was done, where everything came.
func (r Result) text() string {
	if f := r.noCanary(); f != nil {
		return fmt.Sprintf("%s %s", f.URL, f)
	}
	if !r.complete() {
		return ""
	}
	var done []string
	if r.Nobody != nil && r.Nobody.refused() {
		done = append(done, "refused without credentials")
	}
	if r.Wrong != nil && r.Wrong.refused() {
		said := "refused wrong ones"
		if r.WrongAge > 0 {
			said += fmt.Sprintf(" %v ago", round(r.WrongAge))
		}
		done = append(done, said)
	}
	f := r.Fetches[0]
	came := fmt.Sprintf("fetched %s (%s, %d B)", f.URL, f, f.Size)
	if n := len(r.Fetches); n > 1 {
		came = fmt.Sprintf("fetched %d URLs", n)
	}
	if f.Exit.IsValid() {
		came += fmt.Sprintf(" by %s", f.Exit)
	}
	done = append(done, came)
	if !r.CertificateEnds.IsZero() {
		const day = 24 * time.Hour
		done = append(done, fmt.Sprintf("the proxy's certificate is valid for %d days", time.Until(r.CertificateEnds)/day))
	}
	return strings.Join(done, ", ")
}

// advice is what to do about the first finding.
func (r Result) advice() []string {
	f := r.failed()
	switch {
	case r.HelperSilent != nil:
		return []string{"on the proxy: tail /var/log/squid/cache.log; look for helpers that crash, or that are all busy (auth_param children)"}
	case slices.ContainsFunc(r.Fetches, Fetch.refused):
		return []string{
			"on the proxy: tail /var/log/squid/cache.log; give the helper of auth_param a line with the user and the password by hand: it must say OK",
			"if it says OK: an http_access deny line whose last acl is a proxy_auth answers 407 too; it answers 403 with another acl behind it",
		}
	case f != nil && f.kind() == denial:
		return []string{"on the proxy: debug_options 28,3 makes squid say in cache.log which http_access rule denies"}
	case f != nil && f.blame(r.Evidence).Fault == metric.FaultProxyResolver:
		return []string{"on the proxy: look at /etc/resolv.conf and dns_nameservers; squid reads them at its start only: squid -k reconfigure"}
	}
	return nil
}
