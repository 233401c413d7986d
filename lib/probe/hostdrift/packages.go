package hostdrift

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	dpkgStatus = "/var/lib/dpkg/status"

	maxStatus = 64 << 20 // bytes; a desktop's has 5 MB
	maxList   = 1 << 20

	most = 5 // names in a sentence
)

// packages holds what dpkg has installed to the lists: what is forbidden must go,
// what may be there stays, and the rest is for somebody to decide.
func (m *measurement) packages(context.Context) {
	if m.Lists == (Lists{}) {
		return
	}
	began := time.Now()
	doing := fmt.Sprintf("reading %q", m.root.name(dpkgStatus))
	installed, err := m.installed()
	if err != nil {
		m.saw(began, doing, look{err: err})
		return
	}
	keep, err := readList(m.Lists.Packages)
	if err != nil {
		m.saw(began, fmt.Sprintf("reading %q", m.Lists.Packages), look{err: err})
		return
	}
	purge, err := readList(m.Lists.ForbiddenPackages)
	if err != nil {
		m.saw(began, fmt.Sprintf("reading %q", m.Lists.ForbiddenPackages), look{err: err})
		return
	}
	if both := keep.both(purge); both != "" {
		m.saw(began, "comparing the lists of packages", look{
			err: fmt.Errorf("%q is in %q and in %q: delete it from one", both, m.Lists.Packages, m.Lists.ForbiddenPackages),
		})
		return
	}
	forbidden, unlisted := sorted(installed.names, keep, purge)
	if m.Lists.ForbiddenPackages != "" {
		l := look{flag: forbiddenPackages}
		if len(forbidden) > 0 {
			l.drift = fmt.Sprintf("%s forbidden: %s", are(len(forbidden)), some(forbidden))
			l.whole = whole("forbidden", forbidden)
			l.mend = m.rid(forbidden, installed.vital)
		}
		l.stage.Said = fmt.Sprintf("%d packages, forbidden: %v", len(installed.names), forbidden)
		m.saw(began, doing, l)
	}
	if m.Lists.Packages != "" {
		l := look{flag: unlistedPackages}
		if len(unlisted) > 0 {
			l.drift = fmt.Sprintf("%s on no list: %s", are(len(unlisted)), some(unlisted))
			l.whole = whole("on no list", unlisted)
			l.mend = m.decide(unlisted, installed.vital)
		}
		l.stage.Said = fmt.Sprintf("%d packages, on no list: %v", len(installed.names), unlisted)
		m.saw(began, doing, l)
	}
}

// rid is how to be rid of what is forbidden. No command removes what the system does
// not run without: a pattern that is too wide forbids that, too.
func (m *measurement) rid(forbidden []string, vital map[string]bool) string {
	var can, cannot []string
	for _, name := range forbidden {
		if vital[name] {
			cannot = append(cannot, name)
		} else {
			can = append(can, name)
		}
	}
	var mend []string
	switch n := len(can); {
	case n > most: // a command that the line's end cuts would do something else
		mend = append(mend, "-v names them all: run "+m.root.command("apt-get purge")+" with those that must go")
	case n > 0:
		mend = append(mend, "run "+m.root.command("apt-get purge "+shell(slices.Clone(can)...)))
	}
	if len(cannot) > 0 {
		mend = append(mend, fmt.Sprintf("the system needs %s: correct %q", some(cannot), m.Lists.ForbiddenPackages))
	}
	return strings.Join(mend, "; ")
}

// command is a command line as it is run for the host.
func (r root) command(line string) string {
	if r != "" {
		return "chroot " + shell(string(r)) + " " + line
	}
	return line
}

func are(n int) string {
	if n == 1 {
		return "1 package is"
	}
	return fmt.Sprintf("%d packages are", n)
}

// some are the first of many names.
func some(names []string) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// whole is all names where some leaves any out.
func whole(what string, names []string) string {
	if len(names) <= most {
		return ""
	}
	return fmt.Sprintf("packages %s: %s", what, strings.Join(names, " "))
}

// sorted is which of the installed must go, and which nobody has decided on. A list
// that names a package outweighs one that has a pattern for it; of two patterns the
// forbidding one counts.
func sorted(installed []string, keep, purge list) (forbidden, unlisted []string) {
	for _, name := range installed {
		switch {
		case keep.names[name]:
		case purge.names[name], purge.matches(name):
			forbidden = append(forbidden, name)
		case keep.matches(name), !keep.given:
		default:
			unlisted = append(unlisted, name)
		}
	}
	return forbidden, unlisted
}

// packages are what dpkg has installed.
type packages struct {
	names []string        // sorted, each once
	vital map[string]bool // those that the system does not run without
}

// installed are the packages of dpkg's database of which anything is on the disk,
// be it their configuration alone.
func (m *measurement) installed() (packages, error) {
	text, err := m.root.read(dpkgStatus, maxStatus)
	if err != nil {
		return packages{}, err
	}
	return parseStatus(text)
}

// parseStatus reads the paragraphs of dpkg's database (deb-control(5), dpkg(1)):
// "Package: NAME", "Status: WANT ERROR STATE", and "Essential: yes", "Protected: yes"
// or "Priority: required" for what must stay.
func parseStatus(text []byte) (packages, error) {
	all := packages{vital: map[string]bool{}}
	for paragraph := range bytes.SplitSeq(text, []byte("\n\n")) {
		name, status, vital := "", "", false
		for line := range bytes.Lines(paragraph) {
			key, value, _ := strings.Cut(string(line), ":")
			switch key {
			case "Package":
				name = strings.TrimSpace(value)
			case "Status":
				status = strings.TrimSpace(value)
			case "Essential", "Protected":
				vital = vital || strings.TrimSpace(value) == "yes"
			case "Priority":
				vital = vital || strings.TrimSpace(value) == "required"
			}
		}
		words := strings.Fields(status)
		switch {
		case len(bytes.TrimSpace(paragraph)) == 0:
		case name == "" || len(words) != 3:
			return packages{}, fmt.Errorf("a paragraph without Package and Status: %.40q", bytes.TrimSpace(paragraph))
		case words[2] != "not-installed":
			all.names = append(all.names, name)
			if vital {
				all.vital[name] = true
			}
		}
	}
	if len(all.names) == 0 {
		return packages{}, errors.New("it names no package")
	}
	slices.Sort(all.names)
	all.names = slices.Compact(all.names)
	return all, nil
}

// A list is names of packages and patterns for them.
type list struct {
	given    bool
	names    map[string]bool
	patterns []string
}

// readList reads a list: a name or a pattern a line, # begins a comment.
func readList(file string) (list, error) {
	if file == "" {
		return list{}, nil
	}
	text, err := root("").read(file, maxList)
	if err != nil {
		return list{}, err
	}
	return parseList(text)
}

func parseList(text []byte) (list, error) {
	l := list{given: true, names: map[string]bool{}}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		_, err := path.Match(line, "")
		switch {
		case line == "":
		case strings.ContainsAny(line, " \t") || err != nil:
			return list{}, fmt.Errorf("line %d: %q is no name of a package and no pattern: write one a line", n, line)
		case strings.ContainsAny(line, `*?[\`):
			l.patterns = append(l.patterns, line)
		default:
			l.names[line] = true
		}
	}
	if len(l.names)+len(l.patterns) == 0 {
		return list{}, errors.New("it names no package")
	}
	return l, nil
}

// matches says that a pattern of l is for name.
func (l list) matches(name string) bool {
	return slices.ContainsFunc(l.patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

// both is a name that is in both lists, "" if none is.
func (l list) both(other list) string {
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		if other.names[name] {
			return name
		}
	}
	return ""
}
