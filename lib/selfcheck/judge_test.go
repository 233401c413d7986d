package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"milepost/lib/metric"
)

// spell is s as the table of TestJudge has it.
func spell(s State) string {
	lines := []string{strings.TrimSpace(fmt.Sprintf("%v %s", s.Sight, s.Reason))}
	for _, t := range s.Tests {
		word := "passed"
		if t.Why != "" {
			word = "failed"
		}
		lines[0] += " " + t.Name + "=" + word
	}
	if s.Why != "" {
		lines = append(lines, s.Why)
	}
	for _, n := range s.Notes {
		lines = append(lines, "note: "+n)
	}
	return strings.Join(lines, "\n")
}

func TestJudge(t *testing.T) {
	var (
		names   = []string{"debian.org", "example.com"}
		servers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53")}
		refs    = []string{"192.0.2.8", "192.0.2.9:443"}
		timeout = context.DeadlineExceeded
		absent  = notFound("x")
		lie     = []netip.Addr{netip.MustParseAddr("10.0.0.1")}
		found   = trial{errs: []error{nil, nil}}
		half    = trial{errs: []error{nil, errors.New("it answers SERVFAIL")}}
		dead    = trial{errs: []error{timeout, timeout}}
		denies  = trial{errs: []error{absent, absent}}
		lies    = trial{errs: []error{nil, nil}, invented: lie}
		open    = journey{errs: []error{timeout, nil}}
		closed  = journey{errs: []error{timeout, timeout}}
	)
	forbidden := fmt.Errorf("%w: operation not permitted", errForbidden)
	for _, row := range []struct {
		situation string
		own       trial
		others    []trial
		route     journey
		noRoute   string
		jump      time.Duration
		want      string
	}{
		{"all is well", found, []trial{found, found}, open, "", time.Second, "ok route=passed resolver=passed clock=passed control=passed"},
		{"nothing is configured", trial{}, nil, journey{}, "", 0, "ok clock=passed control=passed\n" +
			"note: no references: this monitor cannot tell its own faults from others'"},
		{"only the route is tested", trial{}, nil, open, "", 0, "ok route=passed clock=passed control=passed"},
		{"only the own resolver is tested", found, nil, journey{}, "", 0, "ok resolver=passed clock=passed control=passed"},

		{"the own resolver is dead, another answers", dead, []trial{dead, found}, open, "", 0, "impaired monitor_resolver route=passed resolver=failed clock=passed control=passed\n" +
			`this monitor's own resolver fails: resolving "debian.org": no answer within 2s` + "\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers fails: resolving "debian.org": no answer within 2s` + "\n" +
			"note: names are resolved through 192.0.2.2:53"},
		{"the own resolver is dead, there is no other", dead, nil, open, "", 0, "blind monitor_resolver route=passed resolver=failed clock=passed control=passed\n" +
			`this monitor's own resolver fails: resolving "debian.org": no answer within 2s`},
		{"the own resolver denies what others know", denies, []trial{found}, open, "", 0, "impaired monitor_resolver route=passed resolver=failed clock=passed control=passed\n" +
			`this monitor's own resolver fails: resolving "debian.org": no such name` + "\n" +
			"note: names are resolved through 192.0.2.1:53"},
		{"the own resolver invents addresses", lies, []trial{found}, open, "", 0, "impaired monitor_resolver route=passed resolver=failed clock=passed control=passed\n" +
			"this monitor's own resolver lies: it has address 10.0.0.1 for a name that does not exist\n" +
			"note: names are resolved through 192.0.2.1:53"},
		{"a portal answers for every resolver", lies, []trial{lies}, open, "", 0, "blind monitor_resolver route=passed resolver=failed clock=passed control=passed\n" +
			"this monitor's own resolver lies: it has address 10.0.0.1 for a name that does not exist\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers lies: it has address 10.0.0.1 for a name that does not exist`},
		{"another resolver lies, the own does not", found, []trial{lies}, open, "", 0, "ok route=passed resolver=passed clock=passed control=passed\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers lies: it has address 10.0.0.1 for a name that does not exist`},
		{"the others are dead, the own is not", found, []trial{dead}, open, "", 0, "ok route=passed resolver=passed clock=passed control=passed\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers fails: resolving "debian.org": no answer within 2s`},
		{"one zone has an outage", half, []trial{half}, open, "", 0, "ok route=passed resolver=passed clock=passed control=passed"},
		{"one zone is lost to the own resolver alone", half, []trial{dead, found}, open, "", 0, "ok route=passed resolver=passed clock=passed control=passed\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers fails: resolving "debian.org": no answer within 2s` + "\n" +
			`note: this monitor's own resolver has no answer for "example.com" (it answers SERVFAIL), resolver "192.0.2.2:53" has`},
		{"the references are mistyped", denies, []trial{denies}, open, "", 0, "ok route=passed resolver=passed clock=passed control=passed\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers fails: resolving "debian.org": no such name` + "\n" +
			"note: no resolver knows debian.org, example.com: correct references.resolve"},

		{"the route is gone", dead, []trial{dead}, closed, "there is no default route for IPv4", 0, "blind monitor_route route=failed resolver=failed clock=passed control=passed\n" +
			"this monitor has no way out: none of 192.0.2.8, 192.0.2.9:443 answers, and there is no default route for IPv4; " +
			`this monitor's own resolver fails: resolving "debian.org": no answer within 2s` + "\n" +
			`note: resolver "192.0.2.1:53" of references.resolvers fails: resolving "debian.org": no answer within 2s`},
		{"the route is gone, a resolver nearby still answers", found, nil, closed, "", 0, "blind monitor_route route=failed resolver=passed clock=passed control=passed\n" +
			"this monitor has no way out: none of 192.0.2.8, 192.0.2.9:443 answers"},
		{"echoes are forbidden, TCP answers", found, nil, journey{errs: []error{forbidden, nil}}, "", 0, "ok route=passed resolver=passed clock=passed control=passed\n" +
			`note: reference "192.0.2.8" is not asked: this monitor may not send ICMP echoes: operation not permitted: grant cap_net_raw, widen net.ipv4.ping_group_range, or write it as address and port`},
		{"echoes are forbidden, TCP does not answer", found, nil, journey{errs: []error{forbidden, timeout}}, "", 0, "blind monitor_route route=failed resolver=passed clock=passed control=passed\n" +
			"this monitor has no way out: 192.0.2.9:443 does not answer\n" +
			`note: reference "192.0.2.8" is not asked: this monitor may not send ICMP echoes: operation not permitted: grant cap_net_raw, widen net.ipv4.ping_group_range, or write it as address and port`},
		{"echoes are forbidden, and nothing else is there", found, nil, journey{errs: []error{forbidden}}, "", 0, "ok resolver=passed clock=passed control=passed\n" +
			`note: reference "192.0.2.8" is not asked: this monitor may not send ICMP echoes: operation not permitted: grant cap_net_raw, widen net.ipv4.ping_group_range, or write it as address and port`},

		{"the clock is slewed", found, nil, open, "", 2 * time.Second, "ok route=passed resolver=passed clock=passed control=passed"},
		{"the clock was set back", found, nil, open, "", -time.Hour, "impaired monitor_clock route=passed resolver=passed clock=failed control=passed\n" +
			"this monitor's clock was set 1h0m0s back"},
		{"the machine slept", found, nil, open, "", 2001 * time.Millisecond, "impaired monitor_clock route=passed resolver=passed clock=failed control=passed\n" +
			"this monitor's clock jumped 2.001s ahead: it was set, or the machine stood still"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			f := facts{servers: servers, refs: refs, own: row.own, others: row.others, route: row.route, noRoute: row.noRoute, jump: row.jump}
			if row.own.errs != nil {
				f.names = names
			}
			if got := spell(judge(f)); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func TestJudgeOfTheMonitorItself(t *testing.T) {
	proof := func(lo, hi time.Duration) *Proof { return &Proof{lo, hi, "2 of 3 references", true} }
	const minute = time.Minute
	for _, row := range []struct {
		situation string
		facts     facts
		want      string
	}{
		{"the clock is right", facts{proof: proof(-time.Millisecond, time.Millisecond)}, "ok clock=passed control=passed"},
		{"nobody can tell", facts{proof: proof(-10*time.Second, 10*time.Second)}, "ok clock=passed control=passed"},
		{"a little off", facts{proof: proof(4*time.Second, 4900*time.Millisecond)}, "ok clock=passed control=passed"},
		{"off: its failures are doubted", facts{proof: proof(6*time.Second, 7*time.Second)}, "impaired monitor_clock clock=failed control=passed\n" +
			"this monitor's clock is 6s ahead, by 2 of 3 references"},
		{"so far off that its stamps lie", facts{proof: proof(-2*minute, -minute-time.Second)}, "blind monitor_clock clock=failed control=passed\n" +
			"this monitor's clock is 1m1s behind, by 2 of 3 references"},
		{"no majority casts no doubt", facts{proof: &Proof{By: "1 of 3 references agree, which is no majority"}}, "ok clock=passed control=passed\n" +
			"note: this monitor's clock is not proven by references.ntp: 1 of 3 references agree, which is no majority"},
		{"it was set, and references say rightly so", facts{jump: -minute, proof: proof(0, 0)}, "impaired monitor_clock clock=failed control=passed\n" +
			"this monitor's clock was set 1m0s back"},
		{"a control fails", facts{control: errors.New("connecting to itself: too many open files")}, "blind monitor_control clock=passed control=failed\n" +
			"this monitor fails at what cannot fail: connecting to itself: too many open files"},
		{"it keeps up", facts{lag: 4 * time.Second, round: minute}, "ok clock=passed control=passed lag=passed"},
		{"it is late", facts{lag: 6 * time.Second, round: minute}, "impaired monitor_lag clock=passed control=passed lag=failed\n" +
			"this monitor's own work is 6s late: too many checks for this machine, or it stood still"},
		{"it is late by more than a round", facts{lag: 61 * time.Second, round: minute}, "blind monitor_lag clock=passed control=passed lag=failed\n" +
			"this monitor's own work is 1m1s late: too many checks for this machine, or it stood still"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			row.facts.refs, row.facts.route = []string{"192.0.2.8"}, journey{errs: []error{nil}}
			if got := strings.Replace(spell(judge(row.facts)), "route=passed ", "", 1); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func TestReasonsOfAllThatFailed(t *testing.T) {
	s := judge(facts{refs: []string{"192.0.2.8"}, route: journey{errs: []error{errors.New("no answer")}}, jump: time.Minute})
	if got := fmt.Sprint(s.Reasons(), s.Reason == metric.ReasonMonitorRoute); got != "[monitor_route monitor_clock] true" {
		t.Error(got)
	}
}

func TestDefaultRoutes(t *testing.T) {
	const (
		head    = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		nothing = "00000000000000000000000000000000"
	)
	for _, row := range []struct {
		situation string
		has       func(string) bool
		table     string
		want      bool
	}{
		{"IPv4: a gateway", hasDefault4, head + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", true},
		{"IPv4: a network only", hasDefault4, head + "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", false},
		{"IPv4: the half of a VPN", hasDefault4, head + "tun0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", false},
		{"IPv4: down", hasDefault4, head + "eth0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", false},
		{"IPv4: unreachable", hasDefault4, head + "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n", false},
		{"IPv4: nothing", hasDefault4, "", false},
		{"IPv6: a gateway", hasDefault6, nothing + " 00 " + nothing + " 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003 eth0\n", true},
		{"IPv6: the kernel's own refusal", hasDefault6, nothing + " 00 " + nothing + " 00 " + nothing + " ffffffff 00000001 00000000 00200200 lo\n", false},
		{"IPv6: a host", hasDefault6, nothing + " 80 " + nothing + " 00 " + nothing + " 00000000 00000001 00000000 00000001 eth0\n", false},
	} {
		if got := row.has(row.table); got != row.want {
			t.Errorf("%s: %v", row.situation, got)
		}
	}
}

func FuzzDefaultRoutes(f *testing.F) {
	f.Add("eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
	f.Add("00 00 00 00 00 0 0 0 00000003 eth0\n")
	f.Fuzz(func(t *testing.T, table string) {
		// A line that says nothing changes nothing.
		for _, has := range []func(string) bool{hasDefault4, hasDefault6} {
			if has(table) != has(" \n"+table) {
				t.Error("an empty line made a difference")
			}
		}
	})
}

func FuzzServer(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "192.0.2.1:443", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443", "[::1%lo]:53", "[", "x:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := server(s, 53)
		if !ok {
			return
		}
		if again, ok := server(at.String(), 1); !ok || again != at {
			t.Errorf("%q is %v, which is %v", s, at, again)
		}
	})
}
