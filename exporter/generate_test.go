package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"milepost/lib/fleet"
)

const generated = `
vantage: {name: m1, latitude: 50.11, longitude: 8.68}
defaults:
  timeout: 7s
  checks:
    packet_loss: {spacing: 1s, baseline: &usual 2}
    squid_auth: {no_credentials: allowed, wrong: never, urls: ["http://canary.example.net/"]}
hosts:
  - {name: baltimore, address: 192.0.2.1, city: Baltimore, group: us-east, checks: {packet_loss: {baseline: *usual}, squid_auth: false, host_drift: {}, path: {}}}
  - {name: new york, address: ny.example.net, checks: {squid_auth: {warning: 0.5}}}
billing: {server: m1, access_log: [/var/log/squid/access.log], publish: "postgres://l.example.net/ledger", publish_password_file: /etc/milepost/ledger.password, pseudonym_key_file: /etc/milepost/key, exclude_users: [monitor]}
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
		{"NRPE asks no proxy how far it is from itself", "nrpe --host baltimore", 0, []string{"command[milepost_host_drift]="}, "path"},
		{"Nagios asks that itself", "nagios", 0, []string{"/check_path -v --fleet /"}, "check_nrpe!milepost_path"},
		{"a name that is nearly one", "nrpe --host=newyork", 1, []string{"no host \"newyork\" in the inventory: did you mean \"new york\"?"}, ""},
		{"of which", "nrpe", 1, []string{"the inventory has 2 hosts: name one with --host"}, ""},
		{"hosts(5)", "hosts", 0, []string{"192.0.2.1\tbaltimore\n", "# new york is ny.example.net\n"}, ""},
		{"votes of the last quarter of a minute", "prometheus --exporter m1:1", 0, []string{"- job_name: milepost\n    scrape_interval: 15s\n", "  #- job_name: milepost-probe\n  #  scrape_interval: 60s\n"}, ""},
		{"Prometheus' targets", "prometheus --exporter m1:1", 0, []string{`- {targets: ["m1:1"], labels: {__param_target: "new york", __param_check: "squid_auth", instance: "new york", check: "squid_auth", group: ""}}`}, ""},
		{"an exporter with TLS and a password, scraped in each job", "prometheus --scheme https --ca-file /ca.pem --username prom --password-file /p", 0, []string{
			"interval: 15s\n    scheme: https\n    tls_config: {ca_file: \"/ca.pem\"}\n    basic_auth: {username: \"prom\", password_file: \"/p\"}\n",
			"/users\n    scheme: https\n", "/probe\n  #  scheme: https\n",
		}, ""},
		{"one without", "prometheus", 0, []string{"scrape_interval: 15s\n    static_configs:"}, "https"},
		{"who vouches for nothing", "prometheus --ca-file /ca.pem", 1, []string{"--ca-file: there is nothing to vouch for without --scheme https"}, "job"},
		{"a user without a password", "prometheus --username prom", 1, []string{"--username and --password-file: one needs the other"}, "job"},
		{"another scheme", "prometheus --scheme ftp", 1, []string{`--scheme: "ftp" is neither http nor https`}, "job"},
		{"limits", "prometheus-limits", 0, []string{`expr: vector(0.5), labels: {host: "new york", check: "squid_auth", sample: "time", state: warning, end: most, inside: "false"}`}, ""},
		{"nothing is known before the first round", "host-status", 0, []string{"baltimore 3\nnew_york 3\n"}, ""},
		{"nothing is called so", "nagois", 1, []string{`nothing is called "nagois": did you mean "nagios"?`}, ""},
		{"what one proxy may know", "proxy --host baltimore", 0, []string{"packet_loss: {\"spacing\": \"1s\", \"baseline\": 2}", "server: \"baltimore\"", "access_log:"}, "postgres"},
		{"no key of the fleet", "proxy --host baltimore", 0, nil, "pseudonym"},
		{"no way to the fleet's ledger", "proxy --host baltimore", 0, nil, "publish"},
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
	unbilled, _, _ := strings.Cut(generated, "billing:")
	for ledger, stays := range map[string]bool{"postgres://l.example.net/fleet": false, "/srv/ledger.db": true} {
		exit, out, faults := told(t, unbilled+"billing: {server: m1, access_log: [/var/log/squid/access.log], ledger: \""+ledger+"\"}\n", "proxy", "--host", "baltimore")
		if exit != 0 || strings.Contains(out, "ledger") != stays {
			t.Errorf("a proxy with the ledger %s: %d, %s%s", ledger, exit, out, faults)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "status.json"), []byte(`{"valid_until": "2999-12-31T23:59:59Z", "components": [{"id": "new york", "status": "down"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if exit, out, faults := told(t, "state_dir: "+dir+"\n"+generated, "host-status"); exit != 0 || out != "baltimore 3\nnew_york 2\n" {
		t.Errorf("of what was kept: %d, %s%s", exit, out, faults)
	}
	if exit, out, faults := told(t, "hosts: [{name: \"x;y\"}]\n", "nagios"); exit != 1 || out != "" || !strings.Contains(faults, `host "x;y": Nagios takes no name with any of `) {
		t.Errorf("a name that would end a value: %d, %s%s", exit, out, faults)
	}
	if exit, out, faults := told(t, "hosts: [{name: \"a!b\"}]\n", "icinga2"); exit != 1 || out != "" || !strings.Contains(faults, `host "a!b": Icinga takes no name that has a ! or is empty`) {
		t.Errorf("a name that would be a service's: %d, %s%s", exit, out, faults)
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
			// A proxy looks from where it is itself, which the excerpt does not tell.
			c.Target.From, c.Moot = h.Checks[j].Target.From, h.Checks[j].Moot
			if !c.Same(h.Checks[j]) || c.Timeout != h.Checks[j].Timeout {
				t.Errorf("%s: %s is another check in the excerpt\n%s", h.Name, c.Name, text)
			}
		}
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
