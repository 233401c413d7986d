package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/ntp"
)

// Chrony says what kind of chronyd a test needs.
type Chrony struct {
	Unsynchronised bool   // it has no source and claims none: leap 3, stratum 0
	Conf           string // more chrony.conf lines
}

// A RunningChrony is a chronyd that serves this machine's time as stratum 1 and
// never sets its clock.
type RunningChrony struct {
	*Running
	Command string // "127.0.0.1:port" where it answers chronyc, read only
	Socket  string // path of the socket where it answers chronyc
}

// StartChrony starts a chronyd.
func StartChrony(tb testing.TB, c Chrony) *RunningChrony {
	tb.Helper()
	program := Program(tb, "chronyd")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	command := Port(tb)
	private := filepath.Join(dir, "run") // chronyd makes no socket where others may enter
	if err := os.Mkdir(private, 0o700); err != nil {
		tb.Fatalf("making a directory for chronyd's socket: %v", err)
	}
	s := &RunningChrony{
		Running: r,
		Command: fmt.Sprintf("127.0.0.1:%d", command),
		Socket:  filepath.Join(private, "chronyd.sock"),
	}
	lines := []string{
		fmt.Sprintf("port %d", r.Port),
		"bindaddress 127.0.0.1",
		"allow 127.0.0.1",
		fmt.Sprintf("cmdport %d", command),
		"bindcmdaddress 127.0.0.1",
		"bindcmdaddress " + s.Socket,
		"pidfile " + filepath.Join(dir, "pid"),
		c.Conf,
	}
	if !c.Unsynchronised {
		lines = append(lines, "local stratum 1")
	}
	conf := write(tb, dir, "chrony.conf", strings.Join(append(lines, ""), "\n"), 0o644)
	// -x: hands off the system's clock. -d: in the foreground, messages on stderr.
	// -u root: the package's own user is not there where chrony was only unpacked.
	r.args = []string{program, "-x", "-d", "-U", "-u", "root", "-f", conf}
	r.ready = func() error {
		_, err := ntp.QueryWithOptions(r.Addr, ntp.QueryOptions{Timeout: tryPatience})
		return err
	}
	r.launch()
	return s
}
