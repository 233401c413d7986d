package statusbar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"milepost/lib/hoststate"
	"milepost/lib/keep"
)

// HostStatus is what shell loops read: "NAME N" a line, in the order of hosts. N is 0 up,
// 1 degraded, 2 down, 3 unknown, 4 maintenance. A blank in a name, which would end it, is
// an underscore. A nil of knows nothing.
func HostStatus(hosts []string, of func(name string) hoststate.Status) string {
	var b strings.Builder
	for _, name := range hosts {
		is := hoststate.Unknown
		if of != nil {
			is = of(name)
		}
		fmt.Fprintf(&b, "%s %d\n", strings.Join(strings.Fields(name), "_"), number(is))
	}
	return b.String()
}

// number is a state for shells.
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

// KeptHostStatus is the HostStatus that the snapshot kept in stateDir amounts to. One
// whose lease is over at now tells nothing any more, and so does one that is not there.
func KeptHostStatus(stateDir string, hosts []string, now time.Time) (string, error) {
	known, err := keptStates(filepath.Join(stateDir, kept), now)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading status %w", err)
	}
	return HostStatus(hosts, func(name string) hoststate.Status { return known[name] }), nil
}

// keptStates is the states in the snapshot at path, by host; none if its lease is over.
// Nothing else of it matters, so nothing else can spoil it.
func keptStates(path string, now time.Time) (map[string]hoststate.Status, error) {
	text, err := keep.Read(path, keptLimit)
	if err != nil {
		return nil, err
	}
	var d struct {
		ValidUntil time.Time `json:"valid_until"`
		Components []struct {
			ID     string           `json:"id"`
			Status hoststate.Status `json:"status"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%q: it is damaged: %w", path, err)
	}
	states := map[string]hoststate.Status{}
	if now.Before(d.ValidUntil) {
		for _, c := range d.Components {
			states[c.ID] = c.Status
		}
	}
	return states, nil
}

// A HostStatusFile keeps a HostStatus where shell loops find it, and never one that is
// too old to be believed. The zero one has written nothing yet; its methods may be called
// at the same time.
type HostStatusFile struct {
	mu    sync.Mutex
	path  string          // where it was written last
	lease hoststate.Lease // on what stands in it; the zero one on nothing
}

// Write replaces the file at path at once with what the lease is on; an empty path is no
// file. One that cannot be written is not left to tell what was, nor is one at another
// path before: nobody would know how old it is.
func (f *HostStatusFile) Write(path string, hosts []string, lease hoststate.Lease, of func(name string) hoststate.Status) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replace(path, hosts, lease, of)
}

// Lapse writes to path that no state is known if the lease of what was written last has
// ended at now.
func (f *HostStatusFile) Lapse(path string, hosts []string, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lease == (hoststate.Lease{}) || !f.lease.Over(now) {
		return nil
	}
	return f.replace(path, hosts, hoststate.Lease{}, nil)
}

func (f *HostStatusFile) replace(path string, hosts []string, lease hoststate.Lease, of func(name string) hoststate.Status) error {
	if f.path != "" && f.path != path { // the inventory names another one now
		if err := gone(os.Remove(f.path)); err != nil {
			return fmt.Errorf("writing the states of hosts: %w", err)
		}
	}
	f.path, f.lease = path, lease
	if path == "" {
		return nil
	}
	if err := keep.Replace(path, []byte(HostStatus(hosts, of)), 0o644); err != nil {
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
