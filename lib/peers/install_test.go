package peers_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A machine is a directory that the installer takes for the root of the file
// system, with an apt-get that does what the packages' maintainer scripts do.
type machine struct {
	t    *testing.T
	root string
	tree string // the checkout, with the installer in it
}

// aptGet enables squid as its postinst does, records what policy-rc.d would have
// answered, and then does what the test wants.
const aptGet = `#!/bin/bash
case " $* " in
*" update "*) exit 0 ;;
*" download "*) exit 0 ;;
esac
"$PEERS_ROOT/usr/sbin/policy-rc.d" squid start
echo "policy $?" >>"$PEERS_ROOT/apt.log"
echo "$*" >>"$PEERS_ROOT/apt.log"
cd "$PEERS_ROOT"
mkdir -p usr/lib/systemd/system etc/systemd/system/multi-user.target.wants etc/init.d etc/rc2.d
touch usr/lib/systemd/system/squid.service etc/init.d/squid
ln -s /usr/lib/systemd/system/squid.service etc/systemd/system/multi-user.target.wants/squid.service
ln -s /usr/lib/systemd/system/ssh.service etc/systemd/system/multi-user.target.wants/ssh.service
ln -s ../init.d/squid etc/rc2.d/S01squid
for program in squid snmpd; do printf '#!/bin/sh\n' >usr/sbin/$program; chmod 755 usr/sbin/$program; done
`

func newMachine(t *testing.T, then string) machine {
	t.Helper()
	m := machine{t: t, root: t.TempDir(), tree: t.TempDir()}
	for path, text := range map[string]string{
		m.path("usr/lib/systemd/system/ssh.service"):    "", // here before, enabled by an upgrade in between
		m.path("run/lock/keep"):                         "",
		m.path("usr/sbin/keep"):                         "",
		m.path("bin/apt-get"):                           aptGet + then,
		filepath.Join(m.tree, "lib/peers/programs.txt"): "# a comment\nsquid squid install\nsnmpd snmpd install\n",
		filepath.Join(m.tree, "lib/peers/install"):      read(t, "install"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(m.tree, "lib/peers/install"), args...)
	// Only what the installer itself needs: no PATH that has the real squid.
	cmd.Env = []string{"PATH=" + m.path("bin") + ":/usr/bin:/bin", "PEERS_ROOT=" + m.root, "TMPDIR=" + m.path("run")}
	return cmd
}

// install runs the installer to its end.
func (m machine) install(args ...string) (exit int, said string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	text, err := m.command(ctx, args...).CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode(), string(text)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return 0, string(text)
}

func (m machine) has(name string) bool {
	_, err := os.Lstat(m.path(name))
	return err == nil
}

// untouched fails if squid would start at boot or ssh would not.
func (m machine) untouched() {
	m.t.Helper()
	for name, want := range map[string]bool{
		"etc/systemd/system/multi-user.target.wants/squid.service": false,
		"etc/rc2.d/S01squid": false,
		"etc/rc2.d/K01squid": true,
		"etc/systemd/system/multi-user.target.wants/ssh.service": true,
		"usr/sbin/policy-rc.d.before-milepost":                   false,
	} {
		if m.has(name) != want {
			m.t.Errorf("%s is there: %t, want %t", name, !want, want)
		}
	}
	if log := read(m.t, m.path("apt.log")); !strings.HasPrefix(log, "policy 101\n") {
		m.t.Errorf("services were not forbidden to start: %q", log)
	}
}

func TestInstallerLeavesServicesAlone(t *testing.T) {
	for _, row := range []struct {
		situation string
		policy    string // "" = none
		then      string // the end of apt-get
		exit      int
	}{
		{"no policy before", "", "", 0},
		{"a policy before", "#!/bin/sh\nexit 104", "", 0},
		{"the installation fails", "#!/bin/sh\nexit 104", "exit 100", 100},
		{"no policy before and it fails", "", "exit 100", 100},
		{"apt-get is killed", "#!/bin/sh\nexit 104", "kill -9 $$", 137},
		{"Ctrl-C", "#!/bin/sh\nexit 104", "kill -INT $PPID", 130},
		{"the job is cancelled", "#!/bin/sh\nexit 104", "kill -TERM $PPID", 143},
		{"the terminal closes", "", "kill -HUP $PPID", 129},
	} {
		t.Run(row.situation, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, row.then)
			policy := m.path("usr/sbin/policy-rc.d")
			if row.policy != "" {
				if err := os.WriteFile(policy, []byte(row.policy), 0o741); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(policy, 0o741); err != nil {
					t.Fatal(err)
				}
			}
			exit, said := m.install()
			if exit != row.exit {
				t.Errorf("exit %d, want %d: %s", exit, row.exit, said)
			}
			m.untouched()
			if row.policy == "" {
				if m.has("usr/sbin/policy-rc.d") {
					t.Error("a policy-rc.d was left behind")
				}
				return
			}
			info, err := os.Stat(policy)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, policy); got != row.policy || info.Mode().Perm() != 0o741 {
				t.Errorf("policy-rc.d is %q with mode %o, want it as it was", got, info.Mode().Perm())
			}
		})
	}
}

func TestInstallerMendsWhatAKilledOneLeft(t *testing.T) {
	m := newMachine(t, "kill -9 $PPID")
	policy := m.path("usr/sbin/policy-rc.d")
	if err := os.WriteFile(policy, []byte("before"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.install()
	if read(t, policy) == "before" {
		t.Fatal("the installer was not killed while it worked: the test shows nothing")
	}
	for _, program := range []string{"squid", "snmpd"} {
		if err := os.Remove(m.path("usr/sbin/" + program)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(m.path("bin/apt-get"), []byte("#!/bin/sh\nexit 100\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.install()
	if got := read(t, policy); got != "before" {
		t.Fatalf("policy-rc.d is %q, want what was there before the first of them", got)
	}
}

func TestInstallerDoesNothingWhereAllIsHere(t *testing.T) {
	m := newMachine(t, "")
	if exit, said := m.install(); exit != 0 {
		t.Fatalf("exit %d: %s", exit, said)
	}
	if err := os.Remove(m.path("bin/apt-get")); err != nil {
		t.Fatal(err)
	}
	if exit, said := m.install(); exit != 0 || said != "" {
		t.Fatalf("exit %d and %q, want silence", exit, said)
	}
}

func TestInstallerNamesWhatIsMissing(t *testing.T) {
	m := newMachine(t, "")
	if exit, said := m.install("--missing"); exit != 1 || said != "squid (Debian package squid)\nsnmpd (Debian package snmpd)\n" {
		t.Errorf("exit %d and %q", exit, said)
	}
	m.install()
	if exit, said := m.install("--missing"); exit != 0 || said != "" {
		t.Errorf("all is here: exit %d and %q", exit, said)
	}
}

func TestInstallersTakeTurns(t *testing.T) {
	m := newMachine(t, `while [ ! -e "$PEERS_ROOT/go" ]; do sleep 0.01; done`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first := m.command(ctx)
	var said bytes.Buffer
	first.Stdout, first.Stderr = &said, &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for !m.has("apt.log") {
		if ctx.Err() != nil {
			t.Fatal("the first installer did not come to apt-get")
		}
		<-time.After(time.Millisecond)
	}
	lock, err := os.Open(m.path("run/lock/milepost-peers"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second installer could work beside the first: %v", err)
	}
	if err := os.WriteFile(m.path("go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
}
