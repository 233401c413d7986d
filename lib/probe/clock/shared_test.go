package clock

import (
	"context"
	"fmt"
	"testing"
	"time"

	"milepost/lib/crew"
)

func TestSharedClock(t *testing.T) {
	start := time.Now()
	var passed, set time.Duration
	asked, answer := 0, MonitorClock{Lo: -time.Millisecond, Hi: time.Millisecond, By: "3 of 3 references", Proven: true}
	s := &Shared{
		now: func() instant {
			return instant{wall: start.Add(passed + set).Round(0), mono: start.Add(passed)}
		},
		ask: func(context.Context, []string) MonitorClock { asked++; return answer },
	}
	servers := []string{"a", "b", "c"}
	silent := MonitorClock{By: "0 of 3 references agree"}
	for _, row := range []struct {
		situation string
		do        func()
		want      string
	}{
		{"the first time they are asked", func() {}, "1 [-1ms 1ms]"},
		{"another host, the same second", func() {}, "1 [-1ms 1ms]"},
		{"ten seconds later", func() { passed += 10 * time.Second }, "1 [-6ms 6ms]"},
		{"the clock was set meanwhile", func() { set = -time.Hour }, "1 [-1h0m0.006s -59m59.994s]"},
		{"a minute later they are asked again", func() { passed += time.Minute }, "2 [-1ms 1ms]"},
		{"they are silent: what they said is known less well", func() { passed += 100 * time.Second; answer = silent }, "3 [-51ms 51ms]"},
		{"they are silent for long", func() { passed += believed }, "4 unproven: 0 of 3 references agree"},
	} {
		row.do()
		c := s.Prove(t.Context(), servers)
		got := fmt.Sprintf("%d [%v %v]", asked, c.Lo, c.Hi)
		if !c.Proven {
			got = fmt.Sprintf("%d %v", asked, c)
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}

func TestManyHostsAskOnce(t *testing.T) {
	asked := 0
	s := &Shared{ask: func(context.Context, []string) MonitorClock {
		asked++
		return MonitorClock{Proven: true}
	}}
	var hosts crew.Crew
	for range 50 {
		hosts.Go(func() { s.Prove(t.Context(), []string{"a", "b", "c"}) })
	}
	hosts.Wait()
	if asked != 1 {
		t.Errorf("the references were asked %d times", asked)
	}
	s.Prove(t.Context(), []string{"d", "e", "f"})
	if asked != 2 {
		t.Error("others were taken for the same references")
	}
}
