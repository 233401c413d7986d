package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A RunningIcinga is an Icinga 2 that runs what its objects say.
type RunningIcinga struct{ *Running }

// icingaProgram is where Debian's package has the program itself; what is called
// icinga2 is a script that finds it at its installed place only.
const icingaProgram = "../lib/x86_64-linux-gnu/icinga2/sbin/icinga2"

// CheckIcinga gives what `icinga2 daemon -C` says of objects, beside the templates that
// Icinga brings, and whether it takes them.
func CheckIcinga(tb testing.TB, objects string) (says string, valid bool) {
	tb.Helper()
	args := icingaArgs(tb, Dir(tb), objects)
	ctx, cancel := context.WithTimeout(tb.Context(), startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "-C")...)
	cmd.Env = icingaUser()
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// StartIcinga starts an Icinga 2. It runs as whoever runs the test.
func StartIcinga(tb testing.TB, objects string) *RunningIcinga {
	tb.Helper()
	dir := Dir(tb)
	r := newRunning(tb, dir, 0)
	r.args = icingaArgs(tb, dir, objects+fmt.Sprintf(`
object CheckerComponent "checker" { }
object PerfdataWriter "peers" {
  service_perfdata_path = "%[1]s/perf"
  service_temp_path = "%[1]s/perf.next"
  host_perfdata_path = "%[1]s/hosts"
  host_temp_path = "%[1]s/hosts.next"
  rotation_interval = 1s
  service_format_template = "[[%[2]sservice.name$\t$service.state_id$\t$service.output$\t$service.perfdata$]]"
}
`, dir, "$"))
	r.env = icingaUser()
	r.ready = func() error {
		if !strings.Contains(r.Log(), "'checker' started") {
			return errors.New("its checker has not started")
		}
		return nil
	}
	r.hasty = true
	r.launch()
	return &RunningIcinga{r}
}

func icingaUser() []string { return append(os.Environ(), "ICINGA2_USER=root", "ICINGA2_GROUP=root") }

func icingaArgs(tb testing.TB, dir, objects string) []string {
	tb.Helper()
	program := Program(tb, icingaProgram)
	templates := filepath.Join(filepath.Dir(Program(tb, "../lib/icinga2/prepare-dirs")), "../../share/icinga2/include")
	conf := write(tb, dir, "icinga2.conf", `const PluginDir = "/usr/lib/nagios/plugins"
const ManubulonPluginDir = PluginDir
const PluginContribDir = PluginDir
const NodeName = "peers"
const ZoneName = NodeName
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
include <itl>
include <plugins>
include <plugins-contrib>
`+objects, 0o644)
	args := []string{program, "--no-stack-rlimit", "daemon", "-c", conf, "-I", templates}
	for _, name := range []string{"Data", "Log", "Cache", "Spool", "InitRun"} {
		to := filepath.Join(dir, "icinga", name)
		if err := os.MkdirAll(to, 0o755); err != nil {
			tb.Fatalf("making a peer's directory: %v", err)
		}
		args = append(args, "-DConfiguration."+name+"Dir="+to)
	}
	return args
}

// Service waits until the service of this name was checked.
func (i *RunningIcinga) Service(name string) Service {
	i.tb.Helper()
	var found Service
	i.until("a check of "+name, func() bool {
		files, err := filepath.Glob(filepath.Join(i.Dir, "perf*"))
		if err != nil {
			return false
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				continue // it was moved
			}
			if s, ok := icingaService(string(text), name); ok {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// icingaService finds a service's last row in what PerfdataWriter wrote.
func icingaService(text, name string) (Service, bool) {
	_, row, ok := strings.Cut(text, "[["+name+"\t")
	row, _, whole := strings.Cut(row, "]]")
	fields := strings.SplitN(row, "\t", 3)
	if !ok || !whole || len(fields) < 3 {
		return Service{}, false
	}
	output, long, _ := strings.Cut(fields[1], "\n")
	return Service{State: fields[0], Output: strings.TrimSpace(output), Long: long, Perf: fields[2]}, true
}
