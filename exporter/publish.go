package main

import (
	"context"
	"time"
)

// A publisher publishes what has changed, soon: at once if it has rested, and all that
// changes meanwhile together. To look at ten thousand hosts for each of them that has
// changed would hold up the rounds of all.
type publisher struct{ due chan struct{} }

func newPublisher() publisher { return publisher{make(chan struct{}, 1)} }

// soon has it published. It does not wait.
func (p publisher) soon() {
	select {
	case p.due <- struct{}{}:
	default: // it is due already
	}
}

// share is how much longer than it published it rests.
const share = 9

// run publishes until ctx ends.
func (p publisher) run(ctx context.Context, publish func(time.Time)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.due:
		}
		began := time.Now()
		publish(began)
		rest := time.NewTimer(share * time.Since(began))
		select {
		case <-ctx.Done():
			rest.Stop()
			return
		case <-rest.C:
		}
	}
}
