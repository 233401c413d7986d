package nagios

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// selfTest says what the check needs on this machine and what mends it.
func (r *run) selfTest(ctx context.Context, checks []check.Check) int {
	ctx, cancel := context.WithTimeout(ctx, r.common.Timeout.After)
	defer cancel()
	var needs []metric.Need
	c := checks[0]
	if _, err := netip.ParseAddr(c.Target.Address); c.Target.Address != "" && err != nil {
		needs = append(needs, needResolver("/etc/resolv.conf"))
	}
	if c.Needs != nil {
		needs = append(needs, c.Needs(ctx)...)
	}
	status, summary := verdict.OK, "everything that this check needs is here"
	var more strings.Builder
	for _, n := range needs {
		if n.OK {
			fmt.Fprintf(&more, "have: %s: %s\n", plain(n.What), plain(n.Have))
			continue
		}
		if status == verdict.OK {
			summary = fmt.Sprintf("%s: %s: run %s", n.What, n.Have, n.Mend)
		}
		status = verdict.Unknown
		fmt.Fprintf(&more, "need: %s: %s\nrun: %s\n", plain(n.What), plain(n.Have), plain(n.Mend))
	}
	head := fmt.Sprintf("%s %v: self-test: ", strings.ToUpper(r.Kind.Name), status)
	return r.print(fit(head, plain(summary), nil)+"\n"+more.String(), status)
}

// needResolver looks for a nameserver in the file. Without one, the resolver
// asks 127.0.0.1 and nobody knows why nothing resolves.
func needResolver(path string) metric.Need {
	n := metric.Need{What: "a resolver", Mend: "echo nameserver ADDRESS >>" + path}
	f, err := os.Open(path)
	if err != nil {
		n.Have = err.Error()
		return n
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "nameserver" {
			n.OK, n.Have = true, path+" names "+fields[1]
			return n
		}
	}
	n.Have = path + " names no nameserver"
	return n
}
