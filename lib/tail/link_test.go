package tail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A link is followed if root made it or this user: of others only root can make one.
func TestWhoseLinksAreFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root gives links to others")
		return
	}
	dir := t.TempDir()
	link, file := filepath.Join(dir, "access.log"), filepath.Join(dir, "shadow")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if got, err := Resolve(link); err != nil || got != file {
		t.Errorf("root's own: %s %v", got, err)
	}
	if err := os.Lchown(link, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if got, err := Resolve(link); got != link || err == nil || !strings.Contains(err.Error(), "neither root nor this user made: name the file itself, or chown -h root "+link) {
		t.Errorf("another's: %s %v", got, err)
	}
}
