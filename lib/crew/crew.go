// Package crew starts goroutines that have an owner and an end. It is the only
// place with a go statement: a panic in any goroutine reaches whoever waits for
// it, so that a broken check is UNKNOWN and not a dead process.
package crew

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// A Crew is the goroutines of one owner. The zero Crew is ready.
type Crew struct {
	wg    sync.WaitGroup
	once  sync.Once
	panic *Panic
}

// Go runs f on a goroutine of c.
func (c *Crew) Go(f func()) {
	c.wg.Go(func() {
		defer func() {
			if p := Recovered(recover()); p != nil {
				c.once.Do(func() { c.panic = p })
			}
		}()
		f()
	})
}

// Wait waits for all of c. If one of them panicked, Wait panics with a *Panic
// that says where, on the goroutine of the caller.
func (c *Crew) Wait() {
	c.wg.Wait()
	if c.panic != nil {
		panic(c.panic)
	}
}

// A Panic is a recovered panic with the place it came from.
type Panic struct {
	Value any
	Stack string
}

// Recovered is what recover() returned as a *Panic, with the stack of the
// goroutine that panicked first; nil stays nil.
func Recovered(value any) *Panic {
	switch v := value.(type) {
	case nil:
		return nil
	case *Panic:
		return v
	default:
		return &Panic{Value: v, Stack: string(debug.Stack())}
	}
}

// Error is the value that was panicked with.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }
