package plugins

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// slack is what a run may take beyond -t.
const slack = 200 * time.Millisecond

// kept runs a plugin whose args have a "-t SECONDS" and holds it to that. A machine
// that is busy with other things may delay one run; it does not delay three.
func kept(t *testing.T, run func() plugintest.Answer, args string) (a plugintest.Answer) {
	t.Helper()
	_, after, _ := strings.Cut(args, "-t ")
	var seconds float64
	if _, err := fmt.Sscanf(after, "%f", &seconds); err != nil {
		t.Fatalf("no -t in %q: %v", args, err)
	}
	most := time.Duration(seconds*float64(time.Second)) + slack
	for range 3 {
		if a = run(); a.Took <= most {
			return a
		}
	}
	t.Errorf("it took %v, more than %v: %s", a.Took, most, a.First())
	return a
}

// A peer that answers for ever is not listened to for ever.
func TestTimeIsKeptInAFlood(t *testing.T) {
	port := plugintest.Flood(t)
	const squid = "-H 127.0.0.1 -t 1 --no-credentials allowed --url http://origin.test/ -p "
	for _, tt := range []struct {
		name, plugin, args string
		exit               int
		want               string
	}{
		{"an agent", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 1 --reference none -p ", port), 3, "CLOCK_OFFSET UNKNOWN: asking ..."},
		{"an NTP server", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 1 --reference none --source ntp -p ", port), 3, "CLOCK_OFFSET UNKNOWN: asking ..."},
		{"references", "check_clock_offset", fmt.Sprintf("-H 127.0.0.1 -t 1 --source ntp -p %[1]d --reference 127.0.0.1:%[1]d,localhost:%[1]d,127.0.0.2:%[1]d", port), 3, "CLOCK_OFFSET UNKNOWN: ..."},
		{"an HTTP server", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 1 --reference none --source http -p ", port), 3, "CLOCK_OFFSET UNKNOWN: asking ..."},
		{"a proxy", "check_squid_auth", fmt.Sprint(squid, port), 2, "SQUID_AUTH CRITICAL: ...header of more than 64 kB..."},
		{"a resolver", "check_resolver", fmt.Sprint("-H 127.0.0.1 -t 1 --query www.example.test -p ", port), 2, "RESOLVER CRITICAL: ..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := plugin(tt.plugin)
			kept(t, func() plugintest.Answer { return program.Run(t, plugintest.Args(tt.args)...) }, tt.args).Expect(t, tt.exit, tt.want)
		})
	}
}

// A pipe that is full, and that nobody empties, ends the run like any other end.
func TestTimeIsKeptBeforeAFullPipe(t *testing.T) {
	for name, args := range map[string]string{
		"check_clock_offset": fmt.Sprint("-t 1 -H 127.0.0.1 -p ", peers.Port(t)),
		"check_squid_auth":   fmt.Sprint("-t 1 -H 127.0.0.1 --no-credentials allowed --url http://origin.test/ --no-direct -p ", peers.Port(t)),
		"check_resolver":     fmt.Sprint("-t 1 -H 127.0.0.1 --query www.example.test -p ", peers.Port(t)),
		"check_packet_loss":  "-t 1 -H 127.0.0.1 -n 2 -i 0.01",
		"check_path":         "-t 1 -H 127.0.0.1 --from 51.5,-0.1 --to 51.5,-0.1 -n 2 -i 0.01",
		"check_host_drift":   "-t 1 --root / --not-immutable /etc/passwd",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := plugin(name)
			a := kept(t, func() plugintest.Answer {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				reader, writer, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer reader.Close()
				defer writer.Close()
				fill(t, writer)
				cmd := program.Command(ctx, plugintest.Args(args)...)
				cmd.Stdout = writer
				return plugintest.Run(t, cmd)
			}, args)
			if a.Exit != 3 {
				t.Errorf("exit code %d, not 3", a.Exit)
			}
		})
	}
}

// A file of options that nobody writes is not waited for longer than -t either.
func TestTimeIsKeptBeforeASilentIniFile(t *testing.T) {
	ini := filepath.Join(t.TempDir(), "plugins.ini")
	if err := syscall.Mkfifo(ini, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args, want string
		exit       int
	}{
		{"-t 1", "CLOCK_OFFSET UNKNOWN: timed out after 1s while reading the options: ...", 3},
		{"-t 1:critical", "CLOCK_OFFSET CRITICAL: timed out after 1s while reading the options: ...", 2},
	} {
		args := "-H 127.0.0.1 --extra-opts=@" + ini + " " + tt.args
		program := plugin("check_clock_offset")
		kept(t, func() plugintest.Answer { return program.Run(t, plugintest.Args(args)...) }, args).Expect(t, tt.exit, tt.want)
	}
}

// fill fills a pipe.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	if err := pipe.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for _, err := pipe.Write(make([]byte, 1<<16)); err == nil; {
		_, err = pipe.Write(make([]byte, 1))
	}
}

// A namespace without a way out: 192.0.2.0/24 swallows every packet, and the
// nameserver of its resolv.conf is in there.
type void struct{ name, resolvConf string }

func newVoid(t *testing.T) void {
	t.Helper()
	ip := peers.Program(t, "ip")
	if os.Geteuid() != 0 {
		peers.Missing(t, "network namespaces need root")
	}
	v := void{fmt.Sprintf("milepost-void-%d", os.Getpid()), filepath.Join(t.TempDir(), "resolv.conf")}
	if err := os.WriteFile(v.resolvConf, []byte("nameserver 192.0.2.53\nnameserver 192.0.2.54\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil { // in a cleanup the test's context has ended
			t.Fatalf("ip %q: %v\n%s", args, err, out)
		}
	}
	run("netns", "add", v.name)
	t.Cleanup(func() { run("netns", "del", v.name) })
	run("-n", v.name, "link", "set", "lo", "up")
	run("-n", v.name, "link", "add", "hole", "type", "veth", "peer", "name", "bottom")
	run("-n", v.name, "address", "add", "192.0.2.1/24", "dev", "hole")
	run("-n", v.name, "link", "set", "hole", "arp", "off", "up") // nobody is asked who has an address
	run("-n", v.name, "link", "set", "bottom", "up")
	return v
}

// run runs the program in there.
func (v void) run(t *testing.T, p plugintest.Program, args string) plugintest.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := p.Command(ctx)
	cmd.Path = peers.Program(t, "ip")
	cmd.Args = append([]string{"ip", "netns", "exec", v.name, "sh", "-c", `mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@"`, v.resolvConf, p.Path}, plugintest.Args(args)...)
	return plugintest.Run(t, cmd)
}

// A black hole, and nameservers that never answer: -t is the whole run's time.
func TestRealTimeIsKeptInAVoid(t *testing.T) {
	v := newVoid(t)
	const squid = " --no-credentials allowed --url http://origin.test/"
	for _, tt := range []struct {
		name, plugin, args string
		exit               int
		want               string
	}{
		{"an agent in a black hole", "check_clock_offset", "-H 192.0.2.9 -t 1 --reference none", 3, `CLOCK_OFFSET UNKNOWN: asking "192.0.2.9:161" for its time over SNMP: no answer within ...`},
		{"an NTP server in a black hole", "check_clock_offset", "-H 192.0.2.9 -t 1 --source ntp --reference none", 3, `CLOCK_OFFSET UNKNOWN: asking "192.0.2.9:123" for its time over NTP: no answer within ...`},
		{"a web server in a black hole", "check_clock_offset", "-H 192.0.2.9 -t 1 --source http --reference none", 3, `CLOCK_OFFSET UNKNOWN: asking "192.0.2.9:80" for its Date over HTTP: no answer within ...`},
		{"references in a black hole", "check_clock_offset", "-H 192.0.2.9 -t 1 --source ntp --reference 192.0.2.2,192.0.2.3,192.0.2.4", 3, `CLOCK_OFFSET UNKNOWN: asking "192.0.2.9:123" for its time over NTP: no answer within ...`},
		{"references by name, and dead nameservers", "check_clock_offset", "-H 192.0.2.9 -t 1 --source ntp --reference a.test,b.test,c.test", 3, `CLOCK_OFFSET UNKNOWN: asking "192.0.2.9:123" for its time over NTP: no answer within ...`},
		{"a proxy in a black hole", "check_squid_auth", "-H 192.0.2.9 -t 1" + squid, 2, `SQUID_AUTH CRITICAL: connecting to proxy "192.0.2.9:3128": no answer within ...`},
		{"a resolver in a black hole", "check_resolver", "-H 192.0.2.9 -t 1 --query www.example.test", 2, `RESOLVER CRITICAL: no answer over UDP in ... to "www.example.test" A, asked 3 times; ...`},
		{"the nameservers of resolv.conf", "check_resolver", "-t 1 --query www.example.test", 2, `RESOLVER CRITICAL: 192.0.2.53: no answer over UDP in ...every lookup fails after ...: no nameserver answers...`},
		{"a host in a black hole", "check_packet_loss", "-H 192.0.2.9 -t 1 -n 5 -i 0.02", 2, "PACKET_LOSS CRITICAL: ...lost..."},
		{"a far host in a black hole", "check_path", "-H 192.0.2.9 -t 1 --from 51.5,-0.1 --to 40.7,-74 -n 3 -i 0.02", 3, `PATH UNKNOWN: measuring the path to "192.0.2.9": no packet came back...`},
		{"what resolv.conf leads to", "check_host_drift", "-t 1 --resolv-conf", 2, "HOST_DRIFT CRITICAL: every lookup fails after ...: no nameserver answers; ..."},

		{"an agent by name", "check_clock_offset", "-H fra-1.example.net -t 1", 3, `CLOCK_OFFSET UNKNOWN: resolving "fra-1.example.net": ...`},
		{"a proxy by name", "check_squid_auth", "-H fra-1.example.net -t 1" + squid, 3, `SQUID_AUTH UNKNOWN: resolving "fra-1.example.net": ...`},
		{"a resolver by name", "check_resolver", "-H fra-1.example.net -t 1", 3, `RESOLVER UNKNOWN: resolving "fra-1.example.net": ...`},
		{"a host by name", "check_packet_loss", "-H fra-1.example.net -t 1", 3, `PACKET_LOSS UNKNOWN: resolving "fra-1.example.net": ...`},
		{"a far host by name", "check_path", "-H fra-1.example.net -t 1 --from 51.5,-0.1 --to 40.7,-74", 3, `PATH UNKNOWN: resolving "fra-1.example.net": ...`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program := plugin(tt.plugin)
			kept(t, func() plugintest.Answer { return v.run(t, program, tt.args) }, tt.args).Expect(t, tt.exit, tt.want)
		})
	}
}
