package selfcheck

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// names refuses what is no host name.
func names(all []string) error {
	var faults []error
	for _, n := range all {
		if _, ok := dns.IsDomainName(n); !ok || strings.Trim(n, ".") == "" {
			faults = append(faults, fmt.Errorf("references.resolve: %q is no host name", n))
		} else if _, err := netip.ParseAddr(n); err == nil {
			faults = append(faults, fmt.Errorf("references.resolve: %q is an address: write a name for the resolver to find", n))
		}
	}
	return errors.Join(faults...)
}

// servers reads the entries of one list. They are addresses: a name would be found
// by the resolver that is on trial.
func servers(list string, entries []string, port uint16) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	var faults []error
	for _, e := range entries {
		s, ok := server(e, port)
		if !ok {
			faults = append(faults, fmt.Errorf("references.%s: %q is no address: write 192.0.2.1, 192.0.2.1:443 or [2001:db8::1]:443", list, e))
			continue
		}
		all = append(all, s)
	}
	return all, errors.Join(faults...)
}

// server is an entry with its port, or else with the one given.
func server(entry string, port uint16) (netip.AddrPort, bool) {
	bare := entry
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		bare = entry[1 : len(entry)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		return netip.AddrPortFrom(a.Unmap(), port), true
	}
	p, err := netip.ParseAddrPort(entry)
	if err != nil || p.Port() == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port()), true
}
