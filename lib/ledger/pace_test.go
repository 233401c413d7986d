package ledger

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"milepost/lib/crew"
)

// A log that grows is read four times a second, however often squid writes to it, and
// nothing waits to be woken: that is for a log at rest.
func TestThePaceOfReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(t.TempDir())
		c.still, c.commitTime = true, time.Nanosecond // a commit for each time that something was read
		var armed atomic.Int64
		c.armed = func() { armed.Add(1) }
		l, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all crew.Crew
		all.Go(func() { _ = l.Follow(ctx) })
		write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
		time.Sleep(1500 * time.Millisecond) // it was found
		before, err := revisionOf(ctx, c.Path)
		if err != nil {
			t.Fatal(err)
		}
		armed.Store(0)
		const seconds = 10
		for range seconds * 50 {
			write(t, c.Globs[0], line(noon, "TCP_MISS", 200, 1, "alice"))
			time.Sleep(time.Second / 50)
		}
		after, err := revisionOf(ctx, c.Path)
		if err != nil {
			t.Fatal(err)
		}
		if reads := after - before; reads < 4*seconds-2 || reads > 4*seconds+2 {
			t.Errorf("in %d s it was read %d times", seconds, reads)
		}
		if n := armed.Load(); n != 0 {
			t.Errorf("while it grew the watch was armed %d times", n)
		}
		time.Sleep(10 * time.Second)
		if n := armed.Load(); n < 7 || n > 9 { // once a second from two seconds on
			t.Errorf("while it rested the watch was armed %d times", n)
		}
		stop()
		all.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
