package main

import (
	"context"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
)

// tellStates writes what a round amounts to.
func (m *monitor) tellStates(f *fleet.Fleet, dataAt time.Time, of func(name string) hoststate.Status) {
	if err := m.states.Write(f.Status.HostStatusFile, names(f), hoststate.Lend(dataAt, f.Interval), of); err != nil {
		m.log.Warn("shell loops are not told", "why", err)
	}
}

// tellNothing writes that no state is known: before the first round, and when the
// exporter ends.
func (m *monitor) tellNothing() {
	f := m.watching()
	if err := m.states.Write(f.Status.HostStatusFile, names(f), hoststate.Lease{}, nil); err != nil {
		m.log.Warn("shell loops are not told", "why", err)
	}
}

// statesAge looks how old the file is until ctx ends.
func (m *monitor) statesAge(ctx context.Context) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			f := m.watching()
			if f.Status.HostStatusFile == "" {
				continue // a round takes away what there was
			}
			if err := m.states.Lapse(f.Status.HostStatusFile, names(f), time.Now()); err != nil {
				m.log.Warn("shell loops are not told", "why", err)
			}
		}
	}
}
