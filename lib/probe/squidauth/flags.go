package squidauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

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

func (r Result) unreachable() (metric.Sample, bool) {
	if u := r.Unreachable; u != nil {
		return metric.Flag(flagUnreachable, true, metric.FaultProxy, u.Breach.Reason, u.String()), true
	}
	return metric.Flag(flagUnreachable, false, "", "", ""), r.answered()
}

func (r Result) openProxy() (metric.Sample, bool) {
	if r.Nobody == nil || r.config.Login.NoCredentials != Refused {
		return metric.Sample{}, false
	}
	text := fmt.Sprintf("open proxy: served without credentials (%s)", r.Nobody)
	if r.Nobody.SquidError != "" {
		text = fmt.Sprintf("open proxy: tried to fetch without credentials (%s)", r.Nobody)
	}
	return metric.Flag(flagOpenProxy, r.Nobody.served(), metric.FaultProxy, metric.ReasonOpenProxy, text), true
}

// noChallenge: a client that is refused without a challenge cannot know that it
// could log in; browsers then never ask for the password.
func (r Result) noChallenge() (metric.Sample, bool) {
	a := r.Nobody
	switch {
	case a == nil || r.config.Login.NoCredentials != Refused:
		return metric.Sample{}, false
	case a.denied():
		return metric.Flag(flagNoChallenge, true, metric.FaultACL, metric.ReasonACL,
			fmt.Sprintf("refused without credentials, but by an access rule (%s) and not with 407: no client is asked to log in", a)), true
	case a.Status == http.StatusProxyAuthRequired && !a.Challenged:
		return metric.Flag(flagNoChallenge, true, metric.FaultProxy, metric.ReasonGateway,
			"refused without credentials (407), but without Proxy-Authenticate: no client knows how to log in"), true
	case a.Status != http.StatusProxyAuthRequired && !a.served():
		return metric.Flag(flagNoChallenge, true, metric.FaultProxy, metric.ReasonGateway,
			fmt.Sprintf("answered %s without credentials, and not 407", a)), true
	}
	return metric.Flag(flagNoChallenge, false, "", "", ""), true
}

// wrongAccepted is not tested by an answer that neither serves nor refuses.
func (r Result) wrongAccepted() (metric.Sample, bool) {
	if r.Wrong == nil {
		return metric.Sample{}, false
	}
	return metric.Flag(flagWrongAccepted, r.Wrong.served(), metric.FaultAuth, metric.ReasonOpenProxy,
		fmt.Sprintf("wrong credentials accepted (%s)", r.Wrong)), r.Wrong.served() || r.Wrong.refused()
}

func (r Result) helperSilent() (metric.Sample, bool) {
	if h := r.HelperSilent; h != nil {
		return metric.Flag(flagHelperSilent, true, metric.FaultAuth, metric.ReasonAuthRefused,
			fmt.Sprintf("the authentication helper does not answer: 407 at once without credentials, %s with them; see cache.log on the proxy", h.Breach.What)), true
	}
	asked := r.Wrong != nil && r.WrongAge == 0 ||
		slices.ContainsFunc(r.Fetches, func(f Fetch) bool { return f.Answer.Status != 0 || f.Origin })
	return metric.Flag(flagHelperSilent, false, "", "", ""), asked
}

func (r Result) rightRefused() (metric.Sample, bool) {
	if len(r.Fetches) == 0 || r.config.Login.User == "" {
		return metric.Sample{}, false
	}
	return metric.Flag(flagRightRefused, slices.ContainsFunc(r.Fetches, Fetch.refused), metric.FaultAuth, metric.ReasonAuthRefused,
		"right credentials refused (407): either the password changed or the authentication helper is broken; see cache.log on the proxy"), true
}

// noFetch says nothing where the credentials were refused: that is the finding.
func (r Result) noFetch() (metric.Sample, bool) {
	if len(r.Fetches) == 0 || slices.ContainsFunc(r.Fetches, Fetch.refused) {
		return metric.Sample{}, false
	}
	f := r.failed()
	if f == nil {
		return metric.Flag(flagNoFetch, false, "", "", ""), r.Fetched
	}
	b := f.blame(r.Evidence)
	return metric.Flag(flagNoFetch, true, b.Fault, b.Reason, b.Text+r.otherFailures(f)), true
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

func (r Result) wrongExit() (metric.Sample, bool) {
	if len(r.Fetches) == 0 || !r.Fetches[0].Exit.IsValid() {
		return metric.Sample{}, false
	}
	saw := r.Fetches[0].Exit
	var want []string
	for _, a := range r.config.Fetch.ExpectExit {
		if a.Unmap().WithZone("") == saw {
			return metric.Flag(flagWrongExit, false, "", "", ""), true
		}
		want = append(want, a.String())
	}
	return metric.Flag(flagWrongExit, true, metric.FaultProxy, metric.ReasonWrongExit,
		fmt.Sprintf("wrong exit: the origin saw %s and not %s", saw, strings.Join(want, " or "))), true
}

// text is what was done, where everything came.
func (r Result) text() string {
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
	return strings.Join(append(done, came), ", ")
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
