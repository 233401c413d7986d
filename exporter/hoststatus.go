package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"milepost/lib/fleet"
	"milepost/lib/hoststate"
	"milepost/lib/keep"
)

// hostStatus is what shell loops read: "NAME N" a line, in the order of the inventory.
// A blank in a name, which would end it, is an underscore.
func hostStatus(hosts []fleet.Host, of func(name string) hoststate.Status) string {
	var b strings.Builder
	for _, h := range hosts {
		fmt.Fprintf(&b, "%s %d\n", strings.Join(strings.Fields(h.Name), "_"), number(of(h.Name)))
	}
	return b.String()
}

// number is a state for shells: 0 up, 1 degraded, 2 down, 3 unknown, 4 maintenance.
func number(s hoststate.Status) int {
	switch s {
	case hoststate.Up:
		return 0
	case hoststate.Degraded:
		return 1
	case hoststate.Down:
		return 2
	case hoststate.Maintenance:
		return 4
	default:
		return 3
	}
}

// A statesFile is the file of status.host_status_file.
type statesFile struct {
	mu    sync.Mutex
	path  string          // where it was written last
	lease hoststate.Lease // on what stands in it; the zero one on nothing
}

// write replaces the file at once with what the lease is on. One that
// cannot be written is not left to tell what was: nobody would know how old it is.
func (s *statesFile) write(f *fleet.Fleet, lease hoststate.Lease, of func(name string) hoststate.Status) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace(f, lease, of)
}

func (s *statesFile) replace(f *fleet.Fleet, lease hoststate.Lease, of func(name string) hoststate.Status) error {
	path := f.Status.HostStatusFile
	if s.path != "" && s.path != path { // the inventory names another one now
		if err := gone(os.Remove(s.path)); err != nil {
			return fmt.Errorf("writing the states of hosts: %w", err)
		}
	}
	s.path, s.lease = path, lease
	if path == "" {
		return nil
	}
	if err := keep.Replace(path, []byte(hostStatus(f.Hosts, of)), 0o644); err != nil {
		return errors.Join(fmt.Errorf("writing the states of hosts to %w", err), gone(os.Remove(path)))
	}
	return nil
}

// gone is what Remove said, if the file may still be there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lapse writes that no state is known if the lease of what stands in the file has
// ended at now.
func (s *statesFile) lapse(f *fleet.Fleet, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == (hoststate.Lease{}) || !s.lease.Over(now) {
		return nil
	}
	return s.replace(f, hoststate.Lease{}, unknown)
}

func unknown(string) hoststate.Status { return hoststate.Unknown }

// tellStates writes what a round amounts to.
func (m *monitor) tellStates(f *fleet.Fleet, dataAt time.Time, of func(name string) hoststate.Status) {
	if err := m.states.write(f, hoststate.Lend(dataAt, f.Interval), of); err != nil {
		m.log.Warn("shell loops are not told", "why", err)
	}
}

// tellNothing writes that no state is known: before the first round, and when the
// exporter ends.
func (m *monitor) tellNothing() {
	f := m.watching()
	if err := m.states.write(f, hoststate.Lease{}, unknown); err != nil {
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
			if err := m.states.lapse(f, time.Now()); err != nil {
				m.log.Warn("shell loops are not told", "why", err)
			}
		}
	}
}
