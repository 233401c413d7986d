package nagios

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"milepost/lib/option"
)

// What the Monitoring Plugins read (as traces of their 2.3.3 show it): the file that
// fileVariable names, whether it is there or not, else the first of iniNames that is in
// a directory of pathVariable, a list as in $PATH, else the first of iniFiles.
const (
	fileVariable = "MP_CONFIG_FILE"
	pathVariable = "NAGIOS_CONFIG_PATH"
)

// iniNames are the names in a directory of pathVariable, in their order.
func iniNames() []string {
	return []string{"monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini"}
}

// iniFiles are the usual files, in their order.
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

// extraOpts are the options of every --extra-opts=[section][@file] among words. Beside an
// error they are those that could be read: they may say how it is to be spelled.
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
			if file = usualIni(); file == "" {
				return all, errors.New("--extra-opts: none of the usual ini files is there: name one with --extra-opts=SECTION@FILE")
			}
		}
		got, err := r.readIni(section, file)
		all = append(all, got...)
		if err != nil {
			return all, fmt.Errorf("--extra-opts: %w", err)
		}
	}
	return all, nil
}

// usualIni is the ini file that is meant where none is named; "" = there is none.
func usualIni() string {
	if file := os.Getenv(fileVariable); file != "" {
		return file
	}
	var all []string
	if path := os.Getenv(pathVariable); path != "" {
		for dir := range strings.SplitSeq(path, ":") {
			for _, name := range iniNames() {
				all = append(all, dir+"/"+name)
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

// readIni is the options of one section of the ini file; "-" is standard input. Beside an
// error they are those that could be read.
func (r *run) readIni(section, file string) ([]iniWord, error) {
	in, err := r.openIni(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	lines, found, err := parseIni(io.LimitReader(in, iniLimit), section, file)
	if err == nil && !found {
		err = fmt.Errorf("ini file %q has no section [%s]", file, section)
	}
	var words []iniWord
	for _, l := range lines {
		some, operands, wrong := r.options.Words(l.Values)
		if wrong == nil && len(some) == 1 && len(operands) == 0 {
			words = append(words, iniWord{some[0], l.from})
		} else if err == nil {
			err = fmt.Errorf("%s: %q is no option of this check", l.from, strings.Join(l.Values, " "))
		}
	}
	return words, err
}

// openIni opens the file. What standard input says is kept: it can be read once only, and
// a second --extra-opts, or a supervised child, wants it too.
func (r *run) openIni(file string) (io.ReadCloser, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("opening ini file: %w", err)
		}
		return f, nil
	}
	if r.piped == nil {
		text, err := io.ReadAll(io.LimitReader(r.in, iniLimit))
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		r.piped = append([]byte{}, text...)
	}
	return io.NopCloser(bytes.NewReader(r.piped)), nil
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
				return words, false, fmt.Errorf("%s:%d: section %q has no ]", file, n, line)
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
		return words, false, fmt.Errorf("reading ini file %q: %w", file, err)
	}
	return words, found, nil
}
