package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"milepost/lib/crew"
)

// lookupTime is what a lookup takes at most if its context has no end.
const lookupTime = 5 * time.Second

// errOwn is the error where no better one is known: a name is said not to exist by
// an own resolver in order alone.
var errOwn = errors.New("this monitor's own resolver is not to be believed, and no other has an address")

// A way is one way to an address.
type way struct {
	lookup lookup
	own    bool // by the machine's own resolver
}

// Lookup finds the addresses of host, network being ip, ip4 or ip6: by the machine's
// own resolver, by the others if that fails, and else in the memory of what was
// found before, so that a host is not lost with its name. Where the last self-check
// found the own resolver broken, the others come first; one that invents addresses is
// never asked. That a name does not exist is a *net.DNSError that says so.
//
// It fits check.Lookup.
func (k *Checker) Lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	last := k.Last()
	ways := k.ways(last)
	var failure error // the first that does not say that there is no such name
	for i, w := range ways {
		addrs, err := limited(ctx, len(ways)-i, w.lookup, network, host)
		switch {
		case err == nil:
			k.known.keep(network, host, addrs)
			return addrs, nil
		case isNotFound(err) && w.own && !last.failed:
			return nil, err
		case !isNotFound(err) && failure == nil:
			failure = err
		}
	}
	if addrs := k.known.find(network, host); addrs != nil {
		return addrs, nil
	}
	if failure == nil {
		failure = errOwn
	}
	return nil, failure
}

// ways are the ways to an address, the best first.
func (k *Checker) ways(last State) []way {
	own, others := way{k.System, true}, way{lookup: k.usable(last)}
	switch {
	case last.lying && others.lookup == nil:
		return nil
	case last.lying:
		return []way{others}
	case others.lookup == nil:
		return []way{own}
	case last.failed:
		return []way{others, own}
	default:
		return []way{own, others}
	}
}

// usable is the lookup that asks all other resolvers but liars; nil if there is none.
func (k *Checker) usable(last State) lookup {
	servers := last.others
	if servers == nil {
		servers = slices.DeleteFunc(slices.Clone(k.resolvers), func(s netip.AddrPort) bool {
			return slices.Contains(last.liars, s)
		})
	}
	if len(servers) == 0 {
		return nil
	}
	return func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		return k.race(ctx, servers, network, host)
	}
}

// race asks all servers at once and takes the first addresses that come, else the
// error of the first server.
func (k *Checker) race(ctx context.Context, servers []netip.AddrPort, network, host string) ([]netip.Addr, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all crew.Crew
	var once sync.Once
	var first []netip.Addr
	errs := make([]error, len(servers))
	for i, s := range servers {
		all.Go(func() {
			addrs, err := find(ctx, k.at(s), network, host)
			if err != nil {
				errs[i] = err
				return
			}
			once.Do(func() { first = addrs })
			stop()
		})
	}
	all.Wait()
	if first != nil {
		return first, nil
	}
	return nil, errs[0]
}

// at is the lookup of one of the other resolvers.
func (k *Checker) at(server netip.AddrPort) lookup {
	return func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		addrs, err := k.Ask(ctx, server, network, host)
		if err != nil {
			return nil, fmt.Errorf("asking resolver %q: %w", server, err)
		}
		return addrs, nil
	}
}

// limited gives one of so many ways its share of the time that is left.
func limited(ctx context.Context, ways int, by lookup, network, host string) ([]netip.Addr, error) {
	left := lookupTime
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	ctx, cancel := context.WithTimeout(ctx, left/time.Duration(ways))
	defer cancel()
	return find(ctx, by, network, host)
}
