package keep

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReplace(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, dir string)
		file   string
		want   string // "" = it is written; DIR is the directory
	}{
		{"there was none", nil, "a", ""},
		{"there was one", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "a"), "old, and longer than the new one", 0o444)
		}, "a", ""},
		{"a link to another file", func(t *testing.T, dir string) { link(t, filepath.Join(dir, "other"), filepath.Join(dir, "a")) }, "a", ""},
		{"a link to nowhere", func(t *testing.T, dir string) { link(t, "/nowhere", filepath.Join(dir, "a")) }, "a", ""},
		{"no directory", nil, "no/a", `"DIR/no/a": no such file or directory`},
		{"the directory is a file", nil, "other/a", `"DIR/other/a": not a directory`},
		{"a directory has the name", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "a", `"DIR/a": file exists`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "other"), "other", 0o644)
			if tt.before != nil {
				tt.before(t, dir)
			}
			path := filepath.Join(dir, tt.file)
			err := Replace(path, []byte("new"), 0o640)
			if got := said(dir, err); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if err == nil {
				info, err := os.Lstat(path)
				if err != nil || info.Mode() != 0o640 {
					t.Errorf("%v %v", info, err)
				}
				if got, err := Read(path, 3); string(got) != "new" || err != nil {
					t.Errorf("%q %v", got, err)
				}
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "other")); string(got) != "other" {
				t.Errorf("another file became %q", got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// A file that is not the process's to replace is what it was. Root may replace any, so
// the test asks as a user who is nobody.
func TestReplaceWithoutPermission(t *testing.T) {
	path := os.Getenv("KEEP_PATH")
	if path != "" {
		fmt.Println(Replace(path, []byte("new"), 0o644))
		return
	}
	dir, err := os.MkdirTemp("/tmp", "keep") // t.TempDir is below a directory that is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700); _ = os.RemoveAll(dir) })
	path = filepath.Join(dir, "a")
	put(t, path, "old", 0o666)
	program := filepath.Join(dir, "test")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	put(t, program, string(text), 0o755)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestReplaceWithoutPermission$")
	cmd.Env, cmd.Dir = append(os.Environ(), "KEEP_PATH="+path, "GOCOVERDIR="), "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("%q: permission denied\n", path); err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("%v, %s, want %s", err, out, want)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("it became %q", got)
	}
}

// A process that is killed while it replaces a file leaves it whole.
func TestKilled(t *testing.T) {
	a, b := bytes.Repeat([]byte("a"), 1<<18), bytes.Repeat([]byte("b"), 1<<18)
	if path := os.Getenv("KEEP_KILLED"); path != "" {
		for i := 0; ; i++ { // until it is killed
			if err := Replace(path, [][]byte{a, b}[i%2], 0o644); err != nil {
				t.Fatal(err)
			}
			fmt.Println(i)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	for i := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "KEEP_KILLED="+path)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != fmt.Sprint(i); {
			look(t, path, a, b) // while it goes on
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it ended by itself")
		}
		look(t, path, a, b)
	}
}

func look(t *testing.T, path string, whole ...[]byte) {
	t.Helper()
	got, err := Read(path, 1<<18)
	if err != nil || !bytes.Equal(got, whole[0]) && !bytes.Equal(got, whole[1]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string)
		read func(string, int) ([]byte, error)
		want string
	}{
		{"none", func(*testing.T, string) {}, Read, `"DIR/a": no such file or directory`},
		{"as long as may be", func(t *testing.T, path string) { put(t, path, "12345678", 0o666) }, Read, ""},
		{"longer", func(t *testing.T, path string) { put(t, path, "123456789", 0o644) }, Read, `"DIR/a": larger than 8 bytes`},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}, Read, `"DIR/a": not a regular file`},
		{"a pipe that nobody writes to", func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, Read, `"DIR/a": not a regular file`},
		{"through a link", func(t *testing.T, path string) { put(t, path+"b", "1", 0o644); link(t, path+"b", path) }, ReadOwn, ""},
		{"one's own", func(t *testing.T, path string) { put(t, path, "1", 0o644) }, ReadOwn, ""},
		{"others may write it", func(t *testing.T, path string) { put(t, path, "1", 0o664) }, ReadOwn, `"DIR/a": others may write it (mode 0664): run chmod go-w`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.make(t, filepath.Join(dir, "a"))
			_, err := tt.read(filepath.Join(dir, "a"), 8)
			if got := said(dir, err); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if missing := strings.Contains(tt.want, "no such file"); errors.Is(err, fs.ErrNotExist) != missing {
				t.Errorf("%v is fs.ErrNotExist: %v", err, !missing)
			}
		})
	}
}

func put(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func said(dir string, err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), dir, "DIR")
}
