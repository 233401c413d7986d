package ping

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"milepost/lib/burst"
	"milepost/lib/keep"
	"milepost/lib/metric"
)

// A memory is what was learnt of hosts' paths, as a file keeps it. It is replaced
// as a whole.
type memory struct {
	hosts      map[string]Remembered
	unreadable bool // it is not ours to write over
}

// A Remembered is what was learnt of one path, and when that was last added to.
type Remembered struct {
	burst.Record
	Spacing float64   `json:"spacing"` // of the packets, in seconds
	Updated time.Time `json:"updated"`
}

const (
	memorySchema  = "milepost.baselines/1"
	largestMemory = 64 << 20    // bytes
	ahead         = time.Minute // that a clock may have been
)

// A document is a memory in JSON.
type document struct {
	Schema string                `json:"schema"`
	Hosts  map[string]Remembered `json:"hosts"`
}

// readMemory reads the file at path; one that is not there is empty. One that others
// may write, or that is not of this schema, is refused.
func readMemory(path string) (memory, error) {
	m, err := readFile(path)
	if err != nil {
		return memory{unreadable: true}, fmt.Errorf("reading baselines %w", err)
	}
	return m, nil
}

func readFile(path string) (memory, error) {
	text, err := keep.ReadOwn(path, largestMemory)
	if errors.Is(err, os.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, err
	}
	if len(text) == 0 {
		return memory{}, nil // somebody made it with touch
	}
	m, err := parseMemory(text)
	if err != nil {
		return memory{}, fmt.Errorf("%q: %w", path, err)
	}
	return m, nil
}

// parseMemory reads a document.
func parseMemory(text []byte) (memory, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return memory{}, fmt.Errorf("not JSON as it was written: %w", err)
	}
	if d.Schema != memorySchema {
		return memory{}, fmt.Errorf("its schema is %q, not %q: another version wrote it", d.Schema, memorySchema)
	}
	for host, r := range d.Hosts {
		if !r.Valid() || !(r.Spacing > 0) {
			return memory{}, fmt.Errorf("what it says of host %q cannot have been seen", host)
		}
	}
	return memory{hosts: d.Hosts}, nil
}

// errAhead is of a host of which m speaks in the future.
var errAhead = errors.New("is of the future: this machine's clock is wrong, or was")

// age is how old the latest that m knows of host is.
func (r Remembered) age(now time.Time) (time.Duration, error) {
	age := now.Sub(r.Updated)
	if age < -ahead {
		return 0, fmt.Errorf("%w (%s)", errAhead, r.Updated.UTC().Format(time.RFC3339))
	}
	return max(age, 0), nil
}

// of is what m knows of host now, of packets that far apart; what is of the future is
// not believed.
func (m memory) of(host string, spacing time.Duration) burst.Record {
	r, known := m.hosts[host]
	age, err := r.age(time.Now())
	if !known || err != nil || !r.Valid() || r.Spacing != spacing.Seconds() {
		return burst.Record{}
	}
	return r.After(age)
}

// write puts m at path.
func (m memory) write(path string) error {
	if err := m.replace(path); err != nil {
		return fmt.Errorf("keeping baselines in %w", err)
	}
	return nil
}

func (m memory) replace(path string) error {
	text, err := json.Marshal(document{memorySchema, m.hosts})
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	return keep.Replace(path, append(text, '\n'), 0o644)
}

// writable is access(2)'s W_OK and X_OK: files can be made in the directory.
const writable = 2 | 1

// needs are that what is to be learned can be kept, and what was learned be read.
func (l Learned) needs() []metric.Need {
	if l.State == "" {
		return nil
	}
	dir := filepath.Dir(l.State)
	n := metric.Need{What: fmt.Sprintf("baselines in %q", l.State), OK: true, Have: "can be written"}
	if err := syscall.Access(dir, writable); err != nil {
		n.OK, n.Have = false, fmt.Sprintf("directory %q: %v", dir, err)
		n.Mend = fmt.Sprintf("install -d -o %d %q", os.Geteuid(), dir)
	} else if _, err := readMemory(l.State); err != nil {
		n.OK, n.Have, n.Mend = false, err.Error(), fmt.Sprintf("mv %q %q", l.State, l.State+".old")
	}
	return []metric.Need{n}
}
