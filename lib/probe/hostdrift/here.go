package hostdrift

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// elsewhere is the error of a target that is another machine: what is looked at is
// this one, whatever it is called.
func (m *measurement) elsewhere() error {
	t := m.target
	if t.Address == "" {
		return nil
	}
	for _, a := range t.Addrs {
		if a.IsLoopback() || own(a) {
			return nil
		}
	}
	name, err := m.runningName()
	short, _, _ := strings.Cut(name, ".")
	for _, called := range []string{t.Name, t.Address} {
		if err == nil && called != "" && (strings.EqualFold(called, name) || strings.EqualFold(called, short)) {
			return nil
		}
	}
	return fmt.Errorf("looking at %q: this check sees the machine that it runs on, and that is %q: run it there, by NRPE, with -H 127.0.0.1", t.Address, name)
}

// own says that an interface of this machine has the address.
func own(a netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, i := range all {
		if n, ok := i.(*net.IPNet); ok {
			if is, ok := netip.AddrFromSlice(n.IP); ok && is.Unmap() == a.Unmap() {
				return true
			}
		}
	}
	return false
}
