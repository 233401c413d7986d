package selfcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"milepost/lib/crew"
)

// A journey is what came of reaching out for the references.
type journey struct {
	errs []error // for each reference why it was not reached; nil if it was
	took time.Duration
}

// reached says that one answered: of many, any will do, for each has outages of
// its own.
func (j journey) reached() bool {
	for _, err := range j.errs {
		if err == nil {
			return true
		}
	}
	return false
}

// tested says that at least one could be asked.
func (j journey) tested() bool {
	for _, err := range j.errs {
		if !errors.Is(err, errForbidden) {
			return true
		}
	}
	return false
}

func (j journey) fails() bool { return j.tested() && !j.reached() }

// route reaches out for all references at once, until one answers.
func (k *Checker) route(ctx context.Context) journey {
	j := k.travel(ctx)
	if j.fails() && ctx.Err() == nil {
		j = k.travel(ctx)
	}
	return j
}

func (k *Checker) travel(ctx context.Context) journey {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	j := journey{errs: make([]error, len(k.refs))}
	var all crew.Crew
	for i, ref := range k.refs {
		all.Go(func() {
			if j.errs[i] = k.Reach(ctx, ref); j.errs[i] == nil {
				cancel()
			}
		})
	}
	all.Wait()
	j.took = time.Since(began)
	return j
}

// reach is nil if ref answers. A port that is closed has answered too.
func reach(ctx context.Context, ref netip.AddrPort) error {
	if ref.Port() == 0 {
		return echo(ctx, ref.Addr())
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", ref.String())
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil
	case err != nil:
		return err
	}
	return conn.Close()
}

// noDefaultRoute tells which default route is missing, of the families that the
// references are of. It is said beside a test that failed, never instead of it: a
// rule or a tunnel can lead out as well.
func noDefaultRoute(refs []netip.AddrPort) string {
	var missing []string
	for _, family := range []struct {
		name, file string
		is         func(netip.Addr) bool
		has        func(table string) bool
	}{
		{"IPv4", "/proc/net/route", netip.Addr.Is4, hasDefault4},
		{"IPv6", "/proc/net/ipv6_route", netip.Addr.Is6, hasDefault6},
	} {
		asked := false
		for _, r := range refs {
			asked = asked || family.is(r.Addr())
		}
		if !asked {
			continue
		}
		if table, err := os.ReadFile(family.file); err == nil && !family.has(string(table)) {
			missing = append(missing, family.name)
		}
	}
	if missing == nil {
		return ""
	}
	return "there is no default route for " + strings.Join(missing, " and ")
}

// Flags of a route, <linux/route.h>.
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// hasDefault4 reads /proc/net/route: interface, destination, gateway, flags, three
// counts, mask, ...
func hasDefault4(table string) bool {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000" && leads(f[3]) {
			return true
		}
	}
	return false
}

// hasDefault6 reads /proc/net/ipv6_route: destination, its prefix length, source,
// its prefix length, next hop, metric, two counts, flags, interface.
func hasDefault6(table string) bool {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 10 && strings.Trim(f[0], "0") == "" && f[1] == "00" && leads(f[8]) {
			return true
		}
	}
	return false
}

func leads(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&routeUp != 0 && n&routeReject == 0
}
