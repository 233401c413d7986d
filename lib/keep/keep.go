// Package keep keeps small files: what a process knows and the next one must find,
// whole, though the machine lost its power in between.
//
// The text of every error begins with the quoted path, so that a caller only says what
// it was doing: fmt.Errorf("saving status %w", err).
package keep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Replace makes data the content of the file at path, with exactly these permissions.
// Whoever reads, and whoever starts after a crash, finds the old content or the new, and
// when Replace has returned the new. The file is another one afterwards: a symbolic link
// at path gives way to it, and what the link led to is not touched. Those who replace
// the same file at once do not disturb each other. A process that is killed may leave a
// file ".NAME.*" beside it.
func Replace(path string, data []byte, mode fs.FileMode) error {
	next, err := write(path, data, mode)
	if err != nil {
		return of(path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return of(path, errors.Join(Cause(err), Cause(os.Remove(next))))
	}
	return of(path, syncDir(filepath.Dir(path)))
}

// write puts data on the disk, in a file of its own beside path.
func write(path string, data []byte, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(Cause(err), Cause(f.Close())); err != nil {
		return "", errors.Join(err, Cause(os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// syncDir has the disk know the names in a directory. Where that cannot be asked for, in
// a directory that may be written and not read or on a file system that has no such
// thing, the file is in its place all the same.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(Cause(err), Cause(dir.Close()))
}

// Read is the content of the regular file at path. One of more than limit bytes is an
// error; that there is none is fs.ErrNotExist.
func Read(path string, limit int) ([]byte, error) {
	data, err := read(path, limit, func(fs.FileInfo) error { return nil })
	return data, of(path, err)
}

// ReadOwn is Read for a file that is believed: one that somebody else could have
// written, root aside, is refused.
func ReadOwn(path string, limit int) ([]byte, error) {
	data, err := read(path, limit, own)
	return data, of(path, err)
}

func read(path string, limit int, allowed func(fs.FileInfo) error) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO without a writer must not hang
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if err := allowed(info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, err
}

// own refuses a file that somebody else could have written.
func own(info fs.FileInfo) error {
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write it (mode %04o): run chmod go-w", info.Mode().Perm())
	case known && owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, not to %d, who runs this", owner.Uid, os.Geteuid())
	}
	return nil
}

// of is err with the path, once.
func of(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q: %w", path, Cause(err))
}

// Cause is err without the operation and the paths that package os puts before it.
func Cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
