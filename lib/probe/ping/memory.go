package ping

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"milepost/lib/burst"
)

// A memory is what was learnt of hosts' paths, as a file keeps it. It is written
// whole, beside the file, and put in its place.
type memory struct {
	hosts      map[string]remembered
	unreadable bool // it is not ours to write over
}

// A remembered is what was learnt of one path.
type remembered struct {
	burst.Record
	Spacing float64   `json:"spacing"` // of the packets, in seconds
	Updated time.Time `json:"updated"`
}

const (
	memorySchema  = "milepost.baselines/1"
	largestMemory = 64 << 20 // bytes
	forgotten     = 90 * 24 * time.Hour
	ahead         = time.Minute // that a clock may have been
)

// A document is a memory in JSON.
type document struct {
	Schema string                `json:"schema"`
	Hosts  map[string]remembered `json:"hosts"`
}

// readMemory reads the file at path; one that is not there is empty. One that others
// may write, or that is not of this schema, is refused.
func readMemory(path string) (memory, error) {
	m, err := readFile(path)
	if err != nil {
		return memory{unreadable: true}, fmt.Errorf("reading baselines %q: %w", path, cause(err))
	}
	return m, nil
}

func readFile(path string) (memory, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO without a writer must not hang
	if errors.Is(err, os.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return memory{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return memory{}, err
	}
	if err := trusted(info); err != nil {
		return memory{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, largestMemory+1))
	switch {
	case err != nil:
		return memory{}, err
	case len(text) > largestMemory:
		return memory{}, fmt.Errorf("larger than %d bytes", largestMemory)
	case len(text) == 0:
		return memory{}, nil // somebody made it with touch
	}
	return parseMemory(text)
}

// trusted refuses a file that somebody else could have written.
func trusted(info os.FileInfo) error {
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write it (mode %04o): run chmod go-w", info.Mode().Perm())
	case known && owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, not to %d, who runs this", owner.Uid, os.Geteuid())
	}
	return nil
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
func (r remembered) age(now time.Time) (time.Duration, error) {
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
	if !known || err != nil || r.Spacing != spacing.Seconds() {
		return burst.Record{}
	}
	return r.After(age)
}

// write puts m at path.
func (m memory) write(path string) error {
	if err := m.replace(path); err != nil {
		return fmt.Errorf("keeping baselines in %q: %w", path, cause(err))
	}
	return nil
}

func (m memory) replace(path string) error {
	text, err := json.Marshal(document{memorySchema, m.hosts})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return nil
}

// cause is err without the path, which the caller's text already names.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
