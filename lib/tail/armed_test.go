package tail

import (
	"path/filepath"
	"testing"
	"time"
)

// Who does not wait is not told of anything: squid would wake it 5,000 times a second.
func TestAWatchIsArmedOnlyWhileItWaits(t *testing.T) {
	w := NewWatch([]string{filepath.Join(t.TempDir(), "log")})
	if w == nil {
		t.Fatal("nothing can be watched here")
	}
	defer w.Close()
	for range 2 {
		if armed := w.watcher.WatchList(); len(armed) != 0 {
			t.Errorf("%q is watched", armed)
		}
		w.Wait(t.Context(), time.Millisecond)
	}
	if armed := w.watcher.WatchList(); len(armed) != 0 {
		t.Errorf("%q is still watched", armed)
	}
}
