package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNobodyPrintsIt(t *testing.T) {
	v := New("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "in", struct{ V Value }{v})
	j, _ := json.Marshal(map[string]any{"v": v, "in": struct{ V Value }{v}})
	all := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", v, v, v, v, v, v, struct{ V Value }{v}, &v, []Value{v}) + log.String() + string(j)
	if strings.Contains(all, "hunter2") || strings.Contains(all, fmt.Sprintf("%x", "hunter2")) {
		t.Error(all)
	}
	if v.Reveal() != "hunter2" || v.Redact("pw=hunter2!") != "pw=***!" {
		t.Error(v.Reveal(), v.Redact("pw=hunter2!"))
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, want, err string }{
		{"a line", file("a", "geheim\n", 0o600), "geheim", ""},
		{"no line end", file("b", "geheim", 0o400), "geheim", ""},
		{"written on Windows", file("c", "geheim\r\nmore\n", 0o640), "geheim", ""},
		{"spaces are the secret's", file("d", " a b \n", 0o600), " a b ", ""},
		{"the group may", file("e", "g\n", 0o660), "g", ""},
		{"others may", file("f", "g\n", 0o644), "", "others may open it (mode 0644): run chmod o-rwx"},
		{"empty", file("g", "", 0o600), "", "its first line is empty"},
		{"too large", file("h", strings.Repeat("x", maxSize+1), 0o600), "", "larger than"},
		{"absent", filepath.Join(dir, "none"), "", "no such file or directory"},
		{"a directory", dir, "", "not a regular file"},
		{"a pipe that nobody fills", fifo, "", "not a regular file"},
	} {
		v, err := Read(tt.path)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
		if v.Reveal() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, v.Reveal(), tt.want)
		}
	}
}
