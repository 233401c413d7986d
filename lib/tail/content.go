package tail

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// open opens the regular file at path and nothing else.
func open(path string) (*os.File, sighting, error) {
	// O_NONBLOCK: opening a FIFO must not wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, sighting{}, fmt.Errorf("following %q: %w", path, cause(err))
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, sighting{}, fmt.Errorf("following %q: %w", path, cause(err))
	}
	s, err := sightingOf(path, info)
	if err != nil {
		f.Close()
		return nil, sighting{}, err
	}
	return f, s, nil
}

// cause is err without the path, which the caller's text names.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// isGzip knows a compressed file by its first bytes (RFC 1952, 2.3.1).
func isGzip(f *os.File) bool {
	var magic [3]byte
	n, _ := f.ReadAt(magic[:], 0)
	return n == len(magic) && magic == [3]byte{0x1f, 0x8b, 8}
}

// gzipSize is the content's length modulo 2^32 as the file's last four bytes
// tell it (RFC 1952, 2.3.1: ISIZE), of the last member if there are several.
func gzipSize(f *os.File, size int64) (uint32, error) {
	var b [4]byte
	if _, err := f.ReadAt(b[:], size-4); err != nil {
		return 0, err
	}
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24, nil
}

// unzipped is the content of a gzip file as an io.ReaderAt. It is cheap only
// for offsets that never fall: one below what it remembers starts it anew.
type unzipped struct {
	file *os.File
	zip  *gzip.Reader
	kept bytes.Buffer // content from at
	at   int64
	err  error // why there is no more
	size int64 // of the file when err was met
}

func (u *unzipped) ReadAt(b []byte, off int64) (int, error) {
	if u.zip == nil || off < u.at || u.grown() {
		if err := u.restart(); err != nil {
			return 0, err
		}
	}
	for u.err == nil && u.at+int64(u.kept.Len()) < off+int64(len(b)) {
		u.forget(off)
		_, u.err = io.CopyN(&u.kept, u.zip, min(off+int64(len(b))-u.at-int64(u.kept.Len()), 1<<20))
	}
	u.forget(off)
	if u.at < off {
		return 0, u.err
	}
	n := copy(b, u.kept.Bytes())
	if n < len(b) {
		return n, u.err
	}
	return n, nil
}

// forget drops the content before off.
func (u *unzipped) forget(off int64) {
	u.at += int64(len(u.kept.Next(int(min(off-u.at, int64(u.kept.Len()))))))
}

// grown says that a file that ended too soon is longer now.
func (u *unzipped) grown() bool {
	if !errors.Is(u.err, io.ErrUnexpectedEOF) {
		return false
	}
	info, err := u.file.Stat()
	return err == nil && info.Size() != u.size
}

func (u *unzipped) restart() error {
	info, err := u.file.Stat()
	if err != nil {
		return err
	}
	zip, err := gzip.NewReader(bufio.NewReaderSize(io.NewSectionReader(u.file, 0, info.Size()), 1<<16))
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	u.kept.Reset()
	u.zip, u.at, u.err, u.size = zip, 0, nil, info.Size()
	return nil
}
