package sqlitefile

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// open writes to the database at path as its owners do.
func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", Address(path, url.Values{"_pragma": {"journal_mode(WAL)"}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS a (b); INSERT INTO a VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	return db
}

// In a directory that everybody may read, nobody but owner and group reads the file,
// nor what SQLite has beside it, nor a copy.
func TestWhoMayRead(t *testing.T) {
	for _, row := range []struct {
		situation    string
		before, want os.FileMode
		said         string
	}{
		{"a new file", 0, 0o640, ""},
		{"one that others may read", 0o644, 0o640, "could be read by everybody: now only its owner and group may"},
		{"one of its owner's alone", 0o600, 0o600, ""},
	} {
		path := filepath.Join(t.TempDir(), "state", "a ?#%.db")
		if row.before != 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, row.before); err != nil {
				t.Fatal(err)
			}
		}
		said := ""
		if err := Make(path, func(text string) { said += text }); err != nil {
			t.Fatal(err)
		}
		db := open(t, path)
		if err := Copy(t.Context(), db, path+".copy"); err != nil {
			t.Fatal(err)
		}
		if err := Copy(t.Context(), db, path+".copy"); err == nil || !strings.Contains(err.Error(), "file exists") {
			t.Errorf("%s: a copy was written over: %v", row.situation, err)
		}
		for suffix, want := range map[string]os.FileMode{"": row.want, "-wal": row.want, "-shm": row.want, ".copy": 0o640} {
			info, err := os.Stat(path + suffix)
			if err != nil || info.Mode().Perm() != want || info.Size() == 0 {
				t.Errorf("%s: %v %v, want %v", row.situation, info, err, want)
			}
		}
		if !strings.HasSuffix(said, row.said) || row.said == "" && said != "" {
			t.Errorf("%s: %q", row.situation, said)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("garbage ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", Address(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.Exec("CREATE TABLE a (b)")
	if !Damaged(err) || Damaged(os.ErrNotExist) || ReadOnly(err) {
		t.Errorf("%v", err)
	}
	if got := Explain("book", path, err, "").Error(); !strings.HasPrefix(got, `book "`+path+`": file is not a database`) {
		t.Error(got)
	}
	aside, err := SetAside(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
	if _, err := os.Stat(aside); err != nil || !strings.HasPrefix(aside, path+".damaged-") {
		t.Error(aside, err)
	}
}
