// Package secret holds what must never be printed: a Value shows itself as
// stars to every formatter, and is read only from files that others cannot.
package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

// maxSize is far above any password or community and keeps a wrong path (a
// device, a log) from being swallowed whole.
const maxSize = 64 << 10

// A Value is a password or an SNMP community. The zero Value is none.
type Value struct{ text string }

// New is a Value that was given by other means than a file.
func New(text string) Value { return Value{text} }

// Reveal is the secret itself. Its caller hands it to a protocol and to nobody else.
func (v Value) Reveal() string { return v.text }

// IsZero says that there is none.
func (v Value) IsZero() bool { return v.text == "" }

const stars = "***"

// String is stars.
func (v Value) String() string { return stars }

// GoString is stars.
func (v Value) GoString() string { return stars }

// MarshalText is stars.
func (v Value) MarshalText() ([]byte, error) { return []byte(stars), nil }

// UnmarshalText takes the secret from an option or the environment.
func (v *Value) UnmarshalText(text []byte) error { v.text = string(text); return nil }

// LogValue is stars.
func (v Value) LogValue() slog.Value { return slog.StringValue(stars) }

// Redact is text with every occurrence of the secret starred out.
func (v Value) Redact(text string) string {
	if v.text == "" {
		return text
	}
	return strings.ReplaceAll(text, v.text, stars)
}

// Read is the first line of the file at path, without its end. The group may
// read the file; others may not, or it is refused with the command that mends it.
func Read(path string) (Value, error) {
	lines, err := readLines(path)
	switch {
	case err != nil:
		return Value{}, err
	case lines[0] == "":
		return Value{}, fmt.Errorf("reading secret %q: its first line is empty", path)
	}
	return Value{lines[0]}, nil
}

// Lines are all lines of such a file, empty ones too: the first is line 1 of it.
func Lines(path string) ([]Value, error) {
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	all := make([]Value, len(lines))
	for i, line := range lines {
		all[i] = Value{line}
	}
	return all, nil
}

func readLines(path string) ([]string, error) {
	// O_NONBLOCK: a FIFO without a writer must not hang a check.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("reading secret %q: %w%s", path, cause(err), next(path))
	}
	if err != nil {
		return nil, fmt.Errorf("reading secret %q: %w", path, cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading secret %q: %w", path, cause(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("reading secret %q: not a regular file", path)
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("reading secret %q: others may open it (mode %04o): run chmod o-rwx %q", path, info.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading secret %q: %w", path, cause(err))
	case len(b) > maxSize:
		return nil, fmt.Errorf("reading secret %q: larger than %d bytes", path, maxSize)
	}
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines, nil
}

// cause is err without the path, which the caller's text already names.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// A File is the path of a file with a secret in its first line; "" is none.
// Options have this type, so that an unreadable secret is found where it is named.
type File string

// Read is the secret in the file; no path is no secret.
func (f File) Read() (Value, error) {
	if f == "" {
		return Value{}, nil
	}
	return Read(string(f))
}
