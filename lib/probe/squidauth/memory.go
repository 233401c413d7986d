package squidauth

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// A Memory is what each proxy last said to wrong credentials, so that a check
// that runs every minute need not try a wrong password every minute: accounts
// are locked for less. Default makes one, and every copy of that Config shares
// it, so it lives as long as the exporter's configuration does. A plugin's
// memory ends with its run: there the stage is always made. MarshalText is what outlives
// a process.
//
// A remembered answer stands in for the stage: the limit stays and finds a
// sample, whose age the stages tell. Only a refusal is remembered. What was
// accepted, or was no answer, is asked again in the next run.
type Memory struct {
	Changed func() // called after a change, at once; nil = nobody wants to know

	mu      sync.Mutex
	refused map[string]refusal
}

// String is nothing: a Config with another memory is the same Config.
func (m *Memory) String() string { return "" }

type refusal struct {
	at     time.Time
	answer Answer
}

// A memo is a refusal in JSON.
type memo struct {
	At         time.Time `json:"at"`
	Method     string    `json:"method"`
	Status     int       `json:"status"`
	SquidError string    `json:"squid_error,omitempty"`
	Challenged bool      `json:"challenged"`
}

// A book is a Memory in JSON.
type book struct {
	Schema  string          `json:"schema"`
	Refused map[string]memo `json:"refused"` // by host, proxy and user
}

const (
	bookSchema = "milepost.refusals/1"
	forgotten  = 90 * 24 * time.Hour
	ahead      = time.Minute // that a clock may have been
)

// MarshalText is what m remembers, in JSON, less what is too old to matter.
func (m *Memory) MarshalText() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := book{bookSchema, map[string]memo{}}
	for proxy, r := range m.refused {
		if time.Since(r.at) < forgotten {
			a := r.answer
			b.Refused[proxy] = memo{r.at.UTC(), a.Method, a.Status, a.SquidError, a.Challenged}
		}
	}
	return json.Marshal(b)
}

// UnmarshalText makes m remember what MarshalText wrote. What is of the future is not
// believed: a wrong password would not be tried until then.
func (m *Memory) UnmarshalText(text []byte) error {
	var b book
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("not JSON as it was written: %w", err)
	}
	if b.Schema != bookSchema {
		return fmt.Errorf("its schema is %q, not %q: another version wrote it", b.Schema, bookSchema)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = map[string]refusal{}
	for proxy, r := range b.Refused {
		a := Answer{Method: printable(r.Method, 10), Status: r.Status, SquidError: printable(r.SquidError, 40), Challenged: r.Challenged}
		if age := time.Since(r.At); a.refused() && -ahead < age && age < forgotten {
			m.refused[proxy] = refusal{r.At, a}
		}
	}
	return nil
}

// recall is the refusal of proxy that is younger than age, and how old it is.
func (m *Memory) recall(proxy string, age time.Duration) (Answer, time.Duration, bool) {
	if m == nil || age <= 0 {
		return Answer{}, 0, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.refused[proxy]
	old := time.Since(r.at)
	return r.answer, old, ok && old < age
}

// keep remembers what proxy just said to wrong credentials.
func (m *Memory) keep(proxy string, a Answer) {
	if m == nil {
		return
	}
	if m.Changed != nil {
		defer m.Changed()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !a.refused() {
		delete(m.refused, proxy)
		return
	}
	if m.refused == nil {
		m.refused = map[string]refusal{}
	}
	m.refused[proxy] = refusal{time.Now(), a}
}
