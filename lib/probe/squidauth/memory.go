package squidauth

import (
	"sync"
	"time"
)

// A Memory is what each proxy last said to wrong credentials, so that a check
// that runs every minute need not try a wrong password every minute: accounts
// are locked for less. Default makes one, and every copy of that Config shares
// it, so it lives as long as the exporter's configuration does. A plugin's
// memory ends with its run: there the stage is always made.
//
// A remembered answer stands in for the stage: the limit stays and finds a
// sample, whose age the stages tell. Only a refusal is remembered. What was
// accepted, or was no answer, is asked again in the next run.
type Memory struct {
	mu      sync.Mutex
	refused map[string]refusal
}

// String is nothing: a Config with another memory is the same Config.
func (m *Memory) String() string { return "" }

type refusal struct {
	at     time.Time
	answer Answer
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
