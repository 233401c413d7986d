package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
)

const generated = `
vantage: {name: m1}
defaults:
  timeout: 7s
  checks:
    packet_loss: {spacing: 1s, baseline: &usual 2}
    squid_auth: {no_credentials: allowed, wrong: never, urls: ["http://canary.example.net/"]}
hosts:
  - {name: baltimore, address: 192.0.2.1, city: Baltimore, group: us-east, checks: {packet_loss: {baseline: *usual}, squid_auth: false, host_drift: {}}}
  - {name: new york, address: ny.example.net, checks: {squid_auth: {warning: 0.5}}}
billing: {server: m1, access_log: [/var/log/squid/access.log], publish: "postgres://l.example.net/ledger", pseudonym_key_file: /etc/milepost/key, exclude_users: [monitor]}
`

// told is what the command generate writes of an inventory.
func told(t *testing.T, text string, args ...string) (exit int, out, faults string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "milepost.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	exit = run(append([]string{"generate", "--config.file", file}, args...), &o, &e)
	return exit, o.String(), e.String()
}

func TestGenerate(t *testing.T) {
	state := "state_dir: " + t.TempDir() + "\n"
	for _, tt := range []struct {
		situation string
		args      string
		exit      int
		want      []string
		never     string
	}{
		{"Nagios runs plugins by the inventory", "nagios", 0, []string{
			"\thost_name\tbaltimore\n\taddress\t192.0.2.1\n\talias\tBaltimore\n\tcheck_command\tmilepost_inventory_packet_loss\n",
			"/check_squid_auth -v --fleet /", "milepost.yml --fleet-host '$HOSTNAME$'\n",
			"\tcheck_command\tcheck_nrpe!milepost_host_drift\n", "\thostgroup_name\tmilepost-us-east\n",
		}, "check_host_drift"},
		{"Icinga too", "icinga2", 0, []string{"object Host \"new york\" {\n\taddress = \"ny.example.net\"\n", "\tvars.milepost_squid_auth_fleet_host = \"new york\"\n"}, "check_host_drift"},
		{"NRPE of one proxy", "nrpe --host baltimore", 0, []string{"command[milepost_packet_loss]=/usr/lib/nagios/plugins/check_packet_loss -v --fleet /etc/milepost/proxy.yml --fleet-host baltimore\n"}, "squid_auth"},
		{"a name that is nearly one", "nrpe --host=newyork", 1, []string{"no host \"newyork\" in the inventory: did you mean \"new york\"?"}, ""},
		{"of which", "nrpe", 1, []string{"the inventory has 2 hosts: name one with --host"}, ""},
		{"hosts(5)", "hosts", 0, []string{"192.0.2.1\tbaltimore\n", "# new york is ny.example.net\n"}, ""},
		{"Prometheus' targets", "prometheus --exporter m1:1", 0, []string{`- {targets: ["m1:1"], labels: {__param_target: "new york", __param_check: "squid_auth", host: "new york", group: ""}}`}, ""},
		{"limits", "prometheus-limits", 0, []string{`expr: vector(0.5), labels: {host: "new york", check: "squid_auth", sample: "time", state: warning, end: most, inside: "false"}`}, ""},
		{"nothing is known before the first round", "host-status", 0, []string{"baltimore 3\nnew_york 3\n"}, ""},
		{"nothing is called so", "nagois", 1, []string{`nothing is called "nagois": did you mean "nagios"?`}, ""},
		{"what one proxy may know", "proxy --host baltimore", 0, []string{"packet_loss: {\"spacing\": \"1s\", \"baseline\": 2}", "server: \"baltimore\"", "access_log:"}, "postgres"},
		{"no key of the fleet", "proxy --host baltimore", 0, nil, "pseudonym"},
		{"no other host", "proxy --host baltimore", 0, nil, "york"},
		{"no check that it does not have", "proxy --host baltimore", 0, nil, "canary"},
	} {
		exit, out, faults := told(t, state+generated, strings.Fields(tt.args)...)
		for _, want := range tt.want {
			if exit != tt.exit || !strings.Contains(out+faults, want) {
				t.Errorf("%s: %d, no %q in %s%s", tt.situation, exit, want, out, faults)
			}
		}
		if tt.never != "" && strings.Contains(out, tt.never) {
			t.Errorf("%s: %q is in %s", tt.situation, tt.never, out)
		}
	}
	if exit, out, faults := told(t, "hosts: [{name: \"x;y\"}]\n", "nagios"); exit != 1 || out != "" || !strings.Contains(faults, `host "x;y": Nagios takes no name with any of `) {
		t.Errorf("a name that would end a value: %d, %s%s", exit, out, faults)
	}
}

// A proxy's excerpt means to its plugins exactly what the inventory means to the exporter.
func TestTheExcerptHoldsTheSameLimits(t *testing.T) {
	whole, err := fleet.Parse("whole", []byte(generated), kinds())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range whole.Hosts {
		exit, text, faults := told(t, generated, "proxy", "--host", h.Name)
		if exit != 0 {
			t.Fatal(faults)
		}
		part, err := fleet.Parse("part", []byte(text), kinds())
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(part.Hosts) != 1 || part.Hosts[0].Identity != h.Identity || len(part.Hosts[0].Checks) != len(h.Checks) {
			t.Fatalf("%s: the excerpt\n%s\nmeans %+v", h.Name, text, part.Hosts)
		}
		for j, c := range part.Hosts[0].Checks {
			c.Target.From = h.Checks[j].Target.From // a proxy looks from where it is itself
			if !c.Same(h.Checks[j]) || c.Timeout != h.Checks[j].Timeout {
				t.Errorf("%s: %s is another check in the excerpt\n%s", h.Name, c.Name, text)
			}
		}
	}
}

func TestHostStatus(t *testing.T) {
	dir := t.TempDir()
	f, err := fleet.Parse("f", []byte("hosts: [{name: a}, {name: b}, {name: c}, {name: d}, {name: new one}]\nstatus: {host_status_file: "+dir+"/states}\n"), kinds())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	kept := fmt.Sprintf(`{"valid_until": %q, "components": [{"id": "a", "status": "up"}, {"id": "b", "status": "degraded"}, {"id": "c", "status": "down"}, {"id": "d", "status": "maintenance"}]}`, now.Add(time.Minute).Format(time.RFC3339))
	if err := os.WriteFile(dir+"/status.json", []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		situation string
		at        time.Time
		want      string
	}{
		{"while the lease lasts", now, "a 0\nb 1\nc 2\nd 4\nnew_one 3\n"},
		{"after it", now.Add(2 * time.Minute), "a 3\nb 3\nc 3\nd 3\nnew_one 3\n"},
	} {
		if got, err := hostStatusOf(dir+"/status.json", f, tt.at); err != nil || got != tt.want {
			t.Errorf("%s: %v, %q, want %q", tt.situation, err, got, tt.want)
		}
	}

	var s statesFile
	if err := s.write(f, hoststate.Lend(now, f.Interval), func(string) hoststate.Status { return hoststate.Down }); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(dir + "/states"); err != nil || !strings.HasPrefix(string(text), "a 2\nb 2\n") {
		t.Errorf("the file says %q, %v", text, err)
	}
	for after, want := range map[time.Duration]string{179 * time.Second: "a 2\nb 2\n", 181 * time.Second: "a 3\nb 3\n"} {
		if err := s.write(f, hoststate.Lend(now, f.Interval), func(string) hoststate.Status { return hoststate.Down }); err != nil {
			t.Fatal(err)
		}
		if err := s.lapse(f, now.Add(after)); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(dir + "/states"); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("after %v the file says %q, %v", after, text, err)
		}
	}
	// A file that the inventory does not name any more is not left to be believed either.
	old := f.Status.HostStatusFile
	f.Status.HostStatusFile = dir + "/others"
	if err := s.write(f, hoststate.Lend(now, f.Interval), unknown); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the file of the inventory before is there still: %v", err)
	}
	// Where nothing can be written, what was is not left to be believed. No name is longer,
	// so that of the file which is to take its place would be too long.
	f.Status.HostStatusFile = dir + "/" + strings.Repeat("s", 255)
	if err := os.WriteFile(f.Status.HostStatusFile, []byte("a 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.write(f, hoststate.Lease{}, func(string) hoststate.Status { return hoststate.Up }); err == nil {
		t.Error("that nothing was written is not told")
	}
	if _, err := os.Stat(f.Status.HostStatusFile); !os.IsNotExist(err) {
		t.Errorf("the old states are there still: %v", err)
	}
}

// Every command tells its options to what makes the manual.
func TestDescribe(t *testing.T) {
	var out bytes.Buffer
	if exit := run([]string{"--help=json"}, &out, io.Discard); exit != 0 {
		t.Fatalf("exit %d", exit)
	}
	for _, c := range commands() {
		if !strings.Contains(out.String(), fmt.Sprintf("%q", c.name)) {
			t.Errorf("%s is not described", c.name)
		}
	}
}
