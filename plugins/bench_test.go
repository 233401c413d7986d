package plugins

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"milepost/lib/peers"
	"milepost/lib/plugintest"
)

// pairs is how often both programs of a row run, one after the other, so that
// whatever else the machine does hits both.
const pairs = 30

// A rival is another project's plugin, and what it does of what ours does.
type rival struct {
	does    string
	program string
	args    string
	most    float64 // times its CPU time that ours may take; 0 = not promised
	ours    string  // our plugin and its arguments
	debian  string  // what to install
}

// BenchmarkBeside prints the CPU time of whole processes, beside that of Debian's
// plugins that answer the same question, and of the same under --supervise.
func BenchmarkBeside(b *testing.B) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer origin.Close()
	agent := peers.StartSnmpd(b, peers.Snmpd{})
	ntp := peers.StartChrony(b, peers.Chrony{})
	resolver := peers.StartUnbound(b, `local-data: "www.bench.test. A 192.0.2.1"`)
	squid := peers.StartSquid(b, peers.Squid{Users: map[string]string{"monitor": "bench"}})
	password := filepath.Join(b.TempDir(), "password")
	if err := os.WriteFile(password, []byte("bench\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	const hrSystemDate = "1.3.6.1.2.1.25.1.2.0"
	snmp := fmt.Sprintf("check_clock_offset -H 127.0.0.1 --reference none -p %d", agent.Port)
	auth := fmt.Sprintf("check_squid_auth -H 127.0.0.1 -p %d -u monitor --password-file %s --url %s/", squid.Port, password, origin.URL)
	rows := []rival{
		{"clock over SNMP", "check_snmp", fmt.Sprintf("-H 127.0.0.1 -p %d -P 2c -C public -o %s", agent.Port, hrSystemDate), 0.5, snmp, "apt-get install monitoring-plugins-standard"},
		{"clock over SNMP", "check_snmp_time", fmt.Sprintf("-H 127.0.0.1 -p %d -2 -C public -w 5 -c 60", agent.Port), 0.08, snmp, "apt-get install monitoring-plugins-contrib libnet-snmp-perl"},
		{"clock over NTP", "check_ntp_time", fmt.Sprintf("-H 127.0.0.1 -p %d", ntp.Port), 2.4, fmt.Sprintf("check_clock_offset -H 127.0.0.1 --source ntp --reference none -p %d", ntp.Port), "apt-get install monitoring-plugins-basic"},
		{"a known name", "check_dig", fmt.Sprintf("-H 127.0.0.1 -p %d -l www.bench.test -a 192.0.2.1", resolver.Port), 0.3, fmt.Sprintf("check_resolver -H 127.0.0.1 -p %d --query www.bench.test=192.0.2.1 --random none --tcp no", resolver.Port), "apt-get install monitoring-plugins-standard bind9-dnsutils"},
		{"squid: three requests beside one", "check_curl", fmt.Sprintf("-I 127.0.0.1 -p %d -u %s/ -b monitor:bench", squid.Port, origin.URL), 0.6, auth, "apt-get install monitoring-plugins-standard liburiparser1"},
	}
	for b.Loop() {
		table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "\nCPU of a whole process, lower quartile\tmilepost\tsupervised\tbeside\tits\tratio\tat most\tsupervised\t")
		for _, r := range rows {
			fmt.Fprintln(table, r.measure(b))
		}
		if err := table.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range all {
		info, err := os.Stat(plugin(name).Path)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Printf("%-20s %5.1f MB, at most 11\n", name, float64(info.Size())/1e6)
	}
}

// measure is a row of the table.
func (r rival) measure(b *testing.B) string {
	name, args, _ := strings.Cut(r.ours, " ")
	ours := plugin(name)
	theirs := plugintest.Program{Path: rivalPath(r.program), Env: rivalEnv()}
	if _, err := cpu(b, theirs, r.args); err != nil {
		return fmt.Sprintf("%s\t\t\t%s\tcannot run: %s\t\t%.2f\t\t", r.does, r.program, r.debian, r.most)
	}
	var own, supervised, other []time.Duration
	for range pairs {
		own = append(own, must(b, ours, args))
		other = append(other, must(b, theirs, r.args))
		supervised = append(supervised, must(b, ours, args+" --supervise"))
	}
	a, s, o := calm(own), calm(supervised), calm(other)
	return fmt.Sprintf("%s\t%.1f ms\t%.1f ms\t%s\t%.1f ms\t%.2f\t%.2f\t%.2f\t", r.does,
		1e3*a.Seconds(), 1e3*s.Seconds(), r.program, 1e3*o.Seconds(), a.Seconds()/o.Seconds(), r.most, s.Seconds()/o.Seconds())
}

// must is cpu of a plugin that has run before.
func must(b *testing.B, p plugintest.Program, args string) time.Duration {
	b.Helper()
	took, err := cpu(b, p, args)
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// cpu runs a plugin that must say OK, and is the CPU time of it and its children.
func cpu(b *testing.B, p plugintest.Program, args string) (time.Duration, error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	cmd := p.Command(ctx, plugintest.Args(args)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s %s: %w\n%s", p.Path, args, err, out.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// calm is the lower quartile: what a run takes while others leave the machine alone.
func calm(all []time.Duration) time.Duration {
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return all[len(all)/4]
}

// beside is where packages are unpacked that are not installed.
func beside() string { return cmp.Or(os.Getenv("BESIDE"), "../.peers") }

// rivalPath is where a plugin of Debian's is; "" if it is not here.
func rivalPath(name string) string {
	for _, dir := range []string{"/usr/lib/nagios/plugins", filepath.Join(beside(), "usr/lib/nagios/plugins")} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// rivalEnv lets an unpacked plugin find what it needs.
func rivalEnv() []string {
	libraries, err := filepath.Glob(filepath.Join(beside(), "usr/lib/*-linux-gnu"))
	if err != nil {
		return nil
	}
	return []string{
		"LD_LIBRARY_PATH=" + strings.Join(libraries, ":"),
		"PERL5LIB=" + filepath.Join(beside(), "usr/share/perl5"),
	}
}
