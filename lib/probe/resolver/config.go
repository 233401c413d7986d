package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"milepost/lib/metric"
	"milepost/lib/resolvconf"
)

// Config is the options of the check.
type Config struct {
	Port     uint16       `short:"p" placeholder:"PORT" help:"Port of the resolver, UDP and TCP."`
	Query    []Query      `sep:"none" placeholder:"NAME[=ADDR,...]" help:"A known name. It must have exactly these addresses, in any order, or at least one if none is given; may be given again."`
	Warning  metric.Range `short:"w" placeholder:"RANGE" help:"Warn if the first answer's time in seconds is outside this range."`
	Critical metric.Range `short:"c" placeholder:"RANGE" help:"Critical if the first answer's time in seconds is outside this range."`

	Names Names `embed:""`
	Tests Tests `embed:""`
	Peers Peers `embed:""`
	Local Local `embed:""`
}

// Names are the names beside the known ones.
type Names struct {
	Random     []Pattern `sep:"none" placeholder:"NAME" help:"A name that cannot exist: each * becomes 16 random letters; without * they go in front. Must give NXDOMAIN. none asks for no random name; may be given again."`
	RandomZone []Name    `sep:"none" placeholder:"ZONE" help:"A zone without a wildcard, to ask for a random name in, instead of the domains of the known names; may be given again."`
	FreshZone  Query     `placeholder:"ZONE[=ADDR,...]" help:"A zone with a wildcard: a random name in it must have these addresses, which no cache can know."`
}

// Tests are the tests that can be left out or asked for.
type Tests struct {
	TCP          Level `name:"tcp" placeholder:"must|should|no" help:"Whether the resolver answers over TCP: critical, warning or not asked."`
	DNSSEC       Level `name:"dnssec" placeholder:"must|should|no" help:"Whether the resolver validates DNSSEC: critical, warning or not asked."`
	DNSSECSigned Name  `name:"dnssec-signed" placeholder:"NAME" help:"A name that is signed well: the answer must have the AD bit."`
	DNSSECBroken Name  `name:"dnssec-broken" placeholder:"NAME" help:"A name that is signed badly: it must SERVFAIL, and be there with checking disabled."`
	TTL          bool  `name:"ttl" help:"Ask for the first known name again, a second later: its TTL must have fallen."`

	// Pause waits between two answers whose TTLs are compared; nil = a timer.
	Pause func(context.Context, time.Duration) error `kong:"-"`
}

// Peers are the servers that the resolver must agree with.
type Peers struct {
	Authority Server `placeholder:"ADDR[:PORT]" help:"An authoritative server of the known names, which must give the same addresses."`
	Compare   Server `placeholder:"ADDR[:PORT]" help:"Another resolver, which must give the same addresses."`
}

// Local is what is looked at on this machine.
type Local struct {
	resolvconf.Wanted `embed:""`

	// ResolvConfFile is the file; "" = /etc/resolv.conf.
	ResolvConfFile string `kong:"-"`
	// NameserverPort is where the file's nameservers are asked beside a target; 0 =
	// 53, for the file knows no other.
	NameserverPort uint16 `kong:"-"`
}

// Default asks for the random names that no zone of the user's is needed for.
func Default() Config {
	return Config{
		Port:  53,
		Names: Names{Random: []Pattern{"www.*.com", "*.invalid"}},
		Tests: Tests{TCP: Should, DNSSEC: No, DNSSECSigned: "iana.org", DNSSECBroken: "dnssec-failed.org"},
	}
}

// Limits states one limit for every test that is made. Their order is that of the
// sentences: what is wrong with a name that was asked about goes before what is wrong
// with random ones.
func (c Config) Limits() []metric.Limit {
	limits := []metric.Limit{metric.Never(noAnswer), metric.Never(notRecursive), metric.Never(wrongAnswer)}
	if len(c.random()) > 0 {
		limits = append(limits, metric.Never(hijack))
	}
	limits = append(limits, metric.Never(outage))
	limits = append(limits, c.Tests.TCP.limit(noTCP)...)
	limits = append(limits, c.Tests.DNSSEC.limit(noDNSSEC)...)
	if c.Peers != (Peers{}) {
		limits = append(limits, metric.Seldom(disagrees))
	}
	if c.Tests.TTL {
		limits = append(limits, metric.Seldom(ttlStuck))
	}
	limits = append(limits, c.Local.limits()...)
	return append(limits, metric.On("time", c.Warning, c.Critical))
}

// limits: foreign nameservers see and answer every query, so they are critical;
// a search list or an option more is not, nor is a lookup that waits and succeeds.
func (l Local) limits() []metric.Limit {
	if !l.Asked() {
		return nil
	}
	limits := []metric.Limit{metric.Never(lookupsFail), metric.On(stall, metric.MustRange("0"), metric.Range{})}
	if l.ExpectNameserver != nil {
		limits = append(limits, metric.Never(nameservers))
	}
	if l.ExpectSearch != nil {
		limits = append(limits, metric.Seldom(search))
	}
	if l.ExpectOption != nil {
		limits = append(limits, metric.Seldom(options))
	}
	return limits
}

// Validate refuses options that contradict each other.
func (c Config) Validate() error {
	if err := c.Local.Validate(); err != nil {
		return err
	}
	switch {
	case c.Port == 0:
		return errors.New("--port: 0 is not between 1 and 65535")
	case slices.Contains(c.Names.Random, none) && len(c.Names.Random) > 1:
		return errors.New("--random: none, and another one")
	case slices.Contains(c.Names.Random, none) && len(c.Names.RandomZone) > 0:
		return errors.New("--random-zone: --random none asks for no random name")
	case len(c.Query) == 0 && len(c.random()) == 0:
		return errors.New("--query: there is nothing to ask: give a known name, or leave out --random none")
	case len(c.Query) > 0:
		return nil
	case c.Peers != (Peers{}):
		return errors.New("--authority, --compare: give a known name with --query")
	case c.Tests.TTL:
		return errors.New("--ttl: give a known name with --query")
	}
	return nil
}

// Needs is the file that lists the resolvers.
func (c Config) Needs(_ context.Context, t metric.Target) []metric.Need {
	if t.Address != "" && !c.Local.Asked() {
		return nil
	}
	path := c.Local.path()
	n := metric.Need{What: fmt.Sprintf("nameservers in %q", path)}
	switch f, err := resolvconf.Read(path); {
	case err != nil:
		n.Have, n.Mend = err.Error(), "chmod a+r "+path
	case len(f.Nameservers) == 0:
		n.Have, n.Mend = "none: 127.0.0.1 is asked", "echo nameserver 127.0.0.1 >> "+path
	default:
		n.OK, n.Have = true, list(f.Nameservers, 3)
	}
	return []metric.Need{n}
}

// random is every pattern that a random name is made of: the user's first, then
// one in the domain of each known name, unless a wildcard is expected there.
func (c Config) random() []Pattern {
	if slices.Contains(c.Names.Random, none) {
		return nil
	}
	patterns := slices.Clone(c.Names.Random)
	for _, z := range c.zones() {
		patterns = append(patterns, Pattern("*."+z))
	}
	return patterns
}

// zones are where a wildcard could be taken for a hijack.
func (c Config) zones() []Name {
	if len(c.Names.RandomZone) > 0 {
		return c.Names.RandomZone
	}
	var zones []Name
	for _, q := range c.Query {
		z, ok := q.Name.zone()
		if ok && z != c.Names.FreshZone.Name && !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	return zones
}

func (l Local) port() uint16 {
	if l.NameserverPort == 0 {
		return 53
	}
	return l.NameserverPort
}

func (l Local) path() string {
	if l.ResolvConfFile == "" {
		return resolvconf.Path
	}
	return l.ResolvConfFile
}

// A Level is how much depends on a test.
type Level string

// The levels.
const (
	Must   Level = "must"   // critical if it fails
	Should Level = "should" // a warning
	No     Level = "no"     // not made
)

// UnmarshalText takes one of the levels.
func (l *Level) UnmarshalText(text []byte) error {
	switch v := Level(strings.ToLower(string(text))); v {
	case Must, Should, No:
		*l = v
		return nil
	}
	return fmt.Errorf("%q is none of must, should, no", text)
}

func (l Level) limit(name string) []metric.Limit {
	switch l {
	case Must:
		return []metric.Limit{metric.Never(name)}
	case Should:
		return []metric.Limit{metric.Seldom(name)}
	default:
		return nil
	}
}

// A Server is the address of a DNS server, and its port if it is not 53. The zero
// Server is none.
type Server netip.AddrPort

// UnmarshalText reads 192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or [2001:db8::1]:5353.
func (s *Server) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(strings.Trim(string(text), "[]")); err == nil {
		*s = Server(netip.AddrPortFrom(a, 53))
		return nil
	}
	p, err := netip.ParseAddrPort(string(text))
	if err != nil || p.Port() == 0 {
		return fmt.Errorf("%q is no address: write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353", text)
	}
	*s = Server(p)
	return nil
}

// String is the address with its port; "" for none.
func (s Server) String() string {
	if s == (Server{}) {
		return ""
	}
	return netip.AddrPort(s).String()
}
