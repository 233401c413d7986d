package tail_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"milepost/lib/crew"
	"milepost/lib/tail"
)

// Whoever waits for a log is woken by its first line, not by the end of the wait.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	w := tail.NewWatch([]string{filepath.Join(dir, "log"), filepath.Join(dir, "other"), "/nonexistent/log"})
	defer w.Close()
	for range 3 {
		ctx, stop := context.WithCancel(t.Context())
		var writing crew.Crew
		writing.Go(func() {
			again := time.NewTicker(5 * time.Millisecond)
			defer again.Stop()
			for ctx.Err() == nil {
				<-again.C
				_ = os.WriteFile(filepath.Join(dir, "log"), []byte("a\n"), 0o600)
			}
		})
		begun := time.Now()
		w.Wait(t.Context(), time.Hour)
		stop()
		writing.Wait()
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("it was woken after %v", took)
		}
	}
	for name, w := range map[string]*tail.Watch{"a watch": w, "none": nil} {
		begun := time.Now()
		w.Wait(t.Context(), 20*time.Millisecond)
		if took := time.Since(begun); took < 15*time.Millisecond {
			t.Errorf("%s waited for %v", name, took)
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		w.Wait(ended, time.Hour)
	}
}
