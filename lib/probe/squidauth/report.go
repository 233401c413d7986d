package squidauth

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"milepost/lib/metric"
)

// The flags. Each is in a report only if its test was made.
const (
	flagUnreachable   = "unreachable"    // the proxy does not answer in HTTP
	flagOpenProxy     = "open_proxy"     // it serves without credentials
	flagNoChallenge   = "no_challenge"   // it refuses without credentials, but not so that a client could log in
	flagWrongAccepted = "wrong_accepted" // it serves with wrong credentials
	flagHelperSilent  = "helper_silent"  // it answers without credentials, and not with them
	flagRightRefused  = "right_refused"  // 407 to the right credentials
	flagNoFetch       = "no_fetch"       // a URL did not come
	flagWrongExit     = "wrong_exit"     // the origin saw another address than the proxy's
)

// A Failure is what a peer did, and at which step.
type Failure struct {
	Doing  string // as in metric.Stage
	Breach *Breach
}

// String is the sentence: connecting to proxy "fra-1:3128": connection refused.
func (f *Failure) String() string { return f.Doing + ": " + f.Breach.Error() }

// Took is how long the stages took; 0 = not made.
type Took struct {
	Connect   time.Duration
	TLS       time.Duration // with the proxy
	Challenge time.Duration // without credentials
	Auth      time.Duration // with wrong credentials
	Fetch     time.Duration // all URLs with the right ones
	All       time.Duration
}

// A Result is what a proxy did in one run. Pointers are nil for what was not tested.
type Result struct {
	Proxy           string        // "fra-1:3128"
	Unreachable     *Failure      // nil = it answers in HTTP, as far as is known
	CertificateEnds time.Time     // the proxy's; zero = none was seen
	Nobody          *Answer       // to a request without credentials
	NoProxy         bool          // that was the answer of a web server, for itself
	Wrong           *Answer       // to wrong credentials
	WrongAge        time.Duration // how long ago Wrong was said; 0 = in this run
	HelperSilent    *Failure      // the helper did not answer about wrong credentials
	Fetches         []Fetch       // of the URLs, in order, as far as they were asked for
	Fetched         bool          // all of the URLs were asked for
	ByAddress       *Fetch        // of URLByAddress
	Evidence        Evidence      // about the first of Fetches that did not come
	Took            Took
	Stages          []metric.Stage

	config Config
}

// Report is the flags of the tests that were made, and the times.
func (r Result) Report() metric.Report {
	if r.Proxy == "" {
		return metric.Report{}
	}
	flags := r.flags()
	p := metric.Report{Text: r.text(), Stages: r.Stages, Advice: r.advice(), Samples: r.times()}
	p.Samples = append(p.Samples, flags...)
	bad := slices.ContainsFunc(flags, func(s metric.Sample) bool { return s.Value != 0 })
	if bad || r.Fetched {
		up := metric.Sample{Metric: "squid_auth_up", Help: "Whether users, and nobody else, can fetch through the proxy."}
		if !bad {
			up.Value = 1
		}
		p.Samples = append(p.Samples, up)
	}
	return p
}

// times are the samples that are numbers; what was not done, or in vain, is not
// determined, so that a graph has a gap and not another label.
func (r Result) times() []metric.Sample {
	total, size := metric.NaN(), metric.NaN()
	if r.complete() {
		total, size = r.Took.All.Seconds(), 0
		for _, f := range r.Fetches {
			size += float64(f.Size)
		}
	}
	all := []metric.Sample{{
		Name: "time", Help: "How long the whole test took.", Unit: metric.Seconds, Value: total,
		Fault: metric.FaultProxy, Reason: metric.ReasonSlow, Text: "slow: " + r.Took.String(),
	}}
	for _, s := range r.Took.stages() {
		sample := metric.Sample{Name: s.name, Help: "How long a stage of the test took.", Unit: metric.Seconds, Value: metric.NaN()}
		if s.took > 0 {
			sample.Metric, sample.Labels, sample.Value = "squid_auth_stage_duration_seconds", []string{"stage", s.name}, s.took.Seconds()
		}
		if s.took > 0 || r.config.makes(s.name) {
			all = append(all, sample)
		}
	}
	all = append(all, metric.Sample{Name: "size", Help: "Bytes of the bodies that were fetched.", Unit: metric.Bytes, Value: size})
	if r.config.Proxy.TLS {
		all = append(all, r.certificate())
	}
	return all
}

// certificate is how long the proxy's certificate is still valid.
func (r Result) certificate() metric.Sample {
	s := metric.Sample{
		Name: "cert_expires_in", Help: "How long the proxy's certificate is still valid.",
		Unit: metric.Seconds, Value: metric.NaN(),
	}
	if !r.CertificateEnds.IsZero() {
		s.Metric = "squid_auth_certificate_expires_in_seconds"
		s.Value = time.Until(r.CertificateEnds).Round(time.Second).Seconds()
	}
	return s
}

// makes says that a stage is part of the test.
func (c Config) makes(stage string) bool {
	switch stage {
	case "tls":
		return c.Proxy.TLS
	case "challenge":
		return c.Login.NoCredentials != Skip
	case "auth":
		return c.triesWrong() && c.Login.User != ""
	default:
		return true
	}
}

type stageTook struct {
	name string
	took time.Duration
}

func (t Took) stages() []stageTook {
	return []stageTook{{"connect", t.Connect}, {"tls", t.TLS}, {"challenge", t.Challenge}, {"auth", t.Auth}, {"fetch", t.Fetch}}
}

// String is "1.2s (connect 40ms, fetch 1.1s)".
func (t Took) String() string {
	var parts []string
	for _, s := range t.stages() {
		if s.took > 0 {
			parts = append(parts, fmt.Sprintf("%s %v", s.name, round(s.took)))
		}
	}
	return fmt.Sprintf("%v (%s)", round(t.All), strings.Join(parts, ", "))
}

// complete says that everything came.
func (r Result) complete() bool {
	return r.Fetched && r.failed() == nil
}

// failed is the first URL that did not come.
func (r Result) failed() *Fetch {
	for i := range r.Fetches {
		if !r.Fetches[i].ok() {
			return &r.Fetches[i]
		}
	}
	if r.ByAddress != nil && !r.ByAddress.ok() {
		return r.ByAddress
	}
	return nil
}

// answered says that the proxy said anything in HTTP.
func (r Result) answered() bool {
	return r.Nobody != nil || r.Wrong != nil && r.WrongAge == 0 || slices.ContainsFunc(r.Fetches, Fetch.answered)
}
