package peers

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A RunningUnbound is an unbound.
type RunningUnbound struct {
	*Running
	// Nameserver is an address of this unbound alone, in 127.0.0.0/8, where it
	// answers on port 53 too: squid's dns_nameservers and resolv.conf know no other
	// port. "" if the test may not listen there.
	Nameserver string
}

// StartUnbound starts an unbound that knows what conf tells it: lines of the
// server clause (local-zone, local-data, ...), then other clauses if need be. It
// can ask servers on this machine and none beyond it.
func StartUnbound(tb testing.TB, conf string) *RunningUnbound {
	tb.Helper()
	program := Program(tb, "unbound")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	u := &RunningUnbound{Running: r, Nameserver: nameserver()}
	lines := []string{
		"server:",
		fmt.Sprintf("  interface: 127.0.0.1@%d", r.Port),
	}
	if u.Nameserver != "" {
		lines = append(lines, "  interface: "+u.Nameserver+"@53")
	}
	lines = append(
		lines,
		"  access-control: 127.0.0.0/8 allow",
		// A packet from 127.0.0.1 cannot leave the machine, so whatever is asked, no
		// root server hears of it.
		"  outgoing-interface: 127.0.0.1",
		"  do-not-query-localhost: no",
		"  do-ip6: no",
		"  module-config: iterator",
		"  username: \"\"",
		"  chroot: \"\"",
		"  directory: "+dir,
		"  pidfile: \"\"",
		"  use-syslog: no",
		conf,
		"remote-control:",
		"  control-enable: no",
		"",
	)
	file := write(tb, dir, "unbound.conf", strings.Join(lines, "\n"), 0o644)
	r.args = []string{program, "-d", "-p", "-c", file}
	r.ready = func() error { return resolves(r.Addr) }
	r.launch()
	return u
}

// resolves asks for a name that unbound knows by itself.
func resolves(addr string) error {
	client := &dns.Client{Timeout: tryPatience}
	_, _, err := client.Exchange(new(dns.Msg).SetQuestion("localhost.", dns.TypeA), addr)
	return err
}

// nameserver is a loopback address with port 53 free, "" if there is none.
func nameserver() string {
	for range 10 {
		// 127.64.0.0/10 is clear of 127.0.0.53 and of other habits.
		address := fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(64), rand.IntN(256), 1+rand.IntN(254))
		if free(address, 53) {
			return address
		}
	}
	return ""
}
