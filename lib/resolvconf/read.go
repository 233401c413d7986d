package resolvconf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Path is where every resolver looks for the file.
const Path = "/etc/resolv.conf"

// maxSize is far above any resolv.conf, and keeps a wrong path from being
// swallowed whole.
const maxSize = 64 << 10

// Read reads the file at path. One that is not there, or a link to nowhere, is
// an empty one to glibc, and so it is here, with Missing set.
func Read(path string) (File, error) {
	text, err := read(path)
	f := Parse(text)
	f.Path, f.Link = path, link(path)
	f.Missing = errors.Is(err, fs.ErrNotExist)
	if err != nil && !f.Missing {
		return File{}, fmt.Errorf("reading %q: %w", path, cause(err))
	}
	if f.Writer == (Writer{}) {
		f.Writer = writer(nil, f.Link)
	}
	return f, nil
}

func read(path string) ([]byte, error) {
	// O_NONBLOCK: a FIFO without a writer must not hang a check.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("larger than %d bytes", maxSize)
	}
	return text, err
}

// link is where a symbolic link at path leads in the end, as far as it leads.
func link(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	if end, err := filepath.EvalSymlinks(path); err == nil {
		return end
	}
	return target
}

// cause is err without the path, which the caller's text already names.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
