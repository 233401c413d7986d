package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// immutableFlag is FS_IMMUTABLE_FL of linux/fs.h.
const immutableFlag = 0x10

// bits looks at the files that have a wish for their immutable bit.
func (m *measurement) bits(context.Context) {
	for _, f := range m.Bits.Immutable {
		m.bit(f, immutable, true)
	}
	for _, f := range m.Bits.NotImmutable {
		m.bit(f, notImmutable, false)
	}
}

// bit holds one file to what is wanted of it.
func (m *measurement) bit(path, flag string, wanted bool) {
	began := time.Now()
	name := m.root.name(path)
	l := look{flag: flag}
	is, err := m.immutable(path)
	change := "run chattr +i "
	if !wanted {
		change = "run chattr -i "
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && wanted:
		l.drift = fmt.Sprintf("%q is missing, and should be immutable", name)
		l.mend = m.restore(path)
	case errors.Is(err, fs.ErrNotExist): // what is not there has no bit
	case err != nil:
		l.err = err
	case wanted && !is:
		l.drift = fmt.Sprintf("%q is not immutable", name)
		l.mend = change + shell(m.file(path))
	case !wanted && is:
		l.drift = fmt.Sprintf("%q is immutable", name)
		l.mend = change + shell(m.file(path))
	}
	l.stage.Said = fmt.Sprintf("immutable: %t", is)
	m.saw(began, fmt.Sprintf("looking at the immutable bit of %q", name), l)
}

// file is what a link at path leads to: chattr refuses links.
func (m *measurement) file(path string) string {
	if m.root == "" {
		if end, err := filepath.EvalSymlinks(path); err == nil {
			return end
		}
	}
	return m.root.name(path)
}

// errNoBit is the answer of a file system that knows no such bit, or keeps it from
// us, as an overlay may: that says nothing about the file below it.
var errNoBit = errors.New("its file system does not tell")

// immutable says whether the file has the bit. Who may not read the file is told by
// statx(2), where the file system takes part in that.
func (m *measurement) immutable(path string) (bool, error) {
	f, err := m.root.open(path)
	switch {
	case errors.Is(err, fs.ErrPermission) && m.root == "":
		return byStatx(path, err)
	case err != nil:
		return false, err
	}
	defer f.Close()
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return false, fmt.Errorf("%w (%s has no such flag)", errNoBit, fileSystem(f))
	}
	return flags&immutableFlag != 0, err
}

// byStatx is immutable for a file that could not be opened, and denied says why.
func byStatx(path string, denied error) (bool, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, 0, &s); err != nil || s.Attributes_mask&unix.STATX_ATTR_IMMUTABLE == 0 {
		return false, fmt.Errorf("%w: run the check as root, or chmod a+r %s", denied, shell(path))
	}
	return s.Attributes&unix.STATX_ATTR_IMMUTABLE != 0, nil
}

// fileSystem names the kind that f is on, by statfs(2)'s magic number.
func fileSystem(f *os.File) string {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return "it"
	}
	switch uint32(s.Type) {
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.PROC_SUPER_MAGIC:
		return "proc"
	case unix.SYSFS_MAGIC:
		return "sysfs"
	default:
		return fmt.Sprintf("file system %#x", uint32(s.Type))
	}
}
