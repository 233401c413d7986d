package schedule

import (
	"container/heap"
	"time"
)

// An agenda is what is to be done later, by time: one timer serves them all.
type agenda struct{ entries entries }

// An entry is one thing to be done.
type entry struct {
	at    time.Time
	do    func()
	index int // in the heap; -1 = not there any more
}

// add puts do on the agenda.
func (a *agenda) add(at time.Time, do func()) *entry {
	e := &entry{at: at, do: do}
	heap.Push(&a.entries, e)
	return e
}

// drop takes e off the agenda, if it is there still; nil never was.
func (a *agenda) drop(e *entry) {
	if e != nil && e.index >= 0 {
		heap.Remove(&a.entries, e.index)
	}
}

// fire does all that is due.
func (a *agenda) fire(now time.Time) {
	for len(a.entries) > 0 && !a.entries[0].at.After(now) {
		heap.Pop(&a.entries).(*entry).do()
	}
}

// wait is how long there is nothing to do.
func (a *agenda) wait(now time.Time) time.Duration {
	if len(a.entries) == 0 {
		return time.Hour
	}
	return a.entries[0].at.Sub(now)
}

// entries is a heap.Interface, the earliest first.
type entries []*entry

func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }

func (e entries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}

func (e *entries) Push(x any) {
	added := x.(*entry)
	added.index = len(*e)
	*e = append(*e, added)
}

func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = nil
	*e = (*e)[:len(*e)-1]
	last.index = -1
	return last
}
