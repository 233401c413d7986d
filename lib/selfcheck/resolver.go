package selfcheck

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"milepost/lib/crew"
)

// A trial is how one resolver answered: the known names, and one that was just
// made up, which nobody can have an address for.
type trial struct {
	errs     []error // for each known name why there is no address; nil if there is one
	invented []netip.Addr
	took     time.Duration
}

// lies says that the resolver has addresses for names that do not exist, as a
// provider's search page or a captive portal has.
func (t trial) lies() bool { return len(t.invented) > 0 }

// answers says that at least one known name was found: a zone may have an outage
// of its own.
func (t trial) answers() bool {
	for _, err := range t.errs {
		if err == nil {
			return true
		}
	}
	return false
}

// good says that names may be resolved through it.
func (t trial) good() bool { return t.answers() && !t.lies() }

// denies says that the resolver works and knows none of the names.
func (t trial) denies() bool {
	for _, err := range t.errs {
		if !isNotFound(err) {
			return false
		}
	}
	return len(t.errs) > 0 && !t.lies()
}

func isNotFound(err error) bool {
	d, ok := errors.AsType[*net.DNSError](err)
	return ok && d.IsNotFound
}

// A lookup asks some resolver.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// resolver tries the machine's own resolver and, beside it, the others. Without
// known names there is nothing to try them with.
func (k *Checker) resolver(ctx context.Context) (own trial, others []trial) {
	if len(k.Resolve) == 0 {
		return trial{}, nil
	}
	own, others = k.try(ctx)
	if !own.good() && ctx.Err() == nil {
		own, others = k.try(ctx)
	}
	return own, others
}

func (k *Checker) try(ctx context.Context) (own trial, others []trial) {
	others = make([]trial, len(k.resolvers))
	var all crew.Crew
	all.Go(func() { own = k.ask(ctx, k.System) })
	for i, server := range k.resolvers {
		all.Go(func() {
			others[i] = k.ask(ctx, func(ctx context.Context, network, host string) ([]netip.Addr, error) {
				return k.Ask(ctx, server, network, host)
			})
		})
	}
	all.Wait()
	return own, others
}

// ask puts all questions at once.
func (k *Checker) ask(ctx context.Context, by lookup) trial {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	t := trial{errs: make([]error, len(k.Resolve))}
	var all crew.Crew
	for i, name := range k.Resolve {
		all.Go(func() {
			// The final dot keeps the search list of resolv.conf out.
			if _, err := find(ctx, by, "ip", dns.Fqdn(name)); err != nil {
				t.errs[i] = err
			}
		})
	}
	all.Go(func() {
		t.invented, _ = find(ctx, by, "ip", random())
	})
	all.Wait()
	t.took = time.Since(began)
	return t
}

// random is a name that does not exist. It has the shape of those that are sold:
// who answers for names that do not exist often does so for these alone.
func random() string { return "www." + strings.ToLower(rand.Text()) + ".com." }

// find is what by finds. No address, and the unspecified one, which filters give to
// what they block, are a name that is not found.
func find(ctx context.Context, by lookup, network, host string) ([]netip.Addr, error) {
	found, err := by(ctx, network, host)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, notFound(host)
	}
	return addrs, nil
}

func notFound(host string) error {
	return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// cause is err in few words, without the name.
func cause(err error) string {
	d, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && d.IsNotFound:
		return "no such name"
	case errors.Is(err, context.DeadlineExceeded), ok && d.IsTimeout:
		return fmt.Sprintf("no answer within %v", patience)
	case ok && strings.Contains(d.Err, "->"): // both addresses, of which one is another each time
		return d.Err[strings.LastIndex(d.Err, ": ")+len(": "):]
	case ok:
		return d.Err
	default:
		return err.Error()
	}
}
