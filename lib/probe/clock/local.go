package clock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"milepost/lib/metric"
)

// onThisMachine reads the clock of the machine that the check runs on. Host and monitor
// are one: how far the clock is off is what its references say of it, and without one
// there is nothing to measure with.
func (c Config) onThisMachine(t metric.Target, proven MonitorClock) (source, error) {
	const doing = "reading this machine's clock"
	if len(t.Addrs) > 0 && !t.Addrs[0].IsLoopback() {
		return source{}, fmt.Errorf("%s: %q is another: ask it with --source snmp, ntp or http", doing, t.Address)
	}
	if !proven.Proven {
		return source{}, fmt.Errorf("%s: nobody says how far it is off (%s): run chronyd here, or name --reference NTP1,NTP2,NTP3", doing, proven.By)
	}
	return source{
		doing: doing,
		live:  true,
		ask: func(context.Context) (answer, error) {
			at := c.now()
			return answer{reading: read(at.wall, 0, at, at), said: "it is " + at.wall.UTC().Format(time.RFC3339Nano)}, nil
		},
		close: func() {},
	}, nil
}

// errUnheld is about a clock that would be held against itself.
var errUnheld = errors.New("--source local needs a reference to hold this machine's clock against: not --reference none")
