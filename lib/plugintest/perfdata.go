package plugintest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"milepost/lib/peers"
)

// oracle prints what the Monitoring Plugins' own Perl library makes of performance
// data: a line for each value, label, value and unit, in the library's spelling.
const oracle = `use Monitoring::Plugin::Performance use_die => 1;
for (Monitoring::Plugin::Performance->parse_perfstring($ARGV[0])) {
	print join(" ", $_->label, $_->value, $_->uom // ""), "\n";
}`

// Perfdata has the Monitoring Plugins' Perl library read performance data. It must
// find every word of it: it skips what it does not understand. The one word of the
// guidelines that it does not understand is the value U.
func Perfdata(tb testing.TB, perf string) {
	tb.Helper()
	perl := peers.Program(tb, "perl")
	if exec.CommandContext(tb.Context(), perl, "-MMonitoring::Plugin::Performance", "-e1").Run() != nil {
		const why = "performance data was not read by Monitoring::Plugin: make test PEERS=install installs it (Debian package libmonitoring-plugin-perl)"
		if os.Getenv("CI") == "true" {
			tb.Fatal(why)
		}
		tb.Log(why)
		return
	}
	out, err := exec.CommandContext(tb.Context(), perl, "-e", oracle, perf).CombinedOutput()
	if err != nil {
		tb.Fatalf("reading performance data %q: %v\n%s", perf, err, out)
	}
	read := strings.Split(strings.TrimSpace(string(out)), "\n")
	words := slices.DeleteFunc(strings.Fields(perf), func(w string) bool { return strings.Contains(w, "=U") })
	if len(read) != len(words) {
		tb.Errorf("Monitoring::Plugin reads %d values in %q:\n%s", len(read), perf, out)
		return
	}
	for i, word := range words {
		label, _, _ := strings.Cut(word, "=")
		if !strings.HasPrefix(read[i], label+" ") {
			tb.Errorf("Monitoring::Plugin reads %q as %q", word, read[i])
		}
	}
}
