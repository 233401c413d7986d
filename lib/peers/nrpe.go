package peers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A RunningNRPE is an NRPE daemon.
type RunningNRPE struct {
	*Running
	client string
}

// checkPatience is above NRPE's command_timeout below.
const checkPatience = 40 * time.Second

// StartNRPE starts an NRPE daemon whose commands are given by name. Like the
// commands of a real host they run as the user nagios if the test runs as root,
// so a program that a test built belongs into a directory from Dir.
func StartNRPE(tb testing.TB, commands map[string]string) *RunningNRPE {
	tb.Helper()
	program, client := Program(tb, "nrpe"), Program(tb, "check_nrpe")
	dir := Dir(tb)
	r := newRunning(tb, dir, Port(tb))
	r.leaveRoot("nagios")
	lines := []string{
		"server_address=127.0.0.1",
		"server_port=" + strconv.Itoa(r.Port),
		"allowed_hosts=127.0.0.1",
		"nrpe_user=nagios",
		"nrpe_group=nagios",
		"pid_file=" + filepath.Join(dir, "pid"),
		"log_file=" + filepath.Join(dir, "nrpe.log"),
		"command_timeout=30",
		"connection_timeout=30",
		"disable_syslog=1",
	}
	for name, command := range commands {
		lines = append(lines, fmt.Sprintf("command[%s]=%s", name, command))
	}
	conf := write(tb, dir, "nrpe.cfg", strings.Join(append(lines, ""), "\n"), 0o644)
	n := &RunningNRPE{Running: r, client: client}
	r.args = []string{program, "-c", conf, "-f"}
	r.ready = n.version
	r.launch()
	return n
}

// Check runs a command by check_nrpe, as Nagios does: with TLS. It gives the exit
// code and what check_nrpe printed, without the last newline.
func (n *RunningNRPE) Check(command string) (exit int, output string) {
	n.tb.Helper()
	exit, output, err := n.ask(checkPatience, "-c", command)
	if err != nil {
		n.tb.Fatalf("running %q through NRPE: %v", command, err)
	}
	return exit, output
}

// version asks NRPE for its version, which it gives without a command.
func (n *RunningNRPE) version() error {
	exit, output, err := n.ask(tryPatience)
	if err == nil && exit != 0 {
		err = errors.New(output)
	}
	return err
}

func (n *RunningNRPE) ask(patience time.Duration, args ...string) (exit int, output string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args = append([]string{"-H", "127.0.0.1", "-p", strconv.Itoa(n.Port), "-t", strconv.Itoa(int(patience.Seconds()))}, args...)
	cmd := exec.CommandContext(ctx, n.client, args...)
	text, err := cmd.Output()
	if ctx.Err() != nil {
		return 0, "", fmt.Errorf("check_nrpe: no answer after %s", patience)
	}
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		err = nil // its exit code is the answer
	}
	return cmd.ProcessState.ExitCode(), strings.TrimSuffix(string(text), "\n"), err
}
