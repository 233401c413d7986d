// Package plugins tests the plugins as what they are to Nagios: programs that are
// started, told to stop, and believed by their exit code and first line.
package plugins

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// all are the folders of the plugins.
var all = [...]string{"check_clock_offset", "check_squid_auth", "check_resolver", "check_packet_loss", "check_path", "check_host_drift"}

// TestMain builds the plugins, once, into a directory that NRPE's user may enter.
func TestMain(m *testing.M) {
	var remove func()
	if bin, remove = build(); bin == "" {
		os.Exit(1)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

// bin is the directory of the built plugins.
var bin string

// build gives no directory if it could not, and says why.
func build() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "milepost-plugins-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "", nil
	}
	compile := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./...")
	compile.Env = append(compile.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the plugins: %v\n%s", err, out)
		return "", nil
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// plugin is the built program.
func plugin(name string) plugintest.Program {
	return plugintest.Program{Path: filepath.Join(bin, name)}
}

// check is what plugins call themselves in their first line.
func check(name string) string { return strings.ToUpper(strings.TrimPrefix(name, "check_")) }

func TestNothingButAVerdictIsOK(t *testing.T) {
	for _, name := range all {
		program := plugin(name)
		for _, tt := range []struct{ name, shell, want string }{
			{"help", `"$0" --help`, name + ": ...-H, --hostname=HOST..."},
			{"version", `"$0" --version`, name + " ..."},
			{"a wrong option", `"$0" --wrong-option`, check(name) + " UNKNOWN: usage: no option \"wrong-option\"..."},
			{"help for nobody", `"$0" --help >&-`, ""},
			{"help on a full disk", `"$0" --help >/dev/full`, ""},
			{"a wrong option for nobody", `"$0" --wrong-option >&-`, ""},
			{"a wrong option on a full disk", `"$0" --wrong-option >/dev/full`, ""},
		} {
			t.Run(name+": "+tt.name, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", tt.shell, program.Path)
				a := plugintest.Run(t, cmd)
				if a.Exit != 3 || !plugintest.Matches(tt.want, strings.TrimSuffix(a.Output, "\n")) {
					t.Errorf("%d %q", a.Exit, a.Output)
				}
			})
		}
	}
}

// waiting are command lines that wait for a silent peer, and what they wait for.
func waiting(t *testing.T) map[string]struct{ args, stage string } {
	port := plugintest.Silent(t)
	return map[string]struct{ args, stage string }{
		"check_clock_offset": {fmt.Sprintf("-H 127.0.0.1 -p %d --reference none", port), fmt.Sprintf(`"127.0.0.1:%d"`, port)},
		"check_squid_auth":   {fmt.Sprintf("-H 127.0.0.1 -p %d --no-credentials allowed --url http://origin.test/", port), fmt.Sprintf(`proxy "127.0.0.1:%d"`, port)},
		"check_resolver":     {fmt.Sprintf("-H 127.0.0.1 -p %d --query www.example.test", port), fmt.Sprintf(`127.0.0.1:%d`, port)},
	}
}

// A plugin that is told to stop says what it was waiting for, and does so at once.
func TestSignals(t *testing.T) {
	for name, w := range waiting(t) {
		program := plugin(name)
		for _, tt := range []struct {
			sig  syscall.Signal
			name string
			args string
		}{
			{syscall.SIGTERM, "SIGTERM", ""},
			{syscall.SIGINT, "SIGINT", ""},
			{syscall.SIGALRM, "SIGALRM", ""},
			{syscall.SIGHUP, "SIGHUP", ""},
			{syscall.SIGQUIT, "SIGQUIT", ""},
			{syscall.SIGABRT, "SIGABRT", ""},
			{syscall.SIGTRAP, "SIGTRAP", ""},
			{syscall.SIGSYS, "SIGSYS", ""},
			{syscall.SIGTERM, "SIGTERM", " --supervise"},
			{syscall.SIGALRM, "SIGALRM", " --supervise"},
		} {
			t.Run(name+" "+tt.name+tt.args, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var out bytes.Buffer
				cmd := program.Command(ctx, plugintest.Args(w.args+tt.args+" -t 15")...)
				cmd.Stdout = &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				untilWaiting(t, cmd.Process.Pid, tt.args != "")
				told := time.Now()
				if err := cmd.Process.Signal(tt.sig); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // its exit code says more
				want := fmt.Sprintf("%s UNKNOWN: interrupted by %s while ...%s...\n", check(name), tt.name, w.stage)
				if code := cmd.ProcessState.ExitCode(); code != 3 || !plugintest.Matches(want, out.String()) {
					t.Errorf("\n got %d %swant 3 %s", code, out.String(), want)
				}
				if took := time.Since(told); took > 5*time.Second { // of the 15 that it had
					t.Errorf("it stopped after %v", took)
				}
			})
		}
	}
}

// untilWaiting waits until the process, or its child where it supervises one, has a
// socket open: it hears signals by then, and waits for its peer.
func untilWaiting(t *testing.T, pid int, supervised bool) {
	t.Helper()
	if !peers.Until(10*time.Second, func() bool {
		who := pid
		if supervised {
			who = childOf(t, pid)
		}
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", who))
		return slices.ContainsFunc(links, func(l string) bool {
			to, err := os.Readlink(l)
			return err == nil && strings.HasPrefix(to, "socket:")
		})
	}) {
		t.Fatal("it does not wait for its peer")
	}
}

// childOf is the child that a process has; 0 = none.
func childOf(t *testing.T, pid int) (child int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)) // each thread has children of its own
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if text, err := os.ReadFile(task + "/children"); err == nil && len(text) > 0 {
			_, _ = fmt.Sscan(string(text), &child)
		}
	}
	return child
}

// A run never takes longer than -t, whatever the peer does.
func TestTimeIsKept(t *testing.T) {
	silent, drip := plugintest.Silent(t), plugintest.Drip(t)
	const squid = " --no-credentials allowed --url http://origin.test/ -p "
	for _, tt := range []struct {
		name, plugin, args string
		exit               int
		want               string
	}{
		{"a proxy that accepts and says nothing", "check_squid_auth", fmt.Sprint("-H 127.0.0.1 -t 1", squid, silent), 2, "SQUID_AUTH CRITICAL: ...no answer within ..."},
		{"a proxy that sends a byte a second", "check_squid_auth", fmt.Sprint("-H 127.0.0.1 -t 2", squid, drip), 2, "SQUID_AUTH CRITICAL: ..."},
		{"an agent behind a black hole", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 1 --reference none -p ", silent), 3, "CLOCK_OFFSET UNKNOWN: ..."},
		{"an agent behind a black hole, and silence is critical", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 1:critical --reference none -p ", silent), 2, "CLOCK_OFFSET CRITICAL: ..."},
		{"a Date that comes a byte a second", "check_clock_offset", fmt.Sprint("-H 127.0.0.1 -t 2 --source http --reference none -p ", drip), 3, "CLOCK_OFFSET UNKNOWN: ..."},
		{"a resolver behind a black hole", "check_resolver", fmt.Sprint("-H 127.0.0.1 -t 1 --query www.example.test -p ", silent), 2, "RESOLVER CRITICAL: no answer ..."},
		{"a packet more than there is time for", "check_packet_loss", "-H 127.0.0.1 -t 1 -i 1 -n 1000", 0, "PACKET_LOSS OK: ...to fit into 1 s..."},
		{"a Prometheus that accepts and says nothing", "check_packet_loss", fmt.Sprint("-H 127.0.0.1 -t 2 --prometheus http://127.0.0.1:", silent), 3, "PACKET_LOSS UNKNOWN: asking Prometheus ...: it did not answer in time | loss=0%..."},
		{"supervised", "check_squid_auth", fmt.Sprint("-H 127.0.0.1 --supervise -t 1", squid, silent), 2, "SQUID_AUTH CRITICAL: ...no answer within ..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := plugin(tt.plugin)
			if tt.plugin == "check_packet_loss" && program.Run(t, "--self-test").Exit != 0 {
				peers.Missing(t, "no permission for ICMP")
			}
			kept(t, func() plugintest.Answer { return program.Run(t, plugintest.Args(tt.args)...) }, tt.args).Expect(t, tt.exit, tt.want)
		})
	}
}

// A supervised check says what it says alone.
func TestSupervised(t *testing.T) {
	for name, args := range map[string]string{
		"check_clock_offset": fmt.Sprint("-H 127.0.0.1 -p ", peers.Port(t)),
		"check_squid_auth":   fmt.Sprint("-H 127.0.0.1 --no-credentials allowed --url http://origin.test/ --no-direct -p ", peers.Port(t)),
		"check_resolver":     fmt.Sprint("-H 127.0.0.1 --query www.example.test -p ", peers.Port(t)),
		"check_packet_loss":  "-H 127.0.0.1 -6",
	} {
		program := plugin(name)
		alone, supervised := program.Run(t, plugintest.Args(args)...), program.Run(t, plugintest.Args(args+" --supervise")...)
		text, _, _ := strings.Cut(alone.First(), " | ")
		supervised.Expect(t, alone.Exit, text+"...")
	}
}

// Options come over standard input, once or twice, and reach a supervised check's child.
func TestOptionsOfStandardInput(t *testing.T) {
	for _, args := range []string{"--extra-opts=@-", "--extra-opts=@- --extra-opts=more@-", "--extra-opts=@- --supervise", "--extra-opts=supervised@-"} {
		cmd := plugin("check_host_drift").Command(t.Context(), plugintest.Args(args)...)
		cmd.Stdin = strings.NewReader("[supervised]\nsupervise\nnot-immutable=/etc/passwd\n[check_host_drift]\nnot-immutable=/etc/passwd\n[more]\ntimeout=9\n")
		plugintest.Run(t, cmd).Expect(t, 0, "HOST_DRIFT OK: ...")
	}
}

// What no program survives ends a supervised check's child, and is UNKNOWN with a sentence.
func TestSupervisedCheckThatCrashes(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, sig := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGKILL} {
		var out bytes.Buffer
		cmd := plugin("check_clock_offset").Command(t.Context(), plugintest.Args(fmt.Sprintf("-H 127.0.0.1 --source ntp --reference none -t 15 --supervise -p %d", silent.LocalAddr().(*net.UDPAddr).Port))...)
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := silent.ReadFrom(make([]byte, 1500)); err != nil { // the child asks
			t.Fatal(err)
		}
		pid := childOf(t, cmd.Process.Pid)
		if pid == 0 {
			t.Fatal("it has no child")
		}
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // its exit code says more
		if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.HasPrefix(out.String(), "CLOCK_OFFSET UNKNOWN: the check crashed: ") {
			t.Errorf("%v: %d %s", sig, code, out.String())
		}
	}
}

// What is secret is nowhere: not in the arguments, nor in any line at any -v.
func TestSecretsStaySecret(t *testing.T) {
	const hidden = "correct-horse-battery"
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(hidden+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := r.Header["Proxy-Authorization"]; !ok {
			w.Header().Set("Proxy-Authenticate", `Basic realm="lab"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		// A proxy that is asked to echo gives everything away.
		fmt.Fprintf(w, "%v", r.Header)
	}))
	t.Cleanup(proxy.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(proxy.URL, "http://"), ":")
	silent := plugintest.Silent(t)
	for _, tt := range []struct{ name, plugin, args, env string }{
		{"password by file", "check_squid_auth", "-p " + port + " -u monitor --url http://origin.test/ --no-direct --password-file " + file, ""},
		{"password by environment", "check_squid_auth", "-p " + port + " -u monitor --url http://origin.test/ --no-direct", "MILEPOST_PASSWORD=" + hidden},
		{"community by file", "check_clock_offset", fmt.Sprint("--reference none -t 1 -p ", silent, " --community-file ", file), ""},
		{"community by environment", "check_clock_offset", fmt.Sprint("--reference none -t 1 -p ", silent), "MILEPOST_COMMUNITY=" + hidden},
		{"community by argument", "check_clock_offset", fmt.Sprint("--reference none -t 1 -p ", silent, " -C ", hidden), ""},
		{"SNMPv3 passwords by environment", "check_clock_offset", fmt.Sprint("--reference none -t 1 -P 3 -U lab -p ", silent), "MILEPOST_AUTH_PASSWORD=" + hidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program := plugin(tt.plugin)
			program.Env = append(program.Env, tt.env)
			for _, output := range []string{"nagios", "json", "prometheus"} {
				for _, supervise := range []string{"", " --supervise"} {
					a := program.Run(t, plugintest.Args("-H 127.0.0.1 -vvv --output "+output+supervise+" "+tt.args)...)
					for _, shown := range []string{hidden, "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "bW9uaXRvcjpjb3JyZWN0LWhvcnNlLWJhdHRlcnk="} { // base64
						if strings.Contains(a.Output+a.Errors, shown) {
							t.Errorf("the secret is in the output:\n%s%s", a.Output, a.Errors)
						}
					}
					if a.Output == "" {
						t.Error("it said nothing")
					}
				}
			}
		})
	}
}
