// Package sqlitefile looks after the files of SQLite databases that hold what is not
// for everybody: who may read them, their addresses, copies, and what a person can do
// where one cannot be used. What is in them it does not know.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"milepost/lib/keep"

	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

// mode is that of every file: its owner writes it, its group may read it.
const mode = 0o640

// siblings are what SQLite has beside a file (sqlite.org/tempfiles.html, 2.2 and 2.3).
// It gives them the mode of the file itself.
func siblings() []string { return []string{"", "-wal", "-shm"} }

// Address is the address of the file at path, as sql.Open takes it.
func Address(path string, options url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}).String()
}

// Make makes the file at path and its directory, where they are not there, before
// SQLite would with whatever mode the process' mask leaves. Of a file that others may
// read it takes that away; notice is told.
func Make(path string, notice func(string)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("making the directory of %q: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		return f.Close()
	}
	// What is wrong with a file that cannot be made, SQLite says.
	for _, sibling := range siblings() {
		info, err := os.Stat(path + sibling)
		if err != nil || info.Mode().Perm()&0o007 == 0 {
			continue
		}
		if err := os.Chmod(path+sibling, info.Mode().Perm()&^0o007); err != nil {
			notice(fmt.Sprintf("%q may be read by everybody, and this user cannot change that: chmod o= %s", path+sibling, path+sibling))
			continue
		}
		notice(fmt.Sprintf("%q could be read by everybody: now only its owner and group may", path+sibling))
	}
	return nil
}

// Copy writes one moment's copy of the database to a file that must not be there.
func Copy(ctx context.Context, db *sql.DB, to string) error {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return f.Sync()
}

// SetAside keeps a damaged file under another name, which it tells.
func SetAside(path string) (aside string, err error) {
	aside = fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405Z"))
	for _, sibling := range siblings() {
		if err := os.Rename(path+sibling, aside+sibling); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting the damaged %q aside: %w", path, keep.Cause(err))
		}
	}
	return aside, nil
}

// Damaged says that err is about the file's content.
func Damaged(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// ReadOnly says that the file could not be written.
func ReadOnly(err error) bool { return codeOf(err) == sqlite3.SQLITE_READONLY }

// Explain says which file, and what a person can do: what is "ledger" or so, and after
// what becomes of it where the disk is full or broken.
func Explain(what, path string, err error, after string) error {
	hint := ""
	switch codeOf(err) {
	case sqlite3.SQLITE_FULL:
		hint = ": the disk is full: make room; " + after
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		hint = ": this user may not write it, or its directory: see ls -ld"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		hint = ": the file is damaged: the exporter sets it aside when it next writes it, and begins a new one; or restore a backup"
	case sqlite3.SQLITE_BUSY:
		hint = ": another process writes it: is another milepost-exporter running?"
	case sqlite3.SQLITE_IOERR:
		hint = ": the disk does not do what it should: see dmesg; " + after
	}
	return fmt.Errorf("%s %q: %w%s", what, path, err, hint)
}

// codeOf is SQLite's primary result code; 0 if err is not SQLite's.
func codeOf(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
