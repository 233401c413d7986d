package main

import (
	"log/slog"
	"sync"
)

// A complaint is what fails again and again, as a disk that is full does at every round:
// it is told when it begins, when it becomes another, and when it is over.
type complaint struct {
	what string

	mu   sync.Mutex
	last string // why, as it was told
}

// take takes how it went this time.
func (c *complaint) take(log *slog.Logger, err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	c.mu.Lock()
	told := why == c.last
	c.last = why
	c.mu.Unlock()
	switch {
	case told:
	case err != nil:
		log.Error(c.what, "why", err)
	default:
		log.Info("this is over", "what", c.what)
	}
}
