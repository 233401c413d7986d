package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// perfdatum is 'label'=value[UOM];[warn];[crit];[min];[max] of the guidelines, without
// the exponents that they advise against. The Monitoring Plugins' units and no other:
// old consumers throw the whole metric away for one that they do not know.
var (
	perfdatum = regexp.MustCompile(`^('[^'=]+'|[^'= ]+)=(U|-?[0-9]+(?:\.[0-9]+)?)(s|ms|us|%|B|KB|MB|GB|TB|c)?((?:;[^; ]*){0,4})$`)
	threshold = regexp.MustCompile(`^(@?(~|-?[0-9]+(\.[0-9]+)?)?:?(-?[0-9]+(\.[0-9]+)?)?)?$`)
	number    = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?)?$`)
)

// perfdata is what is wrong with performance data.
func perfdata(text string) string {
	var labels []string
	for _, word := range split(text) {
		parts := perfdatum.FindStringSubmatch(word)
		if parts == nil {
			return fmt.Sprintf("%q is not label=value[UOM];warn;crit;min;max", word)
		}
		if slices.Contains(labels, parts[1]) {
			return fmt.Sprintf("%s is there twice", parts[1])
		}
		labels = append(labels, parts[1])
		for i, field := range strings.Split(parts[4], ";") {
			switch {
			case i == 1 || i == 2:
				if !threshold.MatchString(field) || field == "@" || field == ":" {
					return fmt.Sprintf("%q: %q is no range", word, field)
				}
			case !number.MatchString(field):
				return fmt.Sprintf("%q: %q is no number", word, field)
			}
		}
	}
	return when(len(labels) == 0, "a pipe, and nothing behind it")
}

// split cuts at blanks that are in no quotes.
func split(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		quoted = quoted != (r == '\'')
		return r == ' ' && !quoted
	})
}

// reader prints what the Monitoring Plugins' own Perl library makes of performance
// data, a label a line.
const reader = `use Monitoring::Plugin::Performance use_die => 1;
print map { $_->label . "\n" } Monitoring::Plugin::Performance->parse_perfstring($ARGV[0]);`

// oracle has that library read performance data; there says that it is installed. It
// skips what it does not understand, and does not understand the value U.
func oracle(ctx context.Context, text string) (why string, there bool) {
	if exec.CommandContext(ctx, "perl", "-MMonitoring::Plugin::Performance", "-e1").Run() != nil {
		return "", false
	}
	out, err := exec.CommandContext(ctx, "perl", "-e", reader, text).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out), true
	}
	read := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, word := range split(text) {
		label, value, _ := strings.Cut(word, "=")
		if !strings.HasPrefix(value, "U") && !slices.Contains(read, strings.Trim(label, "'")) {
			return fmt.Sprintf("%q is not read; read are %q", word, read), true
		}
	}
	return "", true
}
