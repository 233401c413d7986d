package ping

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"milepost/lib/check"
	"milepost/lib/crew"
	"milepost/lib/metric"
	"milepost/lib/peers"
)

func TestRealLoopback(t *testing.T) {
	if n := Default().Needs(t.Context(), metric.Target{})[0]; !n.OK {
		peers.Missing(t, n.What+": "+n.Have+": "+n.Mend)
	}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		t.Run(addr, func(t *testing.T) {
			if l, err := net.Listen("tcp", net.JoinHostPort(addr, "0")); err != nil {
				peers.Missing(t, "this machine has no such loopback: "+err.Error())
			} else {
				l.Close()
			}
			a := attempt{Target: addr, Count: 20, Spacing: 10 * time.Millisecond, Baseline: "2"}
			o := a.check(t.Context()).Run(t.Context())
			if got := outcome(o); !strings.HasPrefix(got, "OK 0/") {
				t.Errorf("%q", got)
			}
			for _, f := range o.Findings {
				if f.Metric == "ping_rtt_seconds" && (f.Value <= 0 || f.Value > 1) {
					t.Errorf("a round trip of %v s", f.Value)
				}
			}
		})
	}
}

// Between two network namespaces nothing disturbs, and every address, rule and
// route is the test's own. near pings, far is pinged.
const (
	nearAddr  = "192.0.2.1"
	farAddr   = "192.0.2.2"
	farOther  = "192.0.2.9"
	noRoute   = "198.51.100.1"
	beyond    = "203.0.113.1" // behind far, which forwards
	nearAddr6 = "2001:db8::1"
	farAddr6  = "2001:db8::2"
	beyond6   = "2001:db8:1::1"
)

func TestRealPath(t *testing.T) {
	l := newLab(t)
	tests := []struct {
		name    string
		near    string // nft rules of the chain that near sends through
		far     string // nft rules of far: "input: ..." and "output: ..."
		attempt attempt
		want    string
	}{
		{"all comes back", "", "", attempt{Baseline: "2"}, "OK 0/"},
		{"one of four is dropped", "", "input: icmp type echo-request numgen inc mod 4 0 drop", attempt{Warning: "25"}, "OK 5/20 lost (25 %, 95 % CI 11-47 %)"},
		{"more than the user wants", "", "input: icmp type echo-request numgen inc mod 4 0 drop", attempt{Warning: "20"}, "WARNING 5/"},
		{"half is dropped of a path that loses 2 %", "", "input: icmp type echo-request numgen inc mod 2 0 drop", attempt{Baseline: "2"}, "CRITICAL "},
		{"half is dropped of a path that loses half", "", "input: icmp type echo-request numgen inc mod 2 0 drop", attempt{Baseline: "50"}, "OK "},
		{"nothing is answered", "", "input: icmp type echo-request drop", attempt{Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %)"},
		{"the host refuses", "", "input: icmp type echo-request reject with icmp type admin-prohibited", attempt{Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 refused (administratively prohibited, says " + farAddr + ")"},
		{"there is no such host", "", "input: icmp type echo-request reject with icmp type host-unreachable", attempt{Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 refused (host unreachable, says " + farAddr + ")"},
		{"the way is too long", "ip ttl set 1", "", attempt{Target: beyond, Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 refused (TTL exceeded, says " + farAddr + ")"},
		{"over IPv6", "", "", attempt{Target: farAddr6, Baseline: "2"}, "OK 0/"},
		{"refused over IPv6", "", "input6: icmpv6 type echo-request reject with icmpv6 type admin-prohibited", attempt{Target: farAddr6, Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 refused (administratively prohibited, says " + farAddr6 + ")"},
		{"the way is too long over IPv6", "6: ip6 hoplimit set 1", "", attempt{Target: beyond6, Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 refused (hop limit exceeded, says " + farAddr6 + ")"},
		{"another host answers", "", "output: icmp type echo-reply ip saddr set " + farOther, attempt{Count: 4}, "CRITICAL no packet came back; 4/4 lost (100 %, 95 % CI 51-100 %), no baseline (0.5 % assumed), p=0.00018, 4 from " + farOther + " ignored"},
		{"nobody has the address", "", "", attempt{Target: farOther, Count: 4}, "CRITICAL no packet came back; 4/4 lost"},
		{"no route", "", "", attempt{Target: noRoute}, `UNKNOWN pinging "198.51.100.1": sending: network is unreachable: this machine has no route to it: see ip route get 198.51.100.1 [monitor_route]`},
		{"the route is unreachable", "", "", attempt{Target: "198.51.100.2"}, `UNKNOWN pinging "198.51.100.2": sending: no route to host: this machine has no route to it: see ip route get 198.51.100.2 [monitor_route]`},
		{"the route is prohibited", "", "", attempt{Target: "198.51.100.3"}, `UNKNOWN pinging "198.51.100.3": sending: permission denied: this machine has no route to it: see ip route get 198.51.100.3 [monitor_route]`},
		{"the route is a black hole", "", "", attempt{Target: "198.51.100.4"}, `UNKNOWN pinging "198.51.100.4": sending: invalid argument: this machine has no route to it: see ip route get 198.51.100.4 [monitor_route]`},
		{"our own firewall", "icmp type echo-request drop", "", attempt{}, `UNKNOWN pinging "192.0.2.2": sending: operation not permitted: this machine's firewall forbids it: see nft list ruleset [not_measured]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			near := "output: " + tt.near
			if six, ok := strings.CutPrefix(tt.near, "6: "); ok {
				near = "output6: " + six
			}
			l.filter(t, l.near, near)
			l.filter(t, l.far, tt.far)
			if got := l.run(t, l.near, tt.attempt); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A stream survives the loss of its route, and no packet is lost by it.
func TestRealStream(t *testing.T) {
	l := newLab(t)
	lines := l.follow(t, attempt{Stream: true, Spacing: 20 * time.Millisecond})
	await(t, lines, "OK 0/", "lost (100 %")
	l.ip(t, "-n", l.near, "route", "replace", "prohibit", farAddr+"/32")
	await(t, lines, "UNKNOWN pinging", "lost (100 %")
	l.ip(t, "-n", l.near, "route", "del", "prohibit", farAddr+"/32")
	await(t, lines, "OK 0/", "lost (100 %")
	l.filter(t, l.far, "input: icmp type echo-request drop")
	await(t, lines, "CRITICAL no packet came back; the latest ", "UNKNOWN")
	l.filter(t, l.far, "")
	await(t, lines, "OK 0/", "UNKNOWN")
}

// TestRealDrops: what our own socket dropped is void, and no packet of it is lost, be it
// judged at once or, among many hosts, long after more was dropped.
func TestRealDrops(t *testing.T) {
	if n := Default().Needs(t.Context(), metric.Target{})[0]; !n.OK {
		peers.Missing(t, n.What+": "+n.Have+": "+n.Mend)
	}
	for _, tt := range []struct {
		name    string
		hosts   int
		spacing time.Duration
		drops   uint64 // so many are enough
	}{
		{"few hosts", 200, 20 * time.Millisecond, 40_000},
		{"many hosts", 3000, time.Second, 30_000},
	} {
		if sum := dropping(t, tt.hosts, tt.spacing, tt.drops); sum.Void == 0 || sum.Received == 0 || sum.Lost > 0 {
			t.Errorf("%s: %+v", tt.name, sum)
		}
	}
}

// dropping pings as many hosts, with the least queue for what they answer, until so many
// answers are dropped. Nobody looks at the streams before.
func dropping(t *testing.T, hosts int, spacing time.Duration, drops uint64) (sum Totals) {
	s := &Streams{Interval: time.Minute}
	c := Default()
	c.Spacing, c.Streams = spacing, s
	for i := range hosts {
		a := netip.AddrFrom4([4]byte{127, 0, byte(3 + i>>8), byte(i)})
		s.flow(metric.Target{Name: a.String(), Addrs: []netip.Addr{a}}, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	var running crew.Crew
	defer running.Wait()
	defer cancel()
	running.Go(func() { s.Run(ctx) })
	every(ctx, 20*time.Millisecond, func() {
		shrink()
		if s.echo.Dropped() > drops {
			cancel()
		}
	})
	for seen := range s.Seen() {
		sum.Lost += seen.Totals.Lost
		sum.Void += seen.Totals.Void
		sum.Received += seen.Totals.Received
	}
	return sum
}

// shrink makes the queue of every ICMP socket of this process the least there is.
func shrink() {
	all, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range all {
		if fd, err := strconv.Atoi(filepath.Base(file)); err == nil {
			if p, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); err == nil && p == unix.IPPROTO_ICMP {
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
			}
		}
	}
}

// Only what is needed is asked for: a program that may raise cap_net_raw does so
// while it opens its socket; every group may ping without it where the sysctl says so.
func TestRealPermission(t *testing.T) {
	l := newLab(t)
	if got := l.run(t, l.near, attempt{Nobody: true}); !strings.HasPrefix(got, `UNKNOWN pinging "192.0.2.2": no permission for ICMP: run setcap cap_net_raw=p "`+l.program+`", or sysctl -w net.ipv4.ping_group_range='0 2147483647' [not_measured]`) {
		t.Errorf("without any: %q", got)
	}
	if got := l.run(t, l.near, attempt{Nobody: true, SelfTest: true}); !strings.HasPrefix(got, "needs permission for ICMP: ") || !strings.Contains(got, "setcap") {
		t.Errorf("self-test without any: %q", got)
	}
	l.allowRaw(t)
	if got := l.run(t, l.near, attempt{Nobody: true}); !strings.HasPrefix(got, "OK 0/") || !strings.HasSuffix(got, "; raw not in effect") {
		t.Errorf("with the capability permitted: %q", got)
	}
	if got := l.run(t, l.near, attempt{Nobody: true, SelfTest: true}); got != "has raw sockets; raw not in effect" {
		t.Errorf("self-test with the capability permitted: %q", got)
	}
	l.copyProgram(t) // a copy has no capability
	l.command(t, "ip", "netns", "exec", l.near, "sh", "-c", "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range")
	for _, target := range []string{farAddr, "::1"} {
		if got := l.run(t, l.near, attempt{Nobody: true, Target: target}); !strings.HasPrefix(got, "OK 0/") {
			t.Errorf("with the sysctl, to %s: %q", target, got)
		}
	}
}

// An attempt is what a copy of the test program pings.
type attempt struct {
	Target            string // "" = far
	Count             int    // 0 = 20
	Spacing           time.Duration
	Baseline, Warning string
	Nobody            bool // as a user without any privilege
	Stream            bool
	SelfTest          bool
}

func (a attempt) config() Config {
	c := Default()
	c.Spacing = 5 * time.Millisecond
	if a.Count > 0 {
		c.Count = a.Count
	}
	if a.Spacing > 0 {
		c.Spacing = a.Spacing
	}
	if err := c.Baseline.UnmarshalText([]byte(a.Baseline)); err != nil {
		panic(err)
	}
	if a.Warning != "" {
		c.Warning = metric.MustRange(a.Warning)
	}
	return c
}

func (a attempt) check(context.Context) check.Check {
	c := a.config()
	if a.Target == "" {
		a.Target = farAddr
	}
	bound, err := check.Define("packet_loss", Default, Measure).Bind(&c, metric.Target{Name: a.Target, Address: a.Target})
	if err != nil {
		panic(err)
	}
	bound.Timeout = 10 * time.Second
	return bound
}

func outcome(o check.Outcome) string {
	s := o.Status.String() + " " + o.Summary
	if o.Reason != "" && o.Reason != metric.ReasonLoss {
		s += " [" + string(o.Reason) + "]"
	}
	return s
}

const (
	asked = "MILEPOST_PING_ATTEMPT" // the environment variable with the attempt
	said  = "outcome: "             // what its line begins with
)

// TestAttempt is the test program's part in another namespace or as another
// user; alone it does nothing.
func TestAttempt(t *testing.T) {
	text := os.Getenv(asked)
	if text == "" {
		return
	}
	var a attempt
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	switch {
	case a.SelfTest:
		n := a.config().Needs(t.Context(), metric.Target{})[0]
		if n.OK {
			fmt.Printf("%shas %s%s\n", said, n.Have, effective(a))
		} else {
			fmt.Printf("%sneeds %s: %s: %s\n", said, n.What, n.Have, n.Mend)
		}
	case a.Stream:
		a.stream(t)
	default:
		o := a.check(t.Context()).Run(t.Context())
		fmt.Printf("%s%s%s\n", said, outcome(o), effective(a))
	}
}

// stream pings for ever, and tells what it sees again and again.
func (a attempt) stream(t *testing.T) {
	streams := &Streams{Interval: 8 * a.Spacing}
	c, err := a.check(t.Context()).With(func(cfg any) error {
		cfg.(*Config).Streams = streams
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var pinging crew.Crew
	defer pinging.Wait()
	pinging.Go(func() { streams.Run(t.Context()) })
	every(t.Context(), 8*a.Spacing, func() { fmt.Printf("%s%s\n", said, outcome(c.Run(t.Context()))) })
}

// effective says whether any thread of a user without privileges still holds
// cap_net_raw.
func effective(a attempt) string {
	if !a.Nobody {
		return ""
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, path := range tasks {
		status, err := os.ReadFile(path)
		if err == nil && !strings.Contains(string(status), "CapEff:\t0000000000000000") {
			return "; raw in effect"
		}
	}
	return "; raw not in effect"
}

// A lab is two network namespaces joined by a cable, and a copy of this program.
type lab struct{ near, far, program string }

func newLab(t *testing.T) *lab {
	t.Helper()
	peers.Program(t, "ip")
	peers.Program(t, "nft")
	if os.Geteuid() != 0 {
		peers.Missing(t, "network namespaces need root")
	}
	name := fmt.Sprintf("ping-%d", os.Getpid())
	l := &lab{near: name + "-near", far: name + "-far"}
	for _, ns := range []string{l.near, l.far} {
		l.ip(t, "netns", "add", ns)
		t.Cleanup(func() { l.ip(t, "netns", "del", ns) })
	}
	l.ip(t, "-n", l.near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", l.far)
	for ns, addrs := range map[string][2]string{l.near: {nearAddr, nearAddr6}, l.far: {farAddr, farAddr6}} {
		l.ip(t, "-n", ns, "addr", "add", addrs[0]+"/24", "dev", "cable")
		l.ip(t, "-n", ns, "addr", "add", addrs[1]+"/64", "dev", "cable", "nodad")
		l.ip(t, "-n", ns, "link", "set", "cable", "up")
		l.ip(t, "-n", ns, "link", "set", "lo", "up")
	}
	for i, kind := range []string{"unreachable", "prohibit", "blackhole"} {
		l.ip(t, "-n", l.near, "route", "add", kind, fmt.Sprintf("198.51.100.%d/32", 2+i))
	}
	l.command(t, "ip", "netns", "exec", l.far, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit")
	l.ip(t, "-n", l.far, "route", "add", beyond+"/32", "dev", "cable")
	l.ip(t, "-n", l.far, "-6", "route", "add", beyond6+"/128", "dev", "cable")
	l.ip(t, "-n", l.near, "route", "add", beyond+"/32", "via", farAddr)
	l.ip(t, "-n", l.near, "-6", "route", "add", beyond6+"/128", "via", farAddr6)
	l.copyProgram(t)
	return l
}

func (l *lab) ip(t *testing.T, args ...string) {
	t.Helper()
	l.command(t, "ip", args...)
}

func (l *lab) command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// filter gives ns the rule "hook: rule", or "hook6: rule" of IPv6, and no other; none
// if the rule is empty.
func (l *lab) filter(t *testing.T, ns, rule string) {
	t.Helper()
	hook, rule, _ := strings.Cut(rule, ": ")
	text := "flush ruleset\n"
	family := "ip"
	if four, ok := strings.CutSuffix(hook, "6"); ok {
		family, hook = "ip6", four
	}
	if rule != "" {
		text += fmt.Sprintf("table %s lab {\n chain %s {\n type filter hook %s priority 0\n %s\n }\n}\n", family, hook, hook, rule)
	}
	c := exec.Command("ip", "netns", "exec", ns, "nft", "-f", "-")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("nft %q: %v: %s", text, err, out)
	}
}

// copyProgram copies this program to where everybody may run it. A copy has no
// file capabilities.
func (l *lab) copyProgram(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ping-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l.program = filepath.Join(dir, "ping.test")
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(l.program, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close(), os.Chmod(dir, 0o755), os.Chmod(l.program, 0o755)); err != nil {
		t.Fatal(err)
	}
}

// allowRaw is setcap cap_net_raw=p: capability.h's vfs_cap_data, revision 2, with
// nothing but that in the permitted set and without the effective bit.
func (l *lab) allowRaw(t *testing.T) {
	t.Helper()
	data := make([]byte, 20)
	binary.LittleEndian.PutUint32(data[0:], 0x02000000)
	binary.LittleEndian.PutUint32(data[4:], 1<<unix.CAP_NET_RAW)
	if err := unix.Setxattr(l.program, "security.capability", data, 0); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) attempt(t *testing.T, ns string, a attempt) *exec.Cmd {
	t.Helper()
	args := []string{"netns", "exec", ns}
	if a.Nobody {
		args = append(args, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "ip", append(args, l.program, "-test.run=^TestAttempt$")...)
	c.Env = append(os.Environ(), asked+"="+string(text))
	c.Stderr = os.Stderr
	return c
}

// run is what the attempt says.
func (l *lab) run(t *testing.T, ns string, a attempt) string {
	t.Helper()
	out, err := l.attempt(t, ns, a).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if s, ok := strings.CutPrefix(line, said); ok {
			return strings.TrimSpace(s)
		}
	}
	t.Fatalf("no outcome: %s", out)
	return ""
}

// follow starts a stream and gives its lines.
func (l *lab) follow(t *testing.T, a attempt) *bufio.Scanner {
	t.Helper()
	c := l.attempt(t, l.near, a)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return bufio.NewScanner(out)
}

// await reads up to a line that begins so, and fails at one with what must not be.
func await(t *testing.T, lines *bufio.Scanner, want, never string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) && lines.Scan() {
		if strings.HasPrefix(lines.Text(), said+want) {
			return
		}
		if strings.Contains(lines.Text(), never) {
			t.Fatalf("%q while waiting for %q", lines.Text(), want)
		}
	}
	t.Fatalf("no line %q", want)
}
