package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

const hostnameFile = "/etc/hostname"

// hostname compares the name that the kernel has, and the one that it gets at the
// next boot, with the expected one, or with each other.
func (m *measurement) hostname(context.Context) {
	if !m.namesHost() {
		return
	}
	began := time.Now()
	l := look{flag: hostname}
	stored, err := m.storedName()
	missing := errors.Is(err, fs.ErrNotExist)
	running := ""
	if m.Place.runs() && (err == nil || missing) {
		running, err = m.runningName()
	}
	l.stage.Said = fmt.Sprintf("the kernel says %q, %q says %q", running, m.root.name(hostnameFile), stored)
	want := m.ExpectHostname
	switch {
	case missing && err == nil && want == "":
		l.err = fmt.Errorf("%q is missing, so there is no name to compare with: say --expect-hostname NAME", m.root.name(hostnameFile))
	case missing && !m.Place.runs():
		l.err = fmt.Errorf("%q is missing", m.root.name(hostnameFile))
	case err != nil && !missing:
		l.err = err
	case want == "":
		if running != stored {
			l.drift = fmt.Sprintf("hostname is %q, %q says %q", running, m.root.name(hostnameFile), stored)
			l.mend = "run hostname -F " + hostnameFile
			if stored == "" {
				l.mend = "run " + m.overwrite(hostnameFile, running)
			}
		}
	case running != want && m.Place.runs():
		l.drift = fmt.Sprintf("hostname is %q, expected %q", running, want)
		l.mend = "run hostnamectl set-hostname " + shell(want)
	case stored != want && !missing:
		l.drift = fmt.Sprintf("hostname is %q after the next boot (%q), expected %q", stored, m.root.name(hostnameFile), want)
		l.mend = "run " + m.overwrite(hostnameFile, want)
	}
	m.saw(began, "looking at the hostname", l)
}

// runningName is the kernel's.
func (m *measurement) runningName() (string, error) {
	if m.Place.uname != nil {
		return m.Place.uname()
	}
	return os.Hostname()
}

// storedName is the first line of /etc/hostname that is no comment (hostname(5)).
func (m *measurement) storedName() (string, error) {
	const limit = 4 << 10
	text, err := m.root.read(hostnameFile, limit)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line, nil
		}
	}
	return "", nil
}

// isHostname says that Linux and hostnamectl take the name: hostname(7), of at most 64 bytes
// (uname(2)); underscores, which RFC 1123 does not know, are in use.
func isHostname(name string) bool {
	const most = 64
	for label := range strings.SplitSeq(name, ".") {
		other := strings.TrimFunc(label, func(r rune) bool {
			return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		})
		if label == "" || other != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(name) <= most
}
