package secret

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Who may not open the file is told which group may, and what to run.
func TestDenied(t *testing.T) {
	for _, row := range []struct {
		situation string
		listed    bool
		want      string
	}{
		{"not in the group", false, ": its group is keys, and nagios is not in it: run usermod -a -G keys nagios, then restart what runs this as nagios"},
		{"put into it after its daemon started", true, ": its group is keys; nagios is in it by now, but was not when this program's parent started: restart that"},
	} {
		if got := join("keys", "nagios", row.listed); got != row.want {
			t.Errorf("%s: %q", row.situation, got)
		}
	}
	if os.Geteuid() != 0 {
		return // only root may give a file away and look at it as somebody else
	}
	const nobody, stranger = 65534, 64999
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "password")
	if err := os.WriteFile(path, []byte("hunter2\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chown(path, 0, stranger), os.Chmod(path, 0o640), os.Chmod(dir, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: this thread, which is somebody else to file systems, ends
		_ = syscall.Setfsuid(nobody)
		_, err := Read(path)
		failed <- err
	}()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "permission denied: its group is 64999, and ") {
		t.Errorf("a stranger's file: %v", err)
	}
}
