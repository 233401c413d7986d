package generate

import (
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

// PrometheusConfig is a scrape configuration for the exporter at address, and for each
// check of each host as a target of its own.
func PrometheusConfig(inv Inventory, address string) string {
	var b strings.Builder
	seconds := max(int(inv.Interval.Seconds()), 1)
	fmt.Fprintf(&b, `# Made from %[1]s by milepost-exporter generate prometheus.
scrape_configs:
  # What the exporter measured by itself, on the schedule of the inventory; oftener than
  # that, because what several monitors say of a host is a vote only while it is new.
  - job_name: milepost
    scrape_interval: %[4]ds
    static_configs:
      - targets: [%[2]q]

  # Some series for each user of each proxy: seldom, and apart.
  - job_name: milepost-users
    scrape_interval: 5m
    metrics_path: /metrics/users
    static_configs:
      - targets: [%[2]q]

  # Each check as a target, which runs when it is scraped, beside the schedule. Leave this
  # job out unless Prometheus is to set the pace. The exporter tells the same at /sd.
  - job_name: milepost-probe
    scrape_interval: %[3]ds
    metrics_path: /probe
    static_configs:
`, strings.Map(plain, inv.File), address, seconds, min(seconds, freshEnough))
	targets := 0
	for _, h := range inv.Hosts {
		for _, c := range h.Checks {
			// Without the check, all of a host's would be one target to Prometheus, which drops samples then.
			fmt.Fprintf(&b, "      - {targets: [%[1]q], labels: {__param_target: %[2]s, __param_check: %[3]q, instance: %[2]s, check: %[3]q, group: %[4]s}}\n",
				address, yamlQuoted(h.Name), c.Kind, yamlQuoted(h.Group))
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
