package generate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"milepost/lib/metric"
)

// freshEnough is how many seconds apart the exporter's words may be for the votes of many
// monitors (contrib/prometheus/rules/quorum.yml).
const freshEnough = 15

// A Scrape is how Prometheus gets at an exporter: the other end of its --web.config.file.
type Scrape struct {
	Exporter     string `placeholder:"ADDR" help:"With prometheus: where the exporter is scraped."`
	Scheme       string `placeholder:"http|https" help:"With prometheus: https where the exporter has TLS (--web.config.file)."`
	CAFile       string `name:"ca-file" placeholder:"FILE" help:"With prometheus: who vouches for the exporter's certificate, on Prometheus' machine; its system's authorities if not given."`
	Username     string `placeholder:"NAME" help:"With prometheus: the user that the exporter asks for."`
	PasswordFile string `placeholder:"FILE" help:"With prometheus: that user's password, on Prometheus' machine."`
}

// Validate refuses options that contradict each other.
func (s Scrape) Validate() error {
	switch {
	case s.Scheme != "http" && s.Scheme != "https":
		return fmt.Errorf("--scheme: %q is neither http nor https", s.Scheme)
	case s.CAFile != "" && s.Scheme != "https":
		return errors.New("--ca-file: there is nothing to vouch for without --scheme https")
	case (s.Username == "") != (s.PasswordFile == ""):
		return errors.New("--username and --password-file: one needs the other")
	}
	return nil
}

// job is what a job of Prometheus says of it, for http nothing.
func (s Scrape) job() string {
	var b strings.Builder
	if s.Scheme == "https" {
		b.WriteString("    scheme: https\n")
	}
	if s.CAFile != "" {
		fmt.Fprintf(&b, "    tls_config: {ca_file: %s}\n", yamlQuoted(s.CAFile))
	}
	if s.Username != "" {
		fmt.Fprintf(&b, "    basic_auth: {username: %s, password_file: %s}\n", yamlQuoted(s.Username), yamlQuoted(s.PasswordFile))
	}
	return b.String()
}

// PrometheusConfig is a scrape configuration for the exporter, and for each check of each
// host as a target of its own.
func PrometheusConfig(inv Inventory, s Scrape) string {
	var b strings.Builder
	seconds := max(int(inv.Interval.Seconds()), 1)
	fmt.Fprintf(&b, `# Made from %[1]s by milepost-exporter generate prometheus.
scrape_configs:
  # What the exporter measured by itself, on the schedule of the inventory; oftener than
  # that, because what several monitors say of a host is a vote only while it is new.
  - job_name: milepost
    scrape_interval: %[4]ds
%[5]s    static_configs:
      - targets: [%[2]q]

  # Some series for each user of each proxy: seldom, and apart.
  - job_name: milepost-users
    scrape_interval: 5m
    metrics_path: /metrics/users
%[5]s    static_configs:
      - targets: [%[2]q]

  # Each check as a target, which runs when it is scraped: once more, beside the schedule.
  # It is for a Prometheus that is to set the pace. The exporter tells the same at /sd.
`, strings.Map(plain, inv.File), s.Exporter, seconds, min(seconds, freshEnough), s.job())
	for line := range strings.Lines(s.probes(inv, seconds)) {
		b.WriteString("  #" + strings.TrimPrefix(line, "  "))
	}
	return b.String()
}

// probes is the job that has each check made when it is scraped.
func (s Scrape) probes(inv Inventory, seconds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - job_name: milepost-probe\n    scrape_interval: %ds\n    metrics_path: /probe\n%s    static_configs:\n", seconds, s.job())
	targets := 0
	for _, h := range inv.Hosts {
		for _, c := range h.Checks {
			// Without the check, all of a host's would be one target to Prometheus, which drops samples then.
			fmt.Fprintf(&b, "      - {targets: [%[1]q], labels: {__param_target: %[2]s, __param_check: %[3]q, instance: %[2]s, check: %[3]q, group: %[4]s}}\n",
				s.Exporter, yamlQuoted(h.Name), c.Kind, yamlQuoted(h.Group))
			targets++
		}
	}
	if targets == 0 {
		b.WriteString("      []\n")
	}
	return b.String()
}

// staleness is how old a sample of Prometheus may be, and so how often limits are
// written at least.
const staleness = "4m"

// PrometheusLimits are recording rules: the limits of every check as the series
// milepost_limit{host,check,sample,state,end}, for graphs that show them beside what was
// measured. end is "least" or "most"; with inside="true" what lies between alerts.
func PrometheusLimits(inv Inventory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made from %s by milepost-exporter generate prometheus-limits.\ngroups:\n  - name: milepost-limits\n    interval: %s\n    rules:\n", strings.Map(plain, inv.File), staleness)
	rules := 0
	for _, h := range inv.Hosts {
		for _, c := range h.Checks {
			for _, l := range c.Limits {
				rules += limitRules(&b, h.Name, c.Kind, "warning", l.Warning) + limitRules(&b, h.Name, c.Kind, "critical", l.Critical)
			}
		}
	}
	if rules == 0 {
		b.WriteString("      []\n")
	}
	return b.String()
}

func limitRules(b *strings.Builder, host, kind, state string, all metric.All) (rules int) {
	for _, sample := range sorted(all) {
		r := all[sample]
		for _, end := range []struct {
			name  string
			value float64
		}{{"least", r.Start}, {"most", r.End}} {
			if r.IsZero() || math.IsInf(end.value, 0) {
				continue
			}
			fmt.Fprintf(b, "      - {record: milepost_limit, expr: vector(%s), labels: {host: %s, check: %q, sample: %q, state: %s, end: %s, inside: %q}}\n",
				strconv.FormatFloat(end.value, 'f', -1, 64), yamlQuoted(host), kind, sample, state, end.name, strconv.FormatBool(r.Inside))
			rules++
		}
	}
	return rules
}

func sorted(all metric.All) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// yamlQuoted is a double-quoted scalar (YAML 1.2, 7.3.1), whose escapes are Go's for
// what is not printed.
func yamlQuoted(s string) string { return strconv.Quote(s) }
