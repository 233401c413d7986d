package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A RunningNagios is a Nagios that runs what its objects say.
type RunningNagios struct{ *Running }

// A Service is what a monitoring system knows of one service.
type Service struct {
	State  string // "0" to "3"
	Output string // the first line, without performance data
	Long   string // the lines after it, as Nagios escapes them
	Perf   string
}

// CheckNagios gives what `nagios4 -v` says of objects, in files by name, and whether it
// takes them.
func CheckNagios(tb testing.TB, objects map[string]string) (says string, valid bool) {
	tb.Helper()
	program := Program(tb, "nagios4")
	ctx, cancel := context.WithTimeout(tb.Context(), startPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "-v", nagiosConf(tb, Dir(tb), objects)).CombinedOutput()
	return string(out), err == nil
}

// StartNagios starts a Nagios with these objects: files by name; lines are more of its
// nagios.cfg. Like Debian's it runs commands as the user nagios if the test runs as root.
func StartNagios(tb testing.TB, objects map[string]string, lines ...string) *RunningNagios {
	tb.Helper()
	program := Program(tb, "nagios4")
	dir := Dir(tb)
	r := newRunning(tb, dir, 0)
	r.leaveRoot("nagios")
	n := &RunningNagios{r}
	r.args = []string{program, nagiosConf(tb, dir, objects, lines...)}
	r.ready = func() error {
		_, err := os.Stat(filepath.Join(dir, "status.dat"))
		return err
	}
	r.launch()
	return n
}

// nagiosConf writes a nagios.cfg and the objects beside it.
func nagiosConf(tb testing.TB, dir string, objects map[string]string, more ...string) string {
	tb.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "spool"), 0o777); err != nil {
		tb.Fatalf("making a peer's directory: %v", err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "spool")} {
		if err := os.Chmod(d, 0o777); err != nil {
			tb.Fatalf("opening a peer's directory to its user: %v", err)
		}
	}
	var b strings.Builder
	for name, text := range objects {
		fmt.Fprintf(&b, "cfg_file=%s\n", write(tb, dir, name, text, 0o644))
	}
	for _, line := range []string{
		"log_file=DIR/nagios.log", "object_cache_file=DIR/objects.cache", "precached_object_file=DIR/objects.precache",
		"resource_file=DIR/resource.cfg", "status_file=DIR/status.dat", "status_update_interval=1",
		"nagios_user=nagios", "nagios_group=nagios", "check_external_commands=0", "command_file=DIR/nagios.cmd",
		"query_socket=DIR/nagios.qh", "lock_file=DIR/nagios.pid", "temp_file=DIR/nagios.tmp", "temp_path=DIR",
		"check_result_path=DIR/spool", "state_retention_file=DIR/retention.dat", "event_broker_options=0",
		"interval_length=1", "max_check_result_reaper_time=30", "check_result_reaper_frequency=1",
		"service_check_timeout=60", "use_syslog=0", "enable_environment_macros=0",
		"max_service_check_spread=1", "max_host_check_spread=1", "service_inter_check_delay_method=n",
		"illegal_macro_output_chars=`~$&|'\"<>", "illegal_object_name_chars=`~!$%^&*|'\"<>?,()=", "daemon_dumps_core=0",
	} {
		b.WriteString(strings.ReplaceAll(line, "DIR", dir) + "\n")
	}
	b.WriteString(strings.Join(more, "\n") + "\n")
	write(tb, dir, "resource.cfg", "$USER1$=/usr/lib/nagios/plugins\n", 0o644)
	return write(tb, dir, "nagios.cfg", b.String(), 0o644)
}

// Service waits until the service with this description was checked.
func (n *RunningNagios) Service(description string) Service {
	n.tb.Helper()
	block := regexp.MustCompile(`(?s)servicestatus \{\n[^}]*?service_description=` + regexp.QuoteMeta(description) + `\n.*?\n\t\}`)
	var status map[string]string
	n.until("a check of "+description, func() bool {
		text, err := os.ReadFile(filepath.Join(n.Dir, "status.dat"))
		if err != nil {
			return false
		}
		status = map[string]string{}
		for line := range strings.Lines(block.FindString(string(text))) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			status[key] = value
		}
		return status["has_been_checked"] == "1"
	})
	return Service{State: status["current_state"], Output: status["plugin_output"], Long: status["long_plugin_output"], Perf: status["performance_data"]}
}

// NagiosBasics are the timeperiod 24x7 and the contact nobody, that objects refer to.
const NagiosBasics = `define timeperiod {
	timeperiod_name	24x7
	alias		always
	sunday		00:00-24:00
	monday		00:00-24:00
	tuesday		00:00-24:00
	wednesday	00:00-24:00
	thursday	00:00-24:00
	friday		00:00-24:00
	saturday	00:00-24:00
}
define command {
	command_name	nothing
	command_line	/bin/true
}
define contact {
	contact_name			nobody
	host_notifications_enabled	0
	service_notifications_enabled	0
	host_notification_period	24x7
	service_notification_period	24x7
	host_notification_commands	nothing
	service_notification_commands	nothing
}
`
