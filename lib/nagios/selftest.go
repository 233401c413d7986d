package nagios

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"milepost/lib/check"
	"milepost/lib/metric"
	"milepost/lib/verdict"
)

// selfTest says what the check needs on this machine, of whichever host, and what mends it.
func (r *run) selfTest(ctx context.Context, checks []check.Check) int {
	ctx, cancel := context.WithTimeout(ctx, r.common.Timeout.After)
	defer cancel()
	var needs []metric.Need
	for _, c := range checks {
		if _, err := netip.ParseAddr(c.Target.Address); c.Target.Address != "" && err != nil {
			needs = append(needs, needResolver("/etc/resolv.conf"))
		}
		if c.Needs != nil {
			needs = append(needs, c.Needs(ctx)...)
		}
	}
	t := tested{Check: r.Kind.Name, Needs: once(needs)}
	t.judge()
	return r.print(t.page(r.common.Output), t.Status)
}

// once is needs, each one time: hosts have most of them in common.
func once(needs []metric.Need) []jsonNeed {
	unique := []jsonNeed{}
	for _, n := range needs {
		if n := jsonNeed(n); !slices.Contains(unique, n) {
			unique = append(unique, n)
		}
	}
	return unique
}

// What a self-test found, as --output json spells it.
type (
	tested struct {
		Check    string         `json:"check"`
		Status   verdict.Status `json:"status"`
		ExitCode int            `json:"exit_code"`
		Summary  string         `json:"summary"`
		Needs    []jsonNeed     `json:"needs"`
	}
	jsonNeed struct {
		What string `json:"what"`
		OK   bool   `json:"ok"`
		Have string `json:"have"`
		Mend string `json:"mend"` // the command that mends it
	}
)

// judge sums up: the first need that is not met is what to begin with.
func (t *tested) judge() {
	t.Status, t.Summary = verdict.OK, "self-test: everything that this check needs is here"
	for _, n := range t.Needs {
		if !n.OK {
			t.Status, t.Summary = verdict.Unknown, fmt.Sprintf("self-test: %s: %s: run %s", n.What, n.Have, n.Mend)
			break
		}
	}
	t.ExitCode = int(t.Status)
}

// page is t in the format. For Prometheus it is a comment: nothing was measured.
func (t *tested) page(f Format) string {
	var b strings.Builder
	if f == FormatJSON {
		encodeJSON(&b, t)
		return b.String()
	}
	mark := ""
	if f == FormatPrometheus {
		mark = "# "
	}
	b.WriteString(mark + fit(fmt.Sprintf("%s %v: ", strings.ToUpper(t.Check), t.Status), plain(t.Summary), nil) + "\n")
	for _, n := range t.Needs {
		if n.OK {
			fmt.Fprintf(&b, "%shave: %s: %s\n", mark, plain(n.What), plain(n.Have))
			continue
		}
		fmt.Fprintf(&b, "%[1]sneed: %[2]s: %[3]s\n%[1]srun: %[4]s\n", mark, plain(n.What), plain(n.Have), plain(n.Mend))
	}
	return b.String()
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
