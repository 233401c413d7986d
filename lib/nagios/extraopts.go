package nagios

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"milepost/lib/option"
)

// iniFiles are where the Monitoring Plugins look, in their order (as a trace of
// their 2.3.3 shows it).
func iniFiles() []string {
	return []string{
		"/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
		"/usr/local/etc/monitoring-plugins.ini",
		"/etc/monitoring-plugins/monitoring-plugins.ini",
		"/etc/monitoring-plugins.ini",
		"/etc/nagios/plugins.ini",
		"/usr/local/nagios/etc/plugins.ini",
		"/usr/local/etc/nagios/plugins.ini",
		"/etc/opt/nagios/plugins.ini",
		"/etc/nagios-plugins.ini",
		"/usr/local/etc/nagios-plugins.ini",
		"/etc/opt/nagios-plugins.ini",
	}
}

// iniLimit is the most that is read of an ini file, in bytes.
const iniLimit = 1 << 20

// An iniWord is an option that an ini file gave.
type iniWord struct {
	option.Word
	from string // file:line
}

// joinExtraOpts gives --extra-opts, whose value may be left out, its value in
// one word: the next argument unless that is an option.
func joinExtraOpts(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		switch next := i + 1; {
		case args[i] == "--":
			return append(joined, args[i:]...)
		case args[i] != "--extra-opts":
			joined = append(joined, args[i])
		case next < len(args) && !strings.HasPrefix(args[next], "-"):
			joined = append(joined, "--extra-opts="+args[next])
			i++
		default:
			joined = append(joined, "--extra-opts=")
		}
	}
	return joined
}

// extraOpts are the options of every --extra-opts=[section][@file] among words.
func (r *run) extraOpts(words []option.Word) ([]iniWord, error) {
	var all []iniWord
	for _, w := range words {
		if w.Name != "extra-opts" {
			continue
		}
		section, file, named := strings.Cut(w.Values[0], "@")
		if section == "" {
			section = r.name()
		}
		if !named || file == "" {
			if file = firstThere(os.Getenv("NAGIOS_CONFIG_PATH"), "monitoring-plugins.ini", "nagios-plugins.ini", "plugins.ini"); file == "" {
				return nil, errors.New("--extra-opts: none of the usual ini files is there: name one with --extra-opts=SECTION@FILE")
			}
		}
		got, err := r.readIni(section, file)
		if err != nil {
			return nil, fmt.Errorf("--extra-opts: %w", err)
		}
		all = append(all, got...)
	}
	return all, nil
}

// firstThere is the first ini file that exists: in the directories of path, a
// list as in $PATH, by its names, then in the usual places.
func firstThere(path string, names ...string) string {
	var all []string
	if path != "" {
		for dir := range strings.SplitSeq(path, ":") {
			for _, n := range names {
				all = append(all, dir+"/"+n)
			}
		}
	}
	for _, f := range append(all, iniFiles()...) {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return ""
}

// readIni is the options of one section of the ini file; "-" is standard input.
func (r *run) readIni(section, file string) ([]iniWord, error) {
	var in io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("opening ini file: %w", err)
		}
		defer f.Close()
		in = f
	}
	words, found, err := parseIni(io.LimitReader(in, iniLimit), section, file)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("ini file %q has no section [%s]", file, section)
	}
	for i, w := range words {
		some, operands, err := r.options.Words(w.Values)
		if err != nil || len(some) != 1 || len(operands) > 0 {
			return nil, fmt.Errorf("%s: %q is no option of this check", w.from, strings.Join(w.Values, " "))
		}
		words[i].Word = some[0]
	}
	return words, nil
}

// parseIni reads "key = value" and "key" lines of the section, which may be
// there several times. The values of the result's words are the argument to
// come: "--key=value", "-kvalue". Lines beginning with # or ; are comments.
func parseIni(in io.Reader, section, file string) (words []iniWord, found bool, err error) {
	lines := bufio.NewScanner(in)
	inside := false
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name, ok := strings.CutSuffix(line[1:], "]")
			if !ok {
				return nil, false, fmt.Errorf("%s:%d: section %q has no ]", file, n, line)
			}
			inside = strings.TrimSpace(name) == section
			found = found || inside
		case inside:
			key, value, has := strings.Cut(line, "=")
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			arg := "--" + key
			if len(key) == 1 {
				arg = "-" + key + value
			} else if has {
				arg += "=" + value
			}
			words = append(words, iniWord{option.Word{Values: []string{arg}}, fmt.Sprintf("%s:%d", file, n)})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, false, fmt.Errorf("reading ini file %q: %w", file, err)
	}
	return words, found, nil
}
