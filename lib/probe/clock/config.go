package clock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

// Config says how a host's clock is read and how far it may be off.
type Config struct {
	Source         Source       `placeholder:"SOURCE" help:"How the host tells its time: snmp, ntp or http (the Date header); local is the clock of the machine that the check runs on, by the word of its own references."`
	Port           uint16       `short:"p" help:"Port of the source; 161, 123 or 80 if not given."`
	Warning        metric.Range `short:"w" placeholder:"RANGE" help:"Warn if the offset in seconds is outside this range. A plain number N means -N:N."`
	Critical       metric.Range `short:"c" placeholder:"RANGE" help:"Critical if the offset in seconds is outside this range. A plain number N means -N:N."`
	Precise        bool         `help:"Ask up to five times more, until the offset is known as well as the round trip allows."`
	Reference      Reference    `placeholder:"auto|none|NTP1,NTP2,NTP3" help:"What proves this monitor's own clock: auto asks the local chronyd, else the kernel; at least three NTP servers form a majority, whose time counts; none takes the clock as it is."`
	Virtualization string       `placeholder:"KIND" help:"The host's kind (xen, openvz, lxc, kvm, vmware, hyperv, none), for the advice at -v."`
	SNMP           SNMP         `embed:""`

	Shared *Shared `kong:"-"` // what references say, for all checks of this process; nil = each asks

	chronyd  string                         // where the monitor's chronyd answers
	adjtimex func(*unix.Timex) (int, error) // nil = the kernel
	now      func() instant                 // nil = both clocks of this machine
}

// Default is a Config with every default.
func Default() Config {
	return Config{
		Source:   OverSNMP,
		Warning:  metric.MustRange("5"),
		Critical: metric.MustRange("60"),
		SNMP: SNMP{
			OID:       hrSystemDate,
			Protocol:  "2c",
			Community: secret.New("public"),
			V3:        V3{AuthProtocol: "SHA", PrivProtocol: "AES"},
		},
		chronyd: chronydAddress,
	}
}

// Validate says which options contradict each other.
func (c Config) Validate() error {
	switch {
	case c.Source == Local && c.Reference.none:
		return errUnheld
	case c.Source != OverSNMP:
		return nil
	}
	return c.SNMP.validate()
}

// Limits holds a plain number against both spellings of the offset, which say
// the same: offset_abs is for those who can read plain numbers only.
func (c Config) Limits() []metric.Limit {
	hold := func(r metric.Range) metric.All {
		if r.Plain {
			return metric.All{offset: r.Around(), offsetAbs: r}
		}
		return metric.All{offset: r}
	}
	return []metric.Limit{{Warning: hold(c.Warning), Critical: hold(c.Critical)}}
}

// Needs is what the check needs on the monitor.
func (c Config) Needs(ctx context.Context, _ metric.Target) []metric.Need {
	var needs []metric.Need
	for _, f := range c.SNMP.files() {
		n := metric.Need{What: fmt.Sprintf("secret in %q", f), OK: true, Have: "readable"}
		if _, err := f.Read(); err != nil {
			n.OK, n.Have, n.Mend = false, err.Error(), fmt.Sprintf("chown root:nagios %[1]q && chmod 640 %[1]q, or the group that this check runs as", f)
		}
		needs = append(needs, n)
	}
	ctx, cancel := context.WithTimeout(ctx, maxVouching)
	defer cancel()
	clock, err := c.vouch(ctx)
	n := metric.Need{What: "a proven clock of this monitor", OK: err == nil && clock.Proven, Have: clock.String()}
	if !n.OK {
		n.Mend = "apt install chrony, or name --reference NTP1,NTP2,NTP3"
	}
	return append(needs, n)
}

// addresses are where to send the questions, and what errors and stages call it.
func (c Config) addresses(t metric.Target) (dial netip.AddrPort, called string) {
	host := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if len(t.Addrs) > 0 {
		host = t.Addrs[0]
	}
	port := c.Port
	if port == 0 {
		port = c.Source.port()
	}
	name := t.Address
	if name == "" {
		name = host.String()
	}
	return netip.AddrPortFrom(host, port), net.JoinHostPort(name, strconv.Itoa(int(port)))
}

// A Source is how a host tells its time.
type Source string

// The sources.
const (
	OverSNMP Source = "snmp"
	OverNTP  Source = "ntp"
	OverHTTP Source = "http"
	Local    Source = "local" // the host is the machine that asks
)

// String is the source as options spell it.
func (s Source) String() string { return string(s) }

// UnmarshalText reads a source.
func (s *Source) UnmarshalText(text []byte) error {
	switch v := Source(text); v {
	case OverSNMP, OverNTP, OverHTTP, Local:
		*s = v
		return nil
	}
	return fmt.Errorf("source %q is none of snmp, ntp, http, local", text)
}

// port is where the source usually answers.
func (s Source) port() uint16 {
	switch s {
	case OverNTP:
		return 123
	case OverHTTP:
		return 80
	default:
		return 161
	}
}

// A Reference says what proves the monitor's own clock. The zero Reference is auto.
type Reference struct {
	none    bool
	servers []string
}

// minReferences is how many servers it takes to outvote one that lies.
const minReferences = 3

// UnmarshalText reads "auto", "none" or a list of at least three NTP servers.
func (r *Reference) UnmarshalText(text []byte) error {
	switch string(text) {
	case "auto":
		*r = Reference{}
		return nil
	case "none":
		*r = Reference{none: true}
		return nil
	}
	var servers []string
	for s := range strings.SplitSeq(string(text), ",") {
		s = strings.TrimSpace(s)
		switch {
		case s == "":
			return errors.New("reference: an NTP server's name is empty")
		case slices.Contains(servers, s):
			return fmt.Errorf("reference %q is there twice: it has one vote", s)
		}
		servers = append(servers, s)
	}
	if len(servers) < minReferences {
		return fmt.Errorf("reference %q: neither auto nor none, and a majority takes at least %d NTP servers", text, minReferences)
	}
	*r = Reference{servers: servers}
	return nil
}

// String is the text that UnmarshalText reads as r.
func (r Reference) String() string {
	switch {
	case r.none:
		return "none"
	case len(r.servers) > 0:
		return strings.Join(r.servers, ",")
	default:
		return "auto"
	}
}
