package main

import "log/slog"

// A complaint is what fails again and again, as a disk that is full does at every round:
// it is told when it begins, when it becomes another, and when it is over. It is of one
// goroutine.
type complaint struct {
	what string
	last string // why, as it was told
}

// take takes how it went this time.
func (c *complaint) take(log *slog.Logger, err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	if why == c.last {
		return
	}
	c.last = why
	if err != nil {
		log.Error(c.what, "why", err)
		return
	}
	log.Info("this is over", "what", c.what)
}
