package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// rules are what a plugin is held to, in the order of the report.
func rules() []func(context.Context, options, *tap) {
	return []func(context.Context, options, *tap){
		helps, refuses, measures, lasts, acceptsRanges, judgesValues, keepsTime, stops, cannotTell,
	}
}

const unknown = 3

// broken is what is wrong with a run that must end with one of the codes and say
// something on stdout.
func broken(r run, err error, codes ...int) string {
	switch {
	case err != nil:
		return err.Error()
	case r.killed:
		return "it did not end by itself: " + r.String()
	case !slices.Contains(codes, r.exit):
		return fmt.Sprintf("exit code %d, not one of %v: %s", r.exit, codes, r)
	case strings.TrimSpace(r.first()) == "":
		return "nothing in the first line on stdout, and NRPE drops stderr: " + r.String()
	}
	return ""
}

// helps: a run that measured nothing is not OK.
func helps(ctx context.Context, o options, t *tap) {
	for _, option := range []string{"--help", "-h", "--version", "-V"} {
		r, err := o.run(ctx, []string{option}, changed{})
		t.ok(option+" says something on stdout and exits 3", broken(r, err, unknown))
	}
}

// refuses: what is wrong on the command line is UNKNOWN, on stdout.
func refuses(ctx context.Context, o options, t *tap) {
	for _, args := range [][]string{{"--no-such-option"}, {"-Z"}, append(slices.Clone(o.args), "--no-such-option=1"), append(slices.Clone(o.args), "-t", "soon")} {
		r, err := o.run(ctx, args, changed{})
		t.ok(fmt.Sprintf("%q is refused on stdout, with 3", args[max(0, len(args)-2):]), broken(r, err, unknown))
	}
}

// measures: the usual run, its first line and its performance data.
func measures(ctx context.Context, o options, t *tap) {
	r, err := o.run(ctx, o.args, changed{})
	t.ok("the run ends with 0, 1, 2 or 3 and says something", broken(r, err, 0, 1, 2, unknown))
	text, perf, has := strings.Cut(r.first(), "|")
	t.ok("the first line tells the state that the exit code is", stated(text, r.exit))
	t.ok(fmt.Sprintf("the first line has at most %d bytes", o.line), atMost(len(r.first()), o.line))
	t.ok("the output is UTF-8 without control characters", printable(r.out))
	t.ok("no pipe after the first line, where Nagios takes the rest for performance data", piped(r.out))
	t.ok("nothing on stderr", when(r.errs != "", "%.300q", r.errs))
	if !has {
		t.skip("performance data", "there is none")
		return
	}
	t.ok("performance data is as the guidelines have it", perfdata(strings.TrimSpace(perf)))
	switch why, there := oracle(ctx, strings.TrimSpace(perf)); {
	case !there:
		t.skip("Monitoring::Plugin::Performance reads all of it", "apt-get install libmonitoring-plugin-perl")
	default:
		t.ok("Monitoring::Plugin::Performance reads all of it", why)
	}
}

// when is the text if it is so.
func when(so bool, format string, args ...any) string {
	if !so {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func atMost(n, most int) string { return when(n > most, "%d bytes", n) }

// stated: "SERVICE STATUS: information", in the words of the guidelines.
func stated(text string, exit int) string {
	states := []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}
	if exit < 0 || exit >= len(states) {
		return "there is no state for the exit code"
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsUpper(r) && r != '_' })
	for _, w := range words {
		if slices.Contains(states, w) {
			return when(w != states[exit], "it says %s and exits with %d: %q", w, exit, text)
		}
	}
	return fmt.Sprintf("no state in it: %q", text)
}

func printable(out string) string {
	if !utf8.ValidString(out) {
		return fmt.Sprintf("no UTF-8: %.300q", out)
	}
	at := strings.IndexFunc(out, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
	return when(at >= 0, "control character at byte %d: %.300q", at, out)
}

func piped(out string) string {
	_, more, _ := strings.Cut(out, "\n")
	return when(strings.Contains(more, "|"), "%.300q", more)
}

// lasts: a plugin is started by daemons that give it little.
func lasts(ctx context.Context, o options, t *tap) {
	usual, err := o.run(ctx, o.args, changed{})
	if err != nil {
		t.ok("it runs", err.Error())
		return
	}
	r, err := o.run(ctx, o.args, changed{env: []string{"PATH=/usr/bin:/bin"}})
	why := broken(r, err, usual.exit)
	t.ok("with an empty environment it comes to the same state", why)
}

//go:embed ranges.txt
var rangesText string

//go:embed bad-ranges.txt
var badRangesText string

// acceptsRanges: a range is read to its end, or refused.
func acceptsRanges(ctx context.Context, o options, t *tap) {
	if !o.ranges {
		t.skip("ranges", "-ranges=false")
		return
	}
	usual, err := o.run(ctx, o.args, changed{})
	if err != nil {
		t.ok("it runs", err.Error())
		return
	}
	for _, limit := range []string{"-w", "-c"} {
		for _, text := range badRanges() {
			r, err := o.run(ctx, append(slices.Clone(o.args), limit+text), changed{})
			t.ok(fmt.Sprintf("%s%s is refused", limit, text), broken(r, err, unknown))
		}
		for _, row := range ranges() {
			r, err := o.run(ctx, append(slices.Clone(o.args), limit+row.text), changed{})
			codes := []int{0, 1, 2}
			if usual.exit == unknown || strings.Contains(r.first(), "|") {
				codes = append(codes, unknown) // what was measured may still say nothing about a range
			}
			t.ok(fmt.Sprintf("%s%s is taken", limit, row.text), broken(r, err, codes...))
		}
	}
}

// judgesValues: each range alerts where it should.
func judgesValues(ctx context.Context, o options, t *tap) {
	if o.value == "" {
		t.skip("each range alerts where it should", "no -value: the plugin measures for itself")
		return
	}
	for _, row := range ranges() {
		for i, values := range [][]string{row.silent, row.alerts} {
			for _, v := range values {
				r, err := o.run(ctx, append(slices.Clone(o.args), "-w"+row.text, "-c~:", o.value+"="+v), changed{})
				t.ok(fmt.Sprintf("-w%s with %s is %d", row.text, v, i), broken(r, err, i))
			}
		}
	}
}

// keepsTime: -t is the whole run's.
func keepsTime(ctx context.Context, o options, t *tap) {
	if o.slow == "" {
		t.skip("-t is kept", "no -slow")
		return
	}
	p, err := silent()
	if err != nil {
		t.ok("-t is kept", err.Error())
		return
	}
	defer p.close()
	for _, seconds := range []int{1, 3} {
		r, err := o.run(ctx, o.slowArgs(p, "-t", fmt.Sprint(seconds)), changed{})
		why := broken(r, err, 1, 2, unknown)
		if most := time.Duration(seconds)*time.Second + o.grace; why == "" && r.took > most {
			why = fmt.Sprintf("more than %s: %s", most, r)
		}
		t.ok(fmt.Sprintf("-t %d is kept, and silence is not OK", seconds), why)
	}
}

// stops: who wants it to stop is told what it was doing.
func stops(ctx context.Context, o options, t *tap) {
	if o.slow == "" {
		t.skip("signals", "no -slow")
		return
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGALRM} {
		p, err := silent()
		if err != nil {
			t.ok(s.String(), err.Error())
			return
		}
		args := o.slowArgs(p, "-t", "20")
		r, err := o.run(ctx, args, changed{during: func(plugin *os.Process) error {
			select {
			case <-p.called:
			case <-time.After(5 * time.Second): // it may never get that far
			}
			return plugin.Signal(s)
		}})
		why := broken(r, err, unknown)
		if why == "" && r.took > 6*time.Second {
			why = "it did not stop at once: " + r.String()
		}
		t.ok(fmt.Sprintf("after %s it says something, exits 3 and stops", s), why)
		p.close()
	}
}

// cannotTell: what cannot be told is UNKNOWN.
func cannotTell(ctx context.Context, o options, t *tap) {
	r, err := o.run(ctx, o.args, changed{closed: true})
	t.ok("without a standard output it exits 3", mute(r, err))
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.skip("with a full standard output it exits 3", err.Error())
	} else {
		r, err := o.run(ctx, o.args, changed{stdout: full})
		t.ok("with a full standard output it exits 3", mute(r, err))
		_ = full.Close()
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.skip("with nobody at the other end of the pipe it exits 3", err.Error())
		return
	}
	_ = reader.Close()
	r, err = o.run(ctx, o.args, changed{stdout: writer})
	t.ok("with nobody at the other end of the pipe it exits 3", mute(r, err))
	_ = writer.Close()
}

// mute is what is wrong with a run that could say nothing.
func mute(r run, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case r.killed:
		return "it did not end by itself: " + r.String()
	default:
		return when(r.exit != unknown, "exit code %d, not 3: %s", r.exit, r)
	}
}

// A row is one of ranges.txt.
type row struct {
	text           string
	alerts, silent []string
}

// ranges are the rows of ranges.txt.
func ranges() []row {
	var all []row
	for line := range strings.Lines(rangesText) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] != "#" {
			all = append(all, row{words[0], values(words[1]), values(words[2])})
		}
	}
	return all
}

func values(list string) []string {
	if list == "-" {
		return nil
	}
	return strings.Split(list, ",")
}

// badRanges are the lines of bad-ranges.txt.
func badRanges() []string {
	var all []string
	for line := range strings.Lines(badRangesText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}
