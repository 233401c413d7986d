package hostdrift

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// A Wallclock is whose clock a Xen guest must have; "" = it does not matter.
type Wallclock string

// Independent is a clock of the guest's own, which it can set.
const Independent Wallclock = "independent"

// UnmarshalText takes "independent".
func (w *Wallclock) UnmarshalText(text []byte) error {
	if Wallclock(text) != Independent {
		return fmt.Errorf("%q: write independent", text)
	}
	*w = Independent
	return nil
}

// String is the text that UnmarshalText reads.
func (w Wallclock) String() string { return string(w) }

const (
	wallclockKey  = "/proc/sys/xen/independent_wallclock"
	hypervisorKey = "/sys/hypervisor/type"
)

// wallclock looks at the switch of old paravirtual guests. A newer Xen guest has no
// such switch and always a clock of its own.
func (m *measurement) wallclock(context.Context) {
	if m.Wallclock == "" {
		return
	}
	began := time.Now()
	l := look{flag: wallclock}
	text, err := m.key(wallclockKey)
	l.stage.Said = fmt.Sprintf("%s: %q", wallclockKey, text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind, err := m.key(hypervisorKey)
		l.stage.Said = fmt.Sprintf("no %s; %s: %q", wallclockKey, hypervisorKey, kind)
		if err != nil || kind != "xen" {
			l.err = errors.New("this is no Xen guest that could have its node's clock: leave out --wallclock")
		}
	case err != nil:
		l.err = err
	case text != "1":
		l.drift = "the clock is the Xen node's, and cannot be set here"
		l.mend = "run sysctl -w xen.independent_wallclock=1"
	}
	m.saw(began, "looking at the clock's independence", l)
}

// key is the text of a file of the kernel's.
func (m *measurement) key(path string) (string, error) {
	const limit = 4 << 10
	text, err := m.root.read(path, limit)
	return strings.TrimSpace(string(text)), err
}
