package selfcheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"milepost/lib/keep"
)

const (
	// remembered is how many names are remembered, and believed how long: by then an
	// address may be somebody else's, whose answers would pass for the host's.
	remembered = 20_000
	believed   = 24 * time.Hour

	// settled is how often the memory is written at most, and memoryLimit how much is
	// read of it, in bytes.
	settled     = time.Minute
	memoryLimit = 16 << 20
)

// A memory is the last addresses that were found for each name.
type memory struct {
	mu    sync.Mutex
	names map[question]answer
	dirty bool      // something is not written yet
	saved time.Time // when it was last written
}

type question struct{ network, host string }

type answer struct {
	addrs []netip.Addr
	at    time.Time
}

func (m *memory) keep(network, host string, addrs []netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names == nil {
		m.names = map[question]answer{}
	}
	q := question{network, host}
	if _, known := m.names[q]; !known && len(m.names) >= remembered {
		for some := range m.names { // any one: the names that are in use come back
			delete(m.names, some)
			break
		}
	}
	m.names[q] = answer{slices.Clone(addrs), time.Now()}
	m.dirty = true
}

func (m *memory) find(network, host string) []netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.names[question{network, host}]
	if time.Since(a.at) > believed {
		return nil
	}
	return slices.Clone(a.addrs)
}

// A memo is one name's line in the file.
type memo struct {
	Network string       `json:"network"`
	Host    string       `json:"host"`
	Addrs   []netip.Addr `json:"addrs"`
	At      time.Time    `json:"at"`
}

// text is what is to be written now, nil if nothing is.
func (m *memory) text(now time.Time, wait time.Duration) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dirty || now.Sub(m.saved) < wait {
		return nil
	}
	all := make([]memo, 0, len(m.names))
	for q, a := range m.names {
		all = append(all, memo{q.network, q.host, a.addrs, a.at.Round(0).UTC()})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil // addresses and times can be spelled
	}
	m.dirty, m.saved = false, now
	return text
}

// take is the memory of an earlier process, as far as it is not too old. What is said
// to be of the future is of another clock, and nobody knows how old it is.
func (m *memory) take(text []byte, now time.Time) error {
	var all []memo
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names = map[question]answer{}
	for _, o := range all[:min(len(all), remembered)] {
		if age := now.Sub(o.At); age >= 0 && age <= believed && len(o.Addrs) > 0 && !slices.ContainsFunc(o.Addrs, func(a netip.Addr) bool { return !a.IsValid() }) {
			m.names[question{o.Network, o.Host}] = answer{o.Addrs, o.At}
		}
	}
	return nil
}

// load reads the addresses that an earlier process knew. Without them names are
// found as ever.
func (k *Checker) load() {
	if k.Kept == "" {
		return
	}
	text, err := keep.Read(k.Kept, memoryLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		if err = k.known.take(text, time.Now()); err != nil {
			err = fmt.Errorf("%q: %w", k.Kept, err)
		}
	}
	if err != nil {
		k.trouble = fmt.Errorf("reading the last good addresses %w", err)
	}
}

// save writes the memory, if the last time is so long ago.
func (k *Checker) save(wait time.Duration) {
	if k.Kept == "" {
		return
	}
	text := k.known.text(time.Now(), wait)
	if text == nil {
		return
	}
	err := keep.Replace(k.Kept, append(text, '\n'), 0o640)
	k.turn <- struct{}{}
	k.trouble = nil
	if err != nil {
		k.trouble = fmt.Errorf("keeping the last good addresses in %w", err)
	}
	<-k.turn
}

// Inherit takes over the addresses that another checker knows, as after a reload.
func (k *Checker) Inherit(before *Checker) {
	before.known.mu.Lock()
	names := maps.Clone(before.known.names)
	before.known.mu.Unlock()
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	if k.known.names == nil {
		k.known.names = map[question]answer{}
	}
	maps.Copy(k.known.names, names)
	k.known.dirty = true
}
