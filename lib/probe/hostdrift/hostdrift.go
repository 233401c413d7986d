// Package hostdrift finds what changed on this host behind its owner's back: its
// name, its resolv.conf, the immutable bit of its files, whose clock it has, and
// which packages are installed. Providers overwrite all of them.
//
// It looks, and changes nothing. Each drift comes with the command that mends it.
package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"milepost/lib/metric"
	"milepost/lib/resolvconf"
)

// Config says what is expected of the host.
type Config struct {
	Warning        metric.Range      `short:"w" placeholder:"RANGE" help:"Warn if the number of drifts is outside this range, whatever each of them is."`
	Critical       metric.Range      `short:"c" placeholder:"RANGE" help:"Critical if the number of drifts is outside this range, whatever each of them is."`
	ExpectHostname string            `placeholder:"NAME" help:"The host's name. Without it the kernel's name must be that of /etc/hostname."`
	ResolvConf     resolvconf.Wanted `embed:""`
	Bits           Bits              `embed:""`
	Wallclock      Wallclock         `placeholder:"independent" help:"independent: on Xen this host's clock must not be its node's."`
	Lists          Lists             `embed:""`
	Place          Place             `embed:""`
}

// Bits are files with a wish for their immutable bit (chattr +i).
type Bits struct {
	Immutable    []string `sep:"none" placeholder:"FILE" help:"A file that nobody may change: it must have the immutable bit (chattr +i); may be given again."`
	NotImmutable []string `sep:"none" placeholder:"FILE" help:"A file that must not have the immutable bit (Virtuozzo does not boot a host that has it on some); may be given again."`
}

// Lists are files with names of packages.
type Lists struct {
	Packages          string `placeholder:"FILE" help:"The packages that may be installed, a name or a pattern (linux-image-*) a line; any other must be decided on."`
	ForbiddenPackages string `placeholder:"FILE" help:"The packages that must go, a name or a pattern a line."`
}

// Place is where the host's files are.
type Place struct {
	Root string `placeholder:"DIR" help:"Look at the host whose / is this directory: a container, a mounted disk. Its kernel's name is not this one's, so that a hostname is looked at only with --expect-hostname. The lists of packages are this machine's files."`

	uname func() (string, error) // nil = the kernel's name
	port  uint16                 // of the nameservers; 0 = 53
}

// Default looks at the hostname alone.
func Default() Config { return Config{} }

// Limits states a limit for everything that is looked at. What breaks now is
// critical: another name, foreign nameservers, a host that will not boot, a package
// that must go. What may break later is a warning.
func (c Config) Limits() []metric.Limit {
	var limits []metric.Limit
	add := func(wanted bool, l ...metric.Limit) {
		if wanted {
			limits = append(limits, l...)
		}
	}
	rc := c.ResolvConf
	add(c.namesHost(), metric.Never(hostname))
	add(rc.ExpectNameserver != nil, metric.Never(nameservers))
	add(rc.Asked(), metric.Never(lookupsFail), metric.On(stall, metric.MustRange("0"), metric.Range{}))
	add(rc.ExpectSearch != nil, c.seldom(search))
	add(rc.ExpectOption != nil, c.seldom(options))
	add(len(c.Bits.NotImmutable) > 0, metric.Never(notImmutable))
	add(len(c.Bits.Immutable) > 0, c.seldom(immutable))
	add(c.Wallclock != "", c.seldom(wallclock))
	add(c.Lists.ForbiddenPackages != "", metric.Never(forbiddenPackages))
	add(c.Lists.Packages != "", c.seldom(unlistedPackages))
	return append(limits, metric.On(drifted, c.Warning, c.Critical))
}

// seldom is a warning, and critical where the number of drifts is: its sentence is told then.
func (c Config) seldom(flag string) metric.Limit {
	l := metric.Seldom(flag)
	if !c.Critical.IsZero() {
		l.Critical = metric.All{flag: l.Warning[flag], drifted: c.Critical}
	}
	return l
}

// namesHost says that there is a name to compare with.
func (c Config) namesHost() bool { return c.ExpectHostname != "" || c.Place.runs() }

// runs says that the kernel here is the host's.
func (p Place) runs() bool { return p.Root == "" || p.uname != nil }

// Validate refuses options that contradict each other.
func (c Config) Validate() error {
	for _, f := range slices.Concat(c.Bits.Immutable, c.Bits.NotImmutable) {
		if !filepath.IsAbs(f) {
			return fmt.Errorf("--immutable, --not-immutable: %q does not begin with /", f)
		}
		if slices.Contains(c.Bits.Immutable, f) && slices.Contains(c.Bits.NotImmutable, f) {
			return fmt.Errorf("--immutable, --not-immutable: %q cannot be both", f)
		}
	}
	if c.ExpectHostname != "" && !isHostname(c.ExpectHostname) {
		return fmt.Errorf("--expect-hostname: %q is no host name", c.ExpectHostname)
	}
	if err := c.ResolvConf.Validate(); err != nil {
		return err
	}
	if len(c.Limits()) == 1 {
		return errors.New("--root: there is nothing to look at: say --expect-hostname or another expectation")
	}
	return nil
}

// Needs is that what is to be looked at can be read.
func (c Config) Needs(context.Context, metric.Target) []metric.Need {
	type place struct {
		root
		path string
	}
	host := root(c.Place.Root)
	var places []place
	if c.namesHost() {
		places = append(places, place{host, hostnameFile})
	}
	if c.ResolvConf.Asked() {
		places = append(places, place{host, resolvconf.Path})
	}
	for _, f := range slices.Concat(c.Bits.Immutable, c.Bits.NotImmutable) {
		places = append(places, place{host, f})
	}
	if c.Lists != (Lists{}) {
		places = append(places, place{host, dpkgStatus})
	}
	for _, f := range []string{c.Lists.Packages, c.Lists.ForbiddenPackages} {
		if f != "" {
			places = append(places, place{"", f})
		}
	}
	var needs []metric.Need
	for _, p := range places {
		n := metric.Need{What: fmt.Sprintf("file %q", p.name(p.path)), OK: true, Have: "readable"}
		if f, err := p.open(p.path); err != nil {
			n.OK, n.Have, n.Mend = false, err.Error(), "chmod a+r "+shell(p.name(p.path))
		} else {
			f.Close()
		}
		needs = append(needs, n)
	}
	return needs
}

// A look is one thing that was looked at.
type look struct {
	flag  string // of the limit that holds it
	drift string // what is not as expected; "" = it is
	mend  string // the command, or the line, that mends it
	whole string // what drift names only in part
	stage metric.Stage
	err   error // why nobody can tell
}

// A Result is what was found.
type Result struct {
	looks []look
	file  *resolvconf.File
	stall *resolvconf.Stall
}

// Measure yields once. Where something could not be looked at, that is the error,
// and what was found stands.
func Measure(ctx context.Context, t metric.Target, c Config) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		m := &measurement{Config: c, target: t, root: root(c.Place.Root)}
		if err := m.elsewhere(); err != nil {
			yield(m.result, err)
			return
		}
		for _, l := range []func(context.Context){m.hostname, m.resolvConf, m.bits, m.wallclock, m.packages} {
			if ctx.Err() != nil {
				yield(m.result, &metric.Interrupted{Stage: "looking at this host", Err: ctx.Err()})
				return
			}
			l(ctx)
		}
		yield(m.result, m.result.unseen())
	}
}

// A measurement is one run of Measure.
type measurement struct {
	Config
	root   root
	target metric.Target
	result Result
}

// saw notes what a look came to.
func (m *measurement) saw(began time.Time, doing string, l look) {
	l.stage.Doing, l.stage.Took = doing, time.Since(began)
	if l.err != nil {
		l.err = fmt.Errorf("%s: %w", doing, l.err)
	}
	m.result.looks = append(m.result.looks, l)
}

// unseen is the first thing that could not be looked at.
func (r Result) unseen() error {
	var first error
	more := 0
	for _, l := range r.looks {
		switch {
		case l.err == nil:
		case first == nil:
			first = l.err
		default:
			more++
		}
	}
	if more > 0 {
		return fmt.Errorf("%w (and %d more: see -v)", first, more)
	}
	return first
}
