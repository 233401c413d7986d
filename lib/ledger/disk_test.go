package ledger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"milepost/lib/crew"
	"milepost/lib/peers"
)

// smallDisk is a file system of its own, of so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small disk: %v: this test needs root", err)
		}
		t.Skipf("mounting a small disk: %v: this test needs root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk stops the counting and loses nothing.
func TestRealFullDisk(t *testing.T) {
	disk := smallDisk(t, 1<<20)
	c := config(t.TempDir())
	c.Path = filepath.Join(disk, "ledger.db")
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	l := follow(t, c)
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, bytes.Repeat([]byte("x"), 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for i := range 20_000 {
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, fmt.Sprint("user", i%2000)))
	}
	b := newBatch(l)
	for now := noon; ; {
		ev, ok := l.tail.Next(now)
		if !ok {
			break
		}
		b.take(ev)
	}
	for range 3 {
		if err := l.save(b); err == nil || !strings.Contains(err.Error(), "the disk is full: make room; nothing is lost, counting goes on from where it was") {
			t.Fatalf("%v", err)
		}
	}
	if got := usage(t, c); got[""] != "1/1" { // who reads can do so all the while
		t.Errorf("%v", got)
	}
	remove(t, filler)
	if err := l.save(b); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	follow(t, c).Close()
	if got := usage(t, c); got[""] != "20001/20001" {
		t.Errorf("%v", got)
	}
	if err := Check(t.Context(), c.Path); err != nil {
		t.Error(err)
	}

	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if got := usage(t, c); got[""] != "20001/20001" {
		t.Errorf("on a disk that is read-only: %v", got)
	}
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "this user may not write it, or its directory: see ls -ld") {
		t.Errorf("%v", err)
	}
}

// Counting that cannot be kept is told, and goes on by itself once it can.
func TestRealDiskThatIsReadOnlyForAWhile(t *testing.T) {
	disk := smallDisk(t, 4<<20)
	c := config(t.TempDir())
	c.Path = filepath.Join(disk, "ledger.db")
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	l := follow(t, c)
	write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
	// A connection whose file was opened when nobody could write it.
	l.db.SetMaxIdleConns(0)
	l.db.SetMaxIdleConns(1)
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	ctx, stop := context.WithCancel(t.Context())
	var counting crew.Crew
	counting.Go(func() { _ = l.Follow(ctx) })
	until := func(what string, ok func() bool) {
		t.Helper()
		if !peers.Until(4*retry, ok) {
			t.Fatal(what)
		}
	}
	until("that nothing can be written is not told", func() bool { return sample(l, "ledger_counting") == 0 && sample(l, "squid_log_lag_bytes") > 0 })
	remount(0)
	until("it does not go on", func() bool { return sample(l, "ledger_counting") == 1 })
	stop()
	counting.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := usage(t, c); got[""] != "2/2" {
		t.Errorf("%v", got)
	}
}

func sample(l *Ledger, name string, labels ...string) float64 {
	for s := range l.Samples() {
		if s.Metric == name && slices.Equal(s.Labels[len(s.Labels)-len(labels):], labels) {
			return s.Value
		}
	}
	return -1
}
