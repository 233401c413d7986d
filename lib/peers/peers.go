// Package peers starts the real servers that tests talk to: squid, snmpd, unbound,
// chronyd, NRPE and PostgreSQL. Each has a directory and a loopback port of its own, so that any
// number of them run side by side, and is gone when its test is.
package peers

import (
	"bufio"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs is the table of programs and the Debian packages they come in.
//
//go:embed programs.txt
var programs string

// Program is the path of the program called name. Where it is missing the test
// fails if CI=true, and is skipped with the command that installs it otherwise.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	debian := packageOf(name)
	if debian == "" {
		tb.Fatalf("looking for program %q: it has no row in lib/peers/programs.txt: add one, so that CI installs it", name)
	}
	for _, dir := range places() {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Missing(tb, fmt.Sprintf("looking for program %q: not here: make test PEERS=install installs it (Debian package %s)", name, debian))
	return ""
}

// Missing ends a test that this machine has not what it takes for, and why says
// what that is: it fails if CI=true, and is skipped otherwise.
func Missing(tb testing.TB, why string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatal(why)
	}
	tb.Skip(why)
}

// packageOf is the Debian package that has program, "" if the table does not know it.
func packageOf(program string) string {
	lines := bufio.NewScanner(strings.NewReader(programs))
	for lines.Scan() {
		if row := strings.Fields(lines.Text()); len(row) == 3 && row[0] == program {
			return row[1]
		}
	}
	return ""
}

// places are the directories that programs are looked for in: what was unpacked
// beside the tree first, then PATH, then where Debian keeps daemons and plugins,
// which a user's PATH often lacks.
func places() []string {
	var dirs []string
	if root := moduleRoot(); root != "" {
		dirs = debian(filepath.Join(root, ".peers"))
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return append(dirs, debian("/")...)
}

// debian is where the packages put programs below root.
func debian(root string) []string {
	dirs := []string{"usr/sbin", "usr/bin", "usr/lib/nagios/plugins"}
	for i := range dirs {
		dirs[i] = filepath.Join(root, dirs[i])
	}
	postgres, err := filepath.Glob(filepath.Join(root, "usr/lib/postgresql/*/bin"))
	if err != nil {
		return dirs // root is no pattern
	}
	return append(dirs, postgres...)
}

// moduleRoot is the directory of go.mod, at or above the one that the test runs in.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// Dir is a directory that lives as long as the test and that other users may
// enter, as testing's TempDir may not be: some servers do not run as root.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "milepost-peer-")
	if err != nil {
		tb.Fatalf("making a directory for a peer: %v", err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("removing a peer's directory: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		tb.Fatalf("opening a peer's directory to its user: %v", err)
	}
	return dir
}

// Ports are handed out below the range that the kernel takes the ports of
// outgoing connections from (32768 and up), so that none of those can grab a
// port between its choice and its use.
const (
	firstPort = 10240
	lastPort  = 32767
)

// Port is a port that nobody listens on at 127.0.0.1, neither by TCP nor by UDP.
func Port(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if free("127.0.0.1", port) {
			return port
		}
	}
	tb.Fatal("choosing a port on 127.0.0.1: 100 tries found none free")
	return 0
}

// free says that both the TCP and the UDP port of address can be listened on.
func free(address string, port int) bool {
	ip := net.ParseIP(address)
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip, Port: port})
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip, Port: port})
	if err != nil {
		return false
	}
	defer udp.Close()
	return true
}

// write puts text into the file called name in dir, readable by any user, and
// gives its path.
func write(tb testing.TB, dir, name, text string, mode os.FileMode) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		tb.Fatalf("writing a peer's file: %v", err)
	}
	return path
}
